import {
  cancelExpiredOrder,
  type CancelExpiredOrderResult,
} from '../../client/cancel-expired-order';
import type { Context } from '../context';
import { databaseCommand } from '../database-options';
import { EXIT } from '../exit-codes';
import { toJson } from '../output';
import { parseOrderId } from '../values';
import { withConnection } from '../with-connection';

export function cancelCommand(context: Context) {
  return databaseCommand('cancel')
    .description(
      'Cancel one unpaid order that is past its time. Ends with 1 when it was not cancelled.',
    )
    .argument('<id>', "the order's id", parseOrderId)
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout cancel 28229 --url mysql://dba@db.example.com/shop',
    )
    .action(async (orderId, options) => {
      const result = await withConnection(options, context, (db) =>
        cancelExpiredOrder(db, orderId),
      );
      context.out(options.json === true ? toJson(result) : describeCancellation(result));
      if (result.outcome !== 'cancelled') context.end(EXIT.failed);
    });
}

const REASONS = {
  not_found: 'there is no such order',
  not_pending: 'it is paid or cancelled already',
  not_expired: 'its time is not up yet',
  excluded: 'orders of its type do not time out (order_timeout_policy)',
  on_hold: 'it is on hold',
} as const;

function describeCancellation(result: CancelExpiredOrderResult): string {
  return result.outcome === 'cancelled'
    ? `Order ${result.orderId} is cancelled; given back: ${result.couponRefunded.toLocaleString('en')} ` +
        `of coupon money (minor units), ${result.pointsRefunded.toLocaleString('en')} points.`
    : `Order ${result.orderId} was not cancelled (${result.outcome}): ${REASONS[result.outcome]}.`;
}
