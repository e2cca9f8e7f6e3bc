import { InvalidArgumentError } from '@commander-js/extra-typings';
import * as deploy from '../../deploy';
import { agree, progressTo, summarise } from '../agreement';
import { connectionOptions, databaseCommand, withConnection } from '../connection';
import type { Colors, Context } from '../context';
import { EXIT } from '../errors';
import { askingCommand, show } from '../frame';
import { count, toTable } from '../output';
import { guessShopFile } from '../../deploy/shop-file/guess';
import { readStoredShop } from '../../deploy/shop-file/read';

const settingCommand = (name: string, description: string, example: string) =>
  databaseCommand(name, description, example)
    .option(
      '--clock <offset>',
      'UTC offset of the clock in which the shop writes its DATETIMEs, such as +08:00',
      parseClock,
    )
    .option(
      '--shop <file>',
      'what an order is and what it gives back; default: the file that is deployed, else the built-in one',
    )
    .option('--clock-is-right', 'the clock is right, though the newest orders make it look wrong')
    .option('--older', 'also when a newer version of order-timeout is deployed: back to this one')
    .option('--paused', 'deploy, and let no sweep do anything yet');

const IN_STEP = 'Nothing to do: the database is as this version wants it.';

export const upCommand = (context: Context) =>
  settingCommand(
    'up',
    "Deploy to a shop's database, or bring it to this version. Checks first; changes nothing if something is wrong.",
    'up --clock +08:00',
  )
    .option('--yes', 'do not ask, and write what the notes propose into a new shop file')
    .action(async (options) => {
      const startedAt = performance.now();
      const result = await deploy.up(connectionOptions(options, context), {
        ...options,
        takeProposals: options.yes,
        ...following(context, options),
      });
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      const done = `Deployed: ${count(result.steps.length, 'step')} in ${seconds} s.`;
      sayResult(context, result, done, IN_STEP);
    });

export const planCommand = (context: Context) =>
  settingCommand(
    'plan',
    'Print the exact SQL that "up" without --yes would run now, to review and to run with the mysql client. Changes nothing.',
    'plan --clock +08:00',
  ).action(async (options) => {
    const { sql, steps, remarks } = await deploy.plan(connectionOptions(options, context), options);
    for (const remark of remarks) context.err(`Note: ${deploy.sayFinding(remark)}\n`);
    if (steps.length === 0) context.err(`${IN_STEP}\n`);
    context.out(sql);
  });

export const downCommand = (context: Context) =>
  databaseCommand(
    'down',
    'Remove what "up" added: event, procedures, views, our indexes and tables. The shop\'s data stays as it is.',
    'down',
  )
    .option(
      '--drop-journal',
      'also when the journal of what was given back has rows: they are lost',
    )
    .option(
      '--abandon',
      'also when something is owed, a payment is to be sent back or a finding is open: that is lost',
    )
    .option('--yes', 'do not ask')
    .action(async (options) => {
      const result = await deploy.down(connectionOptions(options, context), {
        ...options,
        ...following(context, options),
      });
      const done = `Removed: ${count(result.steps.length, 'step')}.`;
      sayResult(
        context,
        result,
        done,
        'Nothing to do: nothing of order-timeout is in this database.',
      );
    });

/** Asks before a deployment, and says how it goes. */
const following = (context: Context, { yes }: { yes?: true | undefined }) => ({
  onProgress: progressTo(context),
  log: (line: string) => {
    context.err(`${line}\n`);
  },
  confirm: ({ steps, remarks }: deploy.Proposal) =>
    agree(context, { steps, remarks: remarks.map(deploy.sayFinding), yes }),
});

function sayResult(
  { out, end, colors }: Context,
  { outcome, remarks }: deploy.DeployResult,
  done: string,
  nothing: string,
): void {
  if (outcome === 'done') out(colors.green(done));
  if (outcome === 'nothing_to_do') {
    for (const remark of remarks) out(colors.yellow(`Note: ${deploy.sayFinding(remark)}`));
    out(nothing);
  }
  if (outcome === 'declined') {
    out('Nothing was changed.');
    end(EXIT.failed);
  }
}

