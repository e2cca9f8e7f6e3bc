import type { Connection, Pool, RowDataPacket } from 'mysql2/promise';

type Database = Pool | Connection;

/** See docs/guarantees.md. `journal` to `excess` are views of the database, `balance` needs a baseline. */
export type Invariant = 'journal' | 'ledger' | 'twice' | 'excess' | 'balance';

export interface Violation {
  readonly invariant: Invariant;
  /** null: it is about a balance, not about one order. */
  readonly orderId: bigint | null;
  readonly detail: string;
}

/** Reads `order_timeout_violation`: what must never be. Throws MySQL's errors. */
export async function findViolations(db: Database): Promise<Violation[]> {
  const rows = await select<{ invariant: Invariant; order_id: string; detail: string }>(
    db,
    `SELECT invariant, CAST(order_id AS CHAR) AS order_id, detail
       FROM order_timeout_violation ORDER BY invariant, order_timeout_violation.order_id, detail`,
  );
  return rows.map(({ invariant, order_id, detail }) => ({
    invariant,
    orderId: BigInt(order_id),
    detail,
  }));
}

export interface HalfDone {
  readonly orderId: bigint;
  readonly kind: 'coupon' | 'points';
  readonly targetId: bigint;
  /** In minor units, or points. */
  readonly amount: bigint;
  /** The balance has grown. */
  readonly isGiven: boolean;
  /** Of the order: 1 pending, 2 paid, 3 cancelled; null: the order is gone. */
  readonly status: number | null;
}

/** Reads `order_timeout_half_done`: work that the next cancel of the order completes. Throws MySQL's errors. */
export async function listHalfDone(db: Database): Promise<HalfDone[]> {
  const rows = await select<RefundRow & { is_given: number }>(
    db,
    `SELECT CAST(order_id AS CHAR) AS order_id, kind, CAST(target_id AS CHAR) AS target_id,
            CAST(amount AS CHAR) AS amount, is_given, status
       FROM order_timeout_half_done
      ORDER BY order_timeout_half_done.order_id, kind, order_timeout_half_done.target_id`,
  );
  return rows.map((row) => ({ ...refundOf(row), isGiven: row.is_given === 1 }));
}

export type Reopened = Omit<HalfDone, 'isGiven'>;

/** Reads `order_timeout_reopened`: orders for a person to look at. Throws MySQL's errors. */
export async function listReopened(db: Database): Promise<Reopened[]> {
  const rows = await select<RefundRow>(
    db,
    `SELECT CAST(order_id AS CHAR) AS order_id, kind, CAST(target_id AS CHAR) AS target_id,
            CAST(amount AS CHAR) AS amount, status
       FROM order_timeout_reopened
      ORDER BY order_timeout_reopened.order_id, kind, order_timeout_reopened.target_id`,
  );
  return rows.map(refundOf);
}

interface RefundRow {
  readonly order_id: string;
  readonly kind: 'coupon' | 'points';
  readonly target_id: string;
  readonly amount: string;
  readonly status: number | null;
}

function refundOf({ order_id, kind, target_id, amount, status }: RefundRow): Reopened {
  return {
    orderId: BigInt(order_id),
    kind,
    targetId: BigInt(target_id),
    amount: BigInt(amount),
    status,
  };
}

/** By how much each balance differs from its ledger: "coupon 1690" or "user 9110" to minor units or points. */
export type Baseline = ReadonlyMap<string, bigint>;

/**
 * What the balances and the ledgers say of each other now. A shop's ledgers need not begin with its
 * balances, so what counts is that this does not change. Reads both tables of a kind whole.
 */
export async function takeBaseline(db: Database): Promise<Baseline> {
  const rows = await select<{ name: string; difference: string }>(
    db,
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

/** The balances of which the change since the baseline is not the sum of the ledger rows since then. */
export async function findBalanceViolations(
  db: Database,
  baseline: Baseline,
): Promise<Violation[]> {
  return compareBaselines(baseline, await takeBaseline(db));
}

/** A coupon or user that is new since the baseline began with nothing on either side. */
export function compareBaselines(before: Baseline, after: Baseline): Violation[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((name) => ({ name, excess: (after.get(name) ?? 0n) - (before.get(name) ?? 0n) }))
    .filter(({ excess }) => excess !== 0n)
    .map(({ name, excess }) => ({
      invariant: 'balance',
      orderId: null,
      detail: `${name}: the balance differs by ${excess} from what its ledger rows since then say`,
    }));
}

async function select<Row extends object>(db: Database, sql: string): Promise<Row[]> {
  const [rows] = await db.query<RowDataPacket[]>(sql);
  return rows as unknown as Row[];
}
