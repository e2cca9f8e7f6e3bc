import { DEFINER_ACCOUNT } from '../../deploy/account';
import { intendedDefiner } from '../../deploy/definer';
import { lostGrants } from '../../deploy/plan';
import { enumerate } from '../../deploy/text';
import { EVENT } from '../topology';
import { definersOf, seesKind } from '../../deploy/state';
import { type Facts, type Finding, findingsAbout } from './facts';

const onPrimary = ({ isOpen }: Facts) => (isOpen ? '' : 'On the primary: ');

const differencesAbout = ({ verification }: Facts, ...subjects: string[]) =>
  verification.differences.filter(({ about }) => subjects.includes(about)).map(({ text }) => text);

const SHOWN = 5;

function sayFirst(differences: readonly string[]): string {
  const more = differences.length - SHOWN;
  return `${differences.slice(0, SHOWN).join('. ')}${more > 0 ? `, and ${more} more` : ''}.`;
}

export function* checkEvent(facts: Facts): Generator<Finding> {
  const { event, isOpen, topology } = facts;
  const { ok, warn, fail } = findingsAbout('event');
  if (event === undefined && !seesKind('event', facts.state)) {
    yield warn('Not looked at.', 'GRANT EVENT on the schema to this account, or use another one.');
    return;
  }
  if (event === undefined) {
    const remedy = `${onPrimary(facts)}order-timeout doctor --fix creates it.`;
    yield fail(`The event ${EVENT} is missing: nothing calls the sweep.`, remedy);
    return;
  }
  const differences = differencesAbout(facts, 'event');
  const isChanged = differences.length > 0;
  const definer = intendedDefiner(facts.state) ?? event.definer;
  if (isChanged)
    yield fail(
      `${differences.join('. ')}.`,
      `${onPrimary(facts)}order-timeout up brings it back to this version's file.`,
    );
  if (!isOpen) {
    if (!isChanged)
      yield ok(`As deployed, ${event.status} on this server; it does not run here now.`);
  } else if (event.status !== 'ENABLED') {
    const isElsewhere = !(topology instanceof Error) && topology.group?.isSinglePrimary === false;
    yield isElsewhere
      ? warn(
          `${event.status} here.`,
          'In a group with several primaries it runs on one of them. If on none: order-timeout doctor --fix here.',
        )
      : fail(
          event.status === 'DISABLED'
            ? 'DISABLED: somebody switched it off, and no order times out.'
            : `${event.status}: MySQL leaves the event off on a server that was promoted, and no order times out.`,
          'order-timeout doctor --fix enables it. (To halt the sweep on purpose use order-timeout pause.)',
        );
  } else if (event.definer !== definer) {
    yield warn(
      `Enabled; it runs as ${event.definer} instead of ${definer}.`,
      'Should that account go or lose a privilege, no order times out: order-timeout doctor --fix.',
    );
  } else if (!isChanged) {
    yield ok(`Enabled, as deployed; it runs as ${event.definer}.`);
  }
}

const SILENT_AFTER_SECONDS = 300;

/** What the event's account can do is proven by a sweep under it, not by what is written about its grants. */
export function* checkLastSweep({ event, eventError, heartbeat, isOpen }: Facts) {
  const { ok, warn, fail } = findingsAbout('last_sweep');
  if (!isOpen || event?.status !== 'ENABLED') return;
  if (heartbeat === undefined)
    yield warn('Not looked at.', 'GRANT SELECT on order_timeout_heartbeat to this account.');
  else if (eventError && eventError.secondsAgo <= (heartbeat?.secondsAgo ?? Infinity))
    // What a sweep has come to its end after is over.
    yield fail(
      `The event scheduler says: ${eventError.text}`,
      'Where a privilege is missing: order-timeout doctor --fix, then order-timeout up. It is gone when the next sweep has ended.',
    );
  else if (heartbeat === null)
    yield warn('No sweep has come to its end yet.', 'Wait two minutes after the deployment.');
  else if (heartbeat.secondsAgo > SILENT_AFTER_SECONDS)
    yield fail(
      `The last sweep ended ${heartbeat.secondsAgo} seconds ago: it should be every minute.`,
      "See event and scheduler here, order-timeout health, and the server's error log.",
    );
  else if (heartbeat.secondsAgo < -SILENT_AFTER_SECONDS)
    yield fail(
      `The last sweep ended ${-heartbeat.secondsAgo} seconds from now: the server's clock was set back, and its event scheduler waits until then.`,
      'SET GLOBAL event_scheduler = OFF, then ON: within a minute the sweep goes on.',
    );
  else
    yield ok(
      `A sweep ended ${heartbeat.secondsAgo} seconds ago, so ${event.definer} may do what it must.`,
    );
}

