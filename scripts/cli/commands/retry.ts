import { retryFailedOrder } from '../../client/retry-failed-order';
import type { Context } from '../context';
import { databaseCommand } from '../database-options';
import { EXIT } from '../exit-codes';
import { toJson } from '../output';
import { parseOrderId } from '../values';
import { withConnection } from '../with-connection';

export function retryCommand(context: Context) {
  return databaseCommand('retry')
    .description(
      'Have the next sweep try an order again that failed, also one that was set aside. ' +
        'Ends with 1 when it had not failed.',
    )
    .argument('<id>', "the order's id", parseOrderId)
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout retry 28229 --url mysql://dba@db.example.com/shop',
    )
    .action(async (orderId, options) => {
      const result = await withConnection(options, context, (db) => retryFailedOrder(db, orderId));
      const words =
        result.outcome === 'retrying'
          ? 'is tried again by the next sweep'
          : 'is not among the orders that failed';
      context.out(options.json === true ? toJson(result) : `Order ${orderId} ${words}.`);
      if (result.outcome !== 'retrying') context.end(EXIT.failed);
    });
}
