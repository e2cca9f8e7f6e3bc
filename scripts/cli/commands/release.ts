import { releaseOrderHold } from '../../client/release-order-hold';
import type { Context } from '../context';
import { databaseCommand } from '../database-options';
import { EXIT } from '../exit-codes';
import { toJson } from '../output';
import { parseOrderId } from '../values';
import { withConnection } from '../with-connection';

export function releaseCommand(context: Context) {
  return databaseCommand('release')
    .description(
      'End the hold of an order: it times out as usual again. Ends with 1 when it was not held.',
    )
    .argument('<id>', "the order's id", parseOrderId)
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout release 28229 --url mysql://dba@db.example.com/shop',
    )
    .action(async (orderId, options) => {
      const result = await withConnection(options, context, (db) => releaseOrderHold(db, orderId));
      const words = result.outcome === 'released' ? 'times out as usual again' : 'was not on hold';
      context.out(options.json === true ? toJson(result) : `Order ${orderId} ${words}.`);
      if (result.outcome !== 'released') context.end(EXIT.failed);
    });
}
