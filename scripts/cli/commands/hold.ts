import { holdOrder, type HoldOrderResult } from '../../client/hold-order';
import type { Context } from '../context';
import { databaseCommand } from '../database-options';
import { EXIT } from '../exit-codes';
import { count, toJson } from '../output';
import { parseOrderId, wholeNumber } from '../values';
import { withConnection } from '../with-connection';

export function holdCommand(context: Context) {
  return databaseCommand('hold')
    .description(
      'Keep a pending order from timing out for a while. Its user or an admin can still cancel it. ' +
        'Ends with 1 when it is not held.',
    )
    .argument('<id>', "the order's id", parseOrderId)
    .requiredOption('--minutes <minutes>', 'from now, at most 1440', wholeNumber(1, 1440))
    .option('--reason <text>', 'for people')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout hold 28229 --minutes 30 --reason "bank is slow" --url mysql://dba@db.example.com/shop',
    )
    .action(async (orderId, { minutes, reason, ...options }) => {
      const result = await withConnection(options, context, (db) =>
        holdOrder(db, orderId, { minutes, ...(reason === undefined ? {} : { reason }) }),
      );
      context.out(options.json === true ? toJson(result) : describeHold(result, minutes));
      if (result.outcome !== 'held') context.end(EXIT.failed);
    });
}

export function describeHold({ orderId, outcome }: HoldOrderResult, minutes: number): string {
  switch (outcome) {
    case 'held':
      return `Order ${orderId} does not time out for ${count(minutes, 'minute')}.`;
    case 'not_found':
      return `There is no order ${orderId}.`;
    case 'not_pending':
      return `Order ${orderId} is not held: it is paid or cancelled already.`;
  }
}
