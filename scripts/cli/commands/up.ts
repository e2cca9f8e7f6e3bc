import { InvalidArgumentError } from '@commander-js/extra-typings';
import { up } from '../../migrate';
import type { FirstSweep } from '../../preflight/first-sweep';
import type { Context } from '../context';
import { connectionOptions, databaseCommand } from '../database-options';
import { EXIT } from '../exit-codes';
import { count } from '../output';
import { progressTo } from '../progress';
import { agree } from '../proposal';

export function upCommand(context: Context) {
  return databaseCommand('up')
    .description(
      "Deploy to a shop's database, or bring it to this version. Checks first; changes nothing if something is wrong.",
    )
    .option(
      '--clock <offset>',
      'UTC offset of the clock in which the shop writes its DATETIMEs, such as +08:00',
      parseClock,
    )
    .option('--paused', 'deploy, and let no sweep do anything yet')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout up --url mysql://dba@db.example.com/shop --clock +08:00',
    )
    .action(async (options) => {
      const startedAt = performance.now();
      const { outcome, steps, remarks } = await up(connectionOptions(options, context), {
        clock: options.clock,
        paused: options.paused,
        onProgress: progressTo(context),
        log: (line) => {
          context.err(`${line}\n`);
        },
        confirm: async ({ firstSweep, ...proposal }) =>
          agree(context, proposal, {
            yes: options.yes ?? false,
            extra: [describeFirstSweep(await firstSweep())],
          }),
      });
      if (outcome === 'nothing_to_do') {
        for (const remark of remarks) context.out(context.colors.yellow(`Note: ${remark}`));
        context.out('Nothing to do: the database is as this version wants it.');
      } else if (outcome === 'declined') {
        context.out('Nothing was changed.');
        context.end(EXIT.failed);
      } else {
        const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
        context.out(
          context.colors.green(`Deployed: ${count(steps.length, 'step')} in ${seconds} s.`),
        );
      }
    });
}

/** Takes what order_timeout_setting.clock takes. */
export function parseClock(text: string): string {
  if (/^([+-](0[0-9]|1[0-3]):(00|15|30|45)|\+14:00)$/.test(text)) return text;
  throw new InvalidArgumentError(
    'Expected a UTC offset in quarters of an hour, from -13:45 to +14:00, such as +08:00.',
  );
}

function describeFirstSweep({ orders, couponAmount, points }: FirstSweep): string {
  const amount = (value: number | null, unit: string) =>
    value === null ? `${unit} not counted within 10 s` : `${value.toLocaleString('en')} ${unit}`;
  return Number.isNaN(orders)
    ? 'What the next sweep would cancel could not be counted within 10 s.'
    : `The next sweep would cancel ${count(orders, 'order')} and give back ` +
        `${amount(couponAmount, 'of coupon money (minor units)')} and ${amount(points, 'points')}.`;
}