export function* checkDefiner(facts: Facts): Generator<Finding> {
  const { ok, warn, fail } = findingsAbout('definer');
  const { state, lostDefiners: lost } = facts;
  if (lost === undefined) {
    yield warn('Not looked at.', 'GRANT SELECT ON mysql.user to this account, or use another one.');
    return;
  }
  const differences = [
    ...lost.map((account) => `The account ${account} that objects run as does not exist`),
    ...(lost.includes(DEFINER_ACCOUNT) ? [] : differencesAbout(facts, 'grants')),
  ];
  if (differences.length === 0)
    yield ok(`Exists and has its grants: ${enumerate(definersOf(state))}.`);
  else
    yield fail(
      sayFirst(differences),
      lost.every((account) => account === DEFINER_ACCOUNT)
        ? `Every call fails, or does in part. ${onPrimary(facts)}order-timeout doctor --fix.`
        : `Every call fails. ${onPrimary(facts)}create it again with its privileges, or order-timeout up with an ` +
            `account that may have objects run as ${DEFINER_ACCOUNT}.`,
    );
}

const OBJECTS = ['deployment', 'shop', 'migration', 'function', 'view', 'procedure'];

export function* checkObjects(facts: Facts): Generator<Finding> {
  const { ok, warn, fail } = findingsAbout('objects');
  const { version } = facts.source;
  const differences = differencesAbout(facts, ...OBJECTS);
  const ofTables = differencesAbout(facts, 'table');
  const unseen = facts.verification.remarks.filter(({ about }) => about === 'objects');
  if (differences.length + ofTables.length + unseen.length === 0)
    yield ok(`Tables, views and routines are those of version ${version}.`);
  for (const { text, remedy } of unseen) yield warn(`${text}.`, `${remedy}.`);
  if (ofTables.length > 0)
    yield fail(
      `${ofTables.join('. ')}.`,
      'order-timeout up makes no table again, and changes none back: restore the one, undo the other.',
    );
  if (differences.length > 0)
    yield fail(
      sayFirst(differences),
      `${onPrimary(facts)}order-timeout plan shows, order-timeout up makes it that of ${version}.`,
    );
}

export function* checkIndexes(facts: Facts): Generator<Finding> {
  const { ok, fail } = findingsAbout('index');
  const missing = differencesAbout(facts, 'index');
  if (missing.length === 0) yield ok("The shop's tables have the indexes that the sweep needs.");
  else
    yield fail(
      `${missing.join('. ')}: the sweep fails, or reads whole tables.`,
      `${onPrimary(facts)}order-timeout up makes it again; an invisible one is shown by ALTER TABLE … ALTER INDEX … VISIBLE.`,
    );
}

/** Who may call, and whether a deployment that was cut short has lost grants. */
export function* checkCallers(facts: Facts): Generator<Finding> {
  const { ok, warn, fail } = findingsAbout('execute_grants');
  const { state, schemaCallers } = facts;
  const lost = lostGrants(state).map(({ name }) => name);
  if (lost.length > 0) {
    yield fail(
      `A deployment was cut short before it gave back the grants on ${enumerate(lost)}: ` +
        'its callers get error 1370.',
      `${onPrimary(facts)}order-timeout doctor --fix gives them back, order-timeout up also completes the deployment.`,
    );
  } else if (state.routineGrants === undefined || schemaCallers === undefined) {
    yield warn(
      'Not looked at.',
      'GRANT SELECT ON mysql.procs_priv and mysql.db to this account, or use another one.',
    );
  } else {
    const grants = [...state.routineGrants.values()].flat();
    const accountsOf = (of: typeof grants) => of.map(({ account }) => account);
    const callers = [...new Set(accountsOf(grants))].sort();
    // Who may replace the routines needs none of them.
    const onInner = [...state.routineGrants]
      .filter(([name]) => / order_timeout_(?!(clock|health|numbers)$)/.test(name))
      .flatMap(([, given]) => given)
      .filter(({ privileges }) => !privileges.includes('Alter Routine'));
    const tooMuch = [...new Set([...schemaCallers, ...accountsOf(onInner)])];
    if (tooMuch.length > 0)
      yield warn(
        `EXECUTE on the whole schema, or on inner routines: ${enumerate(tooMuch)}. With it these can be called with forged arguments.`,
        'REVOKE it, and GRANT EXECUTE on the public procedures that the account calls.',
      );
    yield ok(
      callers.length === 0
        ? 'No account has EXECUTE on a single procedure.'
        : `EXECUTE on single procedures: ${callers.join(', ')}.`,
    );
  }
}
