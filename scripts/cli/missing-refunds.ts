import type { MissingRefund } from '../client/missing-refund';
import type { Colors } from './context';
import { count, toTable } from './output';

export function tableOfMissing(missing: readonly MissingRefund[], colors: Colors): string {
  const rows = missing.map((one) => [
    String(one.orderId),
    String(one.userId),
    one.kind === 'coupon' ? `coupon ${one.targetId}` : 'points',
    one.taken.toLocaleString('en'),
    one.returned.toLocaleString('en'),
    one.missing.toLocaleString('en'),
    one.source,
  ]);
  return toTable(
    ['order', 'user', 'of', 'taken', 'returned', 'missing', 'known from'],
    rows,
    colors,
  );
}

/** 2,000 of coupon money (minor units) and 30 points of 2 orders. */
export function describeMissing(missing: readonly MissingRefund[]): string {
  const orders = new Set(missing.map(({ orderId }) => orderId)).size;
  return `${describeAmounts(missing, ({ missing: amount }) => amount)} of ${count(orders, 'order')}`;
}

/** 2,000 of coupon money (minor units) and 30 points. */
export function describeAmounts<Row extends MissingRefund>(
  rows: readonly Row[],
  amountOf: (row: Row) => bigint,
): string {
  const sumOf = (kind: MissingRefund['kind']) =>
    rows.reduce((sum, row) => (row.kind === kind ? sum + amountOf(row) : sum), 0n);
  const coupons = `${sumOf('coupon').toLocaleString('en')} of coupon money (minor units)`;
  return `${coupons} and ${sumOf('points').toLocaleString('en')} points`;
}
