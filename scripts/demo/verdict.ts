import type { Books } from '../shop';
import type { CouponReading, RunReading } from './readings';

export interface Seen {
  readonly books: Books;
  readonly incidents: readonly CouponReading[];
}

const TAKEN = 1000;

/** What doesn't agree, a line each. Empty: the shop's ledgers, its balances and the runs say the same. */
export function complaints(before: Seen, after: Seen, runs: RunReading): string[] {
  const grew = (name: Exclude<keyof Books, 'disagreements'>) =>
    after.books[name] - before.books[name];
  const found: string[] = [];
  const compare = (what: string, value: bigint, other: string, otherValue: bigint) => {
    if (value !== otherValue) found.push(`${what} ${value}, but ${other} ${otherValue}.`);
  };

  compare('Orders cancelled:', grew('cancelledOrders'), 'the runs say', runs.cancelled);
  compare(
    'Coupon balances grew by',
    grew('couponMoney'),
    'their ledger by',
    grew('couponMoneyReturned'),
  );
  compare('Coupon balances grew by', grew('couponMoney'), 'the runs say', runs.couponRefunded);
  compare('Points balances grew by', grew('points'), 'their ledger by', grew('pointsReturned'));
  compare('Points balances grew by', grew('points'), 'the runs say', runs.pointsRefunded);
  compare('Orders that failed:', runs.failed, 'expected', 0n);
  for (const { kind, id, balance, ledger } of after.books.disagreements.slice(0, 10)) {
    found.push(`Balance of ${kind} ${id}: ${balance}, but its ledger adds up to ${ledger}.`);
  }
  for (const coupon of after.incidents) {
    const { couponId, balance, timeoutRefunds } = coupon;
    const was = before.incidents.find((one) => one.couponId === couponId)?.balance ?? 0;
    if (balance - was !== TAKEN || timeoutRefunds !== 1) {
      found.push(
        `Coupon ${couponId} got ${balance - was} back in ${timeoutRefunds} rows; expected ${TAKEN} in one.`,
      );
    }
  }
  if (after.incidents.length !== 2)
    found.push(`User 9110 has ${after.incidents.length} orders instead of two.`);
  return found;
}
