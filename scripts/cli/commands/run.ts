import {
  cancelExpiredOrders,
  type CancelExpiredOrdersResult,
} from '../../client/cancel-expired-orders';
import type { Context } from '../context';
import { databaseCommand } from '../database-options';
import { EXIT, type ExitCode } from '../exit-codes';
import { count, toJson } from '../output';
import { withConnection } from '../with-connection';

export function runCommand(context: Context) {
  return databaseCommand('run')
    .description(
      'Run one sweep now, as the event does every minute. Ends with 1 when no sweep took place, with 3 when orders failed.',
    )
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  $ order-timeout run --url mysql://dba@db.example.com/shop')
    .action(async (options) => {
      const result = await withConnection(options, context, (db) => cancelExpiredOrders(db));
      context.out(options.json === true ? toJson(result) : describeRun(result));
      context.end(exitCodeOf(result));
    });
}

const REASONS: Partial<Record<CancelExpiredOrdersResult['outcome'], string>> = {
  busy: 'Nothing was done: another sweep is running.',
  paused: 'Nothing was done: order_timeout_setting.paused is 1.',
  read_only: "Nothing was done: this server takes no writes, or is not its group's primary.",
};

function describeRun(result: CancelExpiredOrdersResult): string {
  const reason = REASONS[result.outcome];
  if (reason !== undefined) return reason;
  return [
    `${count(result.cancelled, 'order')} cancelled in ${result.durationMs} ms; given back: ` +
      `${result.couponRefunded.toLocaleString('en')} of coupon money (minor units), ` +
      `${result.pointsRefunded.toLocaleString('en')} points.`,
    ...(result.outcome === 'out_of_time' ? ['Its time was used up; the next sweep goes on.'] : []),
    ...(result.failed > 0
      ? [`${count(result.failed, 'order')} failed: see order_timeout_failure.`]
      : []),
  ].join('\n');
}

function exitCodeOf({ outcome, failed }: CancelExpiredOrdersResult): ExitCode {
  if (REASONS[outcome] !== undefined) return EXIT.failed;
  return failed > 0 ? EXIT.differs : EXIT.done;
}
