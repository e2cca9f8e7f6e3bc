import type { Connection, Pool, RowDataPacket } from 'mysql2/promise';

type Database = Pool | Connection;

export interface Violation {
  /** See docs/guarantees.md. All but `balance`, which needs a baseline, are a view of the database. */
  readonly invariant: 'journal' | 'ledger' | 'twice' | 'excess' | 'owed' | 'balance';
  /** null: it is about a balance, not about one order. */
  readonly orderId: bigint | null;
  readonly detail: string;
}

/** Reads `order_timeout_violation`: what must never be. Throws MySQL's errors. */
export async function findViolations(db: Database): Promise<Violation[]> {
  const [rows] = await db.query<(RowDataPacket & Violation & { order_id: string })[]>(
    `SELECT invariant, CAST(order_id AS CHAR) AS order_id, detail
       FROM order_timeout_violation ORDER BY invariant, order_timeout_violation.order_id, detail`,
  );
  return rows.map(({ invariant, order_id, detail }) => ({
    invariant,
    orderId: BigInt(order_id),
    detail,
  }));
}

/** By how much each balance differs from its ledger: "coupon 1690" or "user 9110" to minor units or points. */
export type Baseline = ReadonlyMap<string, bigint>;

/**
 * What the balances and the ledgers say of each other now. A shop's ledgers need not begin with its
 * balances, so what counts is that this does not change. Reads both tables of a kind whole.
 */
export async function takeBaseline(db: Database): Promise<Baseline> {
  const [rows] = await db.query<(RowDataPacket & { name: string; difference: string })[]>(
    `SELECT CONCAT('coupon ', user_coupons.id) AS name,
            CAST(CAST(user_coupons.balance_amount AS SIGNED) - COALESCE(ledger.change_amount, 0) AS CHAR)
              AS difference
       FROM user_coupons
       LEFT JOIN (SELECT user_coupon_id, SUM(change_amount) AS change_amount
                    FROM user_coupon_ledger GROUP BY user_coupon_id) AS ledger
         ON ledger.user_coupon_id = user_coupons.id
      UNION ALL
     SELECT CONCAT('user ', user_id), CAST(SUM(points) AS CHAR)
       FROM (SELECT user_id, CAST(points AS SIGNED) AS points FROM user_points
              UNION ALL
             SELECT user_id, -points FROM user_points_ledger) AS moved
      GROUP BY user_id`,
  );
  return new Map(rows.map(({ name, difference }) => [name, BigInt(difference)]));
}

/** Where every balance begins with its ledger: those that are not its sum, with the difference. */
export async function findDisagreements(db: Database): Promise<string[]> {
  return [...(await takeBaseline(db))]
    .filter(([, difference]) => difference !== 0n)
    .map(([name, difference]) => `${name}: ${difference} more than its ledger adds up to`);
}

/** The balances of which the change since the baseline is not the sum of the ledger rows since then. */
export async function findBalanceViolations(db: Database, before: Baseline): Promise<Violation[]> {
  const after = await takeBaseline(db);
  // A coupon or user that is new since the baseline began with nothing on either side.
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((name) => ({ name, excess: (after.get(name) ?? 0n) - (before.get(name) ?? 0n) }))
    .filter(({ excess }) => excess !== 0n)
    .map(({ name, excess }) => ({
      invariant: 'balance',
      orderId: null,
      detail: `${name}: the balance differs by ${excess} from what its ledger rows since then say`,
    }));
}
