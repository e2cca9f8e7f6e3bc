import Table from 'cli-table3';
import { FRAMELESS } from '../cli/output';
import type { Books } from '../shop';
import type { CouponReading, RunReading } from './readings';
import type { Seen } from './verdict';

const ORDER_STATUS = ['', 'waits for payment', 'paid', 'cancelled'];
const COUPON_STATUS = ['', 'usable', 'used up', 'expired', 'held'];

/** 123456n: "1,234.56". Money is in minor units. */
export function money(minorUnits: bigint | number): string {
  const digits = String(minorUnits).replace('-', '').padStart(3, '0');
  const sign = minorUnits < 0 ? '-' : '';
  return `${sign}${whole(BigInt(digits.slice(0, -2)))}.${digits.slice(-2)}`;
}

export function whole(value: bigint | number): string {
  return value.toLocaleString('en-US');
}

export function couponsTable(coupons: readonly CouponReading[]): string {
  return table(
    ['coupon', 'order', 'the order', 'the coupon', 'balance', 'timeout_refund rows'],
    coupons.map((coupon) => [
      String(coupon.couponId),
      String(coupon.orderId),
      ORDER_STATUS[coupon.orderStatus] ?? '',
      COUPON_STATUS[coupon.couponStatus] ?? '',
      money(coupon.balance),
      String(coupon.timeoutRefunds),
    ]),
  );
}

export function totalsTable(before: Seen, after: Seen, runs: RunReading): string {
  const row = (
    what: string,
    name: Exclude<keyof Books, 'disagreements'>,
    shown: (value: bigint) => string,
    others: readonly string[] = ['', ''],
  ) => [
    what,
    shown(before.books[name]),
    shown(after.books[name]),
    shown(after.books[name] - before.books[name]),
    ...others,
  ];
  const returned = (name: 'couponMoneyReturned' | 'pointsReturned') =>
    after.books[name] - before.books[name];
  return table(
    ['', 'before', 'after', 'difference', 'ledger says', 'run says'],
    [
      row('orders pending', 'pendingOrders', whole),
      row('orders cancelled', 'cancelledOrders', whole, ['', whole(runs.cancelled)]),
      row('coupon money', 'couponMoney', money, [
        money(returned('couponMoneyReturned')),
        money(runs.couponRefunded),
      ]),
      row('points', 'points', whole, [
        whole(returned('pointsReturned')),
        whole(runs.pointsRefunded),
      ]),
    ],
  );
}

export function runLines(runs: RunReading): string[] {
  const { startedAt, outcomes, cancelled, failed, putOff, durationMs, calledBy } = runs;
  return [
    `Started ${startedAt} in the shop's clock, outcome ${outcomes}, ${whole(durationMs)} ms:`,
    `${whole(cancelled)} orders cancelled, ${whole(failed)} failed, ${whole(putOff)} put off because somebody held a lock.`,
    `Called by ${calledBy}.`,
  ];
}

/** Columns without lines: the same on a terminal and in a file. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const columns = new Table({
    head: [...head],
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    chars: FRAMELESS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 3, compact: true },
  });
  columns.push(...rows.map((row) => [...row]));
  return columns
    .toString()
    .split('\n')
    .map((line) => `  ${line.trimEnd()}`)
    .join('\n');
}
