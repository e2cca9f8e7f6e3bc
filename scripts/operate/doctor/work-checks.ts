import type { Connection } from 'mysql2/promise';
import { orderTimeoutHealth, OrderTimeoutError } from '../../index';
import { selectColumn, type Target } from '../../deploy/connection';
import { errnoOf } from '../../deploy/errors';
import { judgeReadiness, planFailoverReady } from '../failover';
import { roleOf } from '../topology';
import { type Facts, type Finding, findingsAbout } from './facts';

/** Statements that wait for a metadata lock: behind them the shop's own and the sweep's wait as well. */
export function checkLockWaits({ lockWaits }: Facts): Finding[] {
  const { warn } = findingsAbout('lock_waits');
  return (lockWaits ?? []).map(({ table, waiting, statement, holders }) =>
    warn(
      `Connection ${waiting} waits to change ${table}${statement === null ? '' : ` (${statement})`}, ` +
        `for connection ${holders}; everything that uses ${table} waits behind it.`,
      `Let connection ${holders} end its transaction, or KILL ${waiting} and try again when the shop is quiet.`,
    ),
  );
}

const MAKE_READY =
  'order-timeout failover-ready makes it so; to be run again after each deployment that changed the event.';

/** Whether the sweep would go on after a failover: of a primary the others, of the others this one. */
export async function checkFailover(
  target: Target,
  { topology, event }: Facts,
): Promise<Finding[]> {
  const { ok, warn } = findingsAbout('failover');
  if (topology instanceof Error) return [];
  const role = roleOf(topology);
  if (role === 'primary' && topology.group?.isSinglePrimary === true) {
    return [await checkMembers(target)];
  }
  if (role !== 'secondary' && !(role === 'replica' && topology.readOnly)) return [];
  const readiness = judgeReadiness(topology, event);
  if (readiness.outcome === 'ready')
    return [ok('Ready: after a promotion the sweep goes on here by itself.')];
  if (readiness.reason !== undefined)
    return [warn('Not ready to carry on after a promotion.', `${readiness.reason}.`)];
  const status = event?.status ?? 'missing';
  return [
    warn(
      `Not ready: the event is ${status}, and after a promotion no sweep would run.`,
      MAKE_READY,
    ),
  ];
}

async function checkMembers(target: Target): Promise<Finding> {
  const { ok, warn } = findingsAbout('failover');
  const plan = await planFailoverReady(target).catch((error: unknown) => error as Error);
  if (plan instanceof Error) return warn('The other members were not looked at.', plan.message);
  if (plan.length === 0) {
    return warn('There is no other member to carry on.', 'Add members to the group.');
  }
  const lines = plan.map(({ address, outcome, reason }) => {
    if (reason !== undefined)
      return `${address} ${outcome === 'unreachable' ? 'could not be looked at' : 'is not ready'}: ${reason}.`;
    return `${address} is ${outcome === 'ready' ? 'ready' : 'not ready: its event is off'}.`;
  });
  return plan.every(({ outcome }) => outcome === 'ready')
    ? ok(lines.join(' '))
    : warn(
        lines.join(' '),
        `After a failover to one that is not ready, no sweep would run. ${MAKE_READY}`,
      );
}

/** Of these the doctor sees more by itself. */
const SEEN_BY_DOCTOR = ['server', 'scheduler', 'event', 'index', 'heartbeat', 'binlog'];

const NO_SUCH_PROCEDURE = 1305;
const NO_EXECUTE = 1370;

/** What the database says of itself: CALL order_timeout_health(). */
export async function checkHealth(db: Connection): Promise<Finding[]> {
  try {
    const { checks } = await orderTimeoutHealth(db);
    // The procedure says what it means and what to do in one text.
    return checks
      .filter(({ checkName }) => !SEEN_BY_DOCTOR.includes(checkName))
      .map(({ checkName, status, detail }) => ({
        about: checkName,
        severity: status,
        text: detail,
        remedy: '',
      }));
  } catch (error) {
    // An answer of another version, or of what a restore that was cut short has put in a view's place.
    const isOdd = error instanceof OrderTimeoutError && error.code === 'UNEXPECTED_RESULT';
    const errno = isOdd ? 0 : errnoOf(error);
    if (errno === undefined) throw error;
    return [await explainFailure(db, errno, (error as Error).message)];
  }
}

/** 1370 is about the account that asks, or about the one that the procedures run as: MySQL names it. */
async function explainFailure(db: Connection, errno: number, message: string): Promise<Finding> {
  const { warn, fail } = findingsAbout('health');
  const [account] = await selectColumn(
    db,
    `SELECT CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')`,
  );
  if (errno === NO_EXECUTE && account !== undefined && message.includes(account)) {
    return warn(
      `order_timeout_health() was not called: ${message}`,
      'GRANT EXECUTE on it to this account, or use another one: backlog, failures and clock were not looked at.',
    );
  }
  return fail(
    `order_timeout_health() failed: ${message}`,
    errno === NO_SUCH_PROCEDURE
      ? 'Deploy it: order-timeout up.'
      : 'The other procedures, and the sweep, may fail the same way: mend what else is reported here, then look again.',
  );
}
