import { readShopClock } from '../../client/clock';
import { readHistory } from '../../report/read-history';
import { toPage } from '../../report/page';
import type { Context } from '../context';
import { databaseCommand } from '../database-options';
import { UsageError } from '../exit-codes';
import { MOMENT_HELP, parseMoment } from '../values';
import { withConnection } from '../with-connection';
import { writeWhole } from '../write-whole';

export function reportCommand(context: Context) {
  return databaseCommand('report')
    .description(
      'Draw what happened as one page for a browser: orders, money, runs, failures. ' +
        'Needs SELECT on orders and order_timeout_*, and EXECUTE on order_timeout_clock and order_timeout_numbers. ' +
        'Changes nothing.',
    )
    .requiredOption('--since <when>', `from then on: ${MOMENT_HELP}`, parseMoment)
    .option('--until <when>', 'up to then; now when not given', parseMoment)
    .requiredOption('--html <file>', 'where to write the page')
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout report --since 30d --html report.html --url mysql://dba@db.example.com/shop',
    )
    .action(async ({ since, until, html, ...options }) => {
      const history = await withConnection(options, context, async (db) => {
        const clock = await readShopClock(db, {});
        const now = new Date();
        const period = { since: since(clock, now), until: until?.(clock, now) ?? now };
        if (period.since >= period.until) throw new UsageError('--since must be before --until');
        return readHistory(db, period);
      });
      await writeWhole(html, await toPage(history));
      context.out(`Written: ${html}`);
    });
}
