import { readShopClock, type ShopClock } from '../../client/clock';
import { type ExpiredOrder, previewExpiredOrders } from '../../client/preview-expired-orders';
import type { Colors, Context } from '../context';
import { databaseCommand } from '../database-options';
import { count, toJson, toTable } from '../output';
import { describeDuration, describeInstant, wholeNumber } from '../values';
import { withConnection } from '../with-connection';

export function previewCommand(context: Context) {
  return databaseCommand('preview')
    .description('Show which orders the next sweep cancels, and what comes back. Changes nothing.')
    .option('--limit <orders>', 'at most so many, oldest first', wholeNumber(1, 100_000), 100)
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout preview --limit 20 --url mysql://dba@db.example.com/shop',
    )
    .action(async ({ limit, ...options }) => {
      await withConnection(options, context, async (db) => {
        const orders = await previewExpiredOrders(db, { limit });
        const describe = async () =>
          describePreview(orders, { limit, clock: await readShopClock(db, {}) }, context.colors);
        context.out(options.json === true ? toJson(orders) : await describe());
      });
    });
}

export function describePreview(
  orders: readonly ExpiredOrder[],
  { limit, clock }: { limit: number; clock: ShopClock },
  colors: Colors,
): string {
  if (orders.length === 0) return 'Nothing is due: the next sweep cancels nothing.';
  const rows = orders.map((order) => [
    String(order.orderId),
    String(order.userId),
    String(order.sourceType ?? 'NULL'),
    describeInstant(order.createdAt, clock),
    describeDuration(order.overdueSeconds),
    order.couponRefund.toLocaleString('en'),
    order.pointsRefund.toLocaleString('en'),
  ]);
  const head = ['order', 'user', 'source type', 'placed at', 'overdue', 'coupon money', 'points'];
  const coupons = sum(orders.map(({ couponRefund }) => couponRefund));
  const points = sum(orders.map(({ pointsRefund }) => pointsRefund));
  const rest = orders.length === limit ? ', and perhaps more (--limit)' : '';
  return [
    toTable(head, rows, colors),
    '',
    `${count(orders.length, 'order')}${rest}; comes back: ${coupons.toLocaleString('en')} of coupon money (minor units), ` +
      `${points.toLocaleString('en')} points.`,
  ].join('\n');
}

const sum = (amounts: readonly bigint[]) => amounts.reduce((one, other) => one + other, 0n);
