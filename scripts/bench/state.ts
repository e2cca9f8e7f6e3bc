import type { BenchShop } from './shop';
import { select } from './server';

/** What a shop came to: of each table its number of rows and a sum over them, without times and new ids. */
export type State = Readonly<Record<string, string>>;

export type Scope =
  /** The shop's tables and the journal. */
  | 'journal'
  /** The shop's tables. */
  | 'shop'
  /** The shop's tables without the coupons of orders with two: the application's loop knows one an order. */
  | 'one coupon';

const SHOP: Readonly<Record<string, string>> = {
  orders: 'id, user_id, source_type, status, points_amount, coupon_id, cancelled_at IS NOT NULL',
  order_coupons: 'order_id, user_coupon_id, applied_amount',
  user_coupons: "id, user_id, status, balance_amount, COALESCE(used_order_id, ''), used_at IS NULL",
  user_coupon_ledger: 'user_id, user_coupon_id, change_amount, order_id, action',
  user_points: 'user_id, points, valid_end IS NULL',
  user_points_ledger: 'user_id, action, points, ref_table, ref_id, remark',
};

const JOURNAL: Readonly<Record<string, string>> = {
  order_timeout_cancellation: 'order_id, user_id, source_type, cause',
  order_timeout_refund:
    'order_id, kind, target_id, user_id, account_id, amount, source, cause, stays_held',
};

const ONE_COUPON: Readonly<Record<string, string>> = {
  user_coupons: `NOT EXISTS (SELECT 1 FROM bench_two_coupons AS two WHERE two.user_coupon_id = user_coupons.id)`,
  user_coupon_ledger: `NOT EXISTS (SELECT 1 FROM bench_two_coupons AS two WHERE two.user_coupon_id = user_coupon_ledger.user_coupon_id)`,
};

export async function readState({ db }: BenchShop, scope: Scope): Promise<State> {
  const tables = scope === 'journal' ? { ...SHOP, ...JOURNAL } : SHOP;
  const conditions = scope === 'one coupon' ? ONE_COUPON : {};
  if (scope === 'one coupon') {
    await db.query(`CREATE TEMPORARY TABLE bench_two_coupons (PRIMARY KEY (user_coupon_id))
                    SELECT DISTINCT user_coupon_id FROM order_coupons
                     WHERE order_id IN (SELECT order_id FROM order_coupons GROUP BY order_id HAVING COUNT(*) > 1)`);
  }
  const state: Record<string, string> = {};
  for (const [table, columns] of Object.entries(tables)) {
    const [row] = await select<{ rows_in: number; sum_of: string }>(
      db,
      `SELECT COUNT(*) AS rows_in, COALESCE(SUM(CRC32(CONCAT_WS('|', ${columns}))), 0) AS sum_of
         FROM ${table} WHERE ${conditions[table] ?? 'TRUE'}`,
    );
    state[table] = `${row?.rows_in} rows, sum ${row?.sum_of}`;
  }
  if (scope === 'one coupon') await db.query('DROP TEMPORARY TABLE bench_two_coupons');
  return state;
}

/** Throws an Error that names the tables in which the two differ. */
export function requireSameState(one: State, other: State, between: string): void {
  const differences = Object.keys(one)
    .filter((table) => one[table] !== other[table])
    .map((table) => `${table}: ${one[table] ?? 'none'} against ${other[table] ?? 'none'}`);
  if (differences.length > 0) {
    throw new Error(
      `${between} must end in the same state, but differ in\n${differences.join('\n')}`,
    );
  }
}
