import { status, type Status } from '../../migrate';
import type { Colors, Context } from '../context';
import { connectionOptions, databaseCommand } from '../database-options';
import { count, toJson, toTable } from '../output';
import { summarise } from '../summary';

export function statusCommand(context: Context) {
  return databaseCommand('status')
    .description(
      'Show what is deployed, what "up" would do, and whether the sweep shows signs of life.',
    )
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout status --url mysql://dba@db.example.com/shop',
    )
    .action(async (options) => {
      const found = await status(connectionOptions(options, context));
      context.out(options.json === true ? toJson(found) : describeStatus(found, context.colors));
    });
}

/** For people. */
export function describeStatus(status: Status, colors: Colors): string {
  const { heartbeat, event, pendingSteps } = status;
  const facts: [string, string][] = [
    ['database', `${status.database} on ${status.server}`],
    ['this version', status.version],
    ['event', event === null ? 'none' : `${event} (event scheduler ${status.eventScheduler})`],
    [
      'last sweep',
      heartbeat === null
        ? 'none yet'
        : `${heartbeat.at}, ${count(heartbeat.secondsAgo, 'second')} ago: ${heartbeat.outcome}`,
    ],
    ['paused', status.paused === null ? 'unknown' : status.paused ? 'yes' : 'no'],
    ['clock', status.clock ?? 'not set'],
    ['runs as', status.definers.join(', ') || 'nobody'],
  ];
  const migrations = status.migrations.map(
    ({ name, state, appliedAt = '', appliedBy = '', packageVersion = '' }) => [
      name,
      state === 'pending' ? colors.yellow(state) : state,
      appliedAt,
      appliedBy,
      packageVersion,
    ],
  );
  return [
    facts.map(([name, value]) => `${name.padEnd(12)}  ${value}`).join('\n'),
    '',
    toTable(['migration', 'state', 'applied at', 'by', 'version'], migrations, colors),
    '',
    pendingSteps.length === 0
      ? 'Up to date.'
      : `${colors.yellow(`"up" would take ${count(pendingSteps.length, 'step')}:`)}\n${summarise(
          pendingSteps,
        )
          .map((line) => `  ${line}`)
          .join('\n')}`,
  ].join('\n');
}