/** Takes what order_timeout_setting.clock takes. */
function parseClock(text: string): string {
  if (/^([+-](0[0-9]|1[0-3]):(00|15|30|45)|\+14:00)$/.test(text)) return text;
  throw new InvalidArgumentError(
    'Expected a UTC offset in quarters of an hour, from -13:45 to +14:00, such as +08:00. No zone is taken: ' +
      'with daylight saving it has an hour that comes twice. A shop with TIMESTAMP columns can take +00:00.',
  );
}

export const statusCommand = (context: Context) =>
  askingCommand(
    'status',
    'Show what is deployed, what "up" would do, and whether the sweep shows signs of life.',
    'status',
  ).action(async (options) => {
    show(context, options, await deploy.status(connectionOptions(options, context)), {
      say: sayStatus,
    });
  });

function sayStatus(found: deploy.Status, colors: Colors): string {
  const { heartbeat, event, pendingSteps } = found;
  const facts: Readonly<Record<string, string>> = {
    database: `${found.database} on ${found.server}`,
    'this version': found.version,
    event: event === null ? 'none' : `${event} (event scheduler ${found.eventScheduler})`,
    'last sweep':
      heartbeat === null
        ? 'none yet'
        : `${heartbeat.at}, ${count(heartbeat.secondsAgo, 'second')} ago: ${heartbeat.outcome}`,
    paused: found.paused === null ? 'unknown' : found.paused ? 'yes' : 'no',
    clock: found.clock ?? 'not set',
    'runs as': found.definers.join(', ') || 'nobody',
  };
  const migrations = toTable(
    found.migrations,
    {
      migration: ({ name }) => name,
      state: ({ state }) => (state === 'pending' ? colors.yellow(state) : state),
      'applied at': ({ appliedAt = '' }) => appliedAt,
      by: ({ appliedBy = '' }) => appliedBy,
      version: ({ packageVersion = '' }) => packageVersion,
    },
    colors,
  );
  return [
    ...Object.entries(facts).map(([name, value]) => `${name.padEnd(12)}  ${value}`),
    '',
    migrations,
    '',
    ...(pendingSteps.length === 0
      ? ['Up to date.']
      : [
          colors.yellow(`"up" would take ${count(pendingSteps.length, 'step')}:`),
          ...summarise(pendingSteps).map((line) => `  ${line}`),
        ]),
  ].join('\n');
}

export const verifyCommand = (context: Context) =>
  askingCommand(
    'verify',
    "Compare what is deployed with this version's files, a line per difference. Ends with 3 when there is one.",
    'verify',
  ).action(async (options) => {
    show(context, options, await deploy.verify(connectionOptions(options, context)), {
      say: ({ differences, remarks }, colors) =>
        [
          ...remarks.map((remark) => colors.yellow(`Note: ${deploy.sayFinding(remark)}`)),
          ...differences.map(({ text }) => text),
          ...(differences.length === 0 ? ['The database is as this version deploys it.'] : []),
        ].join('\n'),
      exitCode: ({ differences }) => (differences.length > 0 ? EXIT.differs : EXIT.done),
    });
  });

const NOTHING_DEPLOYED =
  'Nothing is deployed here: "order-timeout shop --guess" prints a file to begin with.\n';
const NOTHING_FOUND =
  'No table here looks like orders: "order" or "trade" in its name, an integer key, a user, a status (an integer or a ' +
  'text) and a time of creation. ' +
  'docs/your-shop.md has an example to start from.\n';

export const shopCommand = (context: Context) =>
  databaseCommand(
    'shop',
    'Print the shop file that is deployed: what an order is and what it gives back. Changes nothing.',
    'shop',
    'shop --guess',
  )
    .option('--guess', 'a file for the tables that are here, to begin with')
    .action(async ({ guess, ...options }) => {
      const text = await withConnection(options, context, async (db) =>
        guess === true ? guessShopFile(db) : (await readStoredShop(db))?.text,
      );
      if (text === undefined) {
        context.err(guess === true ? NOTHING_FOUND : NOTHING_DEPLOYED);
        context.end(EXIT.failed);
      } else {
        context.out(text.trimEnd());
      }
    });
