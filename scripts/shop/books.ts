import type { Connection, RowDataPacket } from 'mysql2/promise';

/** What the shop's own tables say, whatever any journal says. Money in minor units. */
export interface Books {
  readonly pendingOrders: bigint;
  readonly paidOrders: bigint;
  readonly cancelledOrders: bigint;
  /** Of all coupons. */
  readonly couponMoney: bigint;
  /** Of all users. */
  readonly points: bigint;
  /** Sums of the ledgers' `timeout_refund` rows. */
  readonly couponMoneyReturned: bigint;
  readonly pointsReturned: bigint;
  readonly disagreements: readonly Disagreement[];
}

/** A balance that is not the sum of its ledger. */
export interface Disagreement {
  readonly kind: 'coupon' | 'points';
  /** user_coupons.id, or the user's id. */
  readonly id: bigint;
  readonly balance: bigint;
  readonly ledger: bigint;
}

/** Adds up all balances and ledgers, and compares them one by one. */
export async function readBooks(db: Connection): Promise<Books> {
  const [totals] = await read(db, TOTALS);
  const disagreements = await read(db, DISAGREEMENTS);
  const total = (name: string) => BigInt(String(totals?.[name]));
  return {
    pendingOrders: total('pending_orders'),
    paidOrders: total('paid_orders'),
    cancelledOrders: total('cancelled_orders'),
    couponMoney: total('coupon_money'),
    points: total('points'),
    couponMoneyReturned: total('coupon_money_returned'),
    pointsReturned: total('points_returned'),
    disagreements: disagreements.map((row) => ({
      kind: row.kind === 'coupon' ? 'coupon' : 'points',
      id: BigInt(String(row.id)),
      balance: BigInt(String(row.balance)),
      ledger: BigInt(String(row.ledger)),
    })),
  };
}

async function read(db: Connection, sql: string): Promise<RowDataPacket[]> {
  // Sums are DECIMALs without fraction, which come as text.
  const [rows] = await db.query<RowDataPacket[]>({
    sql,
    supportBigNumbers: true,
    bigNumberStrings: true,
  });
  return rows;
}

const TOTALS = `
  SELECT (SELECT COUNT(*) FROM orders WHERE status = 1) AS pending_orders,
         (SELECT COUNT(*) FROM orders WHERE status = 2) AS paid_orders,
         (SELECT COUNT(*) FROM orders WHERE status = 3) AS cancelled_orders,
         (SELECT COALESCE(SUM(balance_amount), 0) FROM user_coupons) AS coupon_money,
         (SELECT COALESCE(SUM(points), 0) FROM user_points) AS points,
         (SELECT COALESCE(SUM(change_amount), 0) FROM user_coupon_ledger
           WHERE action = 'timeout_refund') AS coupon_money_returned,
         (SELECT COALESCE(SUM(points), 0) FROM user_points_ledger
           WHERE action = 'timeout_refund') AS points_returned`;

const DISAGREEMENTS = `
  SELECT 'coupon' AS kind, id, SUM(balance) AS balance, SUM(ledger) AS ledger
    FROM (SELECT id, CAST(balance_amount AS SIGNED) AS balance, 0 AS ledger FROM user_coupons
           UNION ALL
          SELECT user_coupon_id, 0, change_amount FROM user_coupon_ledger) AS entries
   GROUP BY id
  HAVING SUM(balance) <> SUM(ledger)
   UNION ALL
  SELECT 'points', id, SUM(balance), SUM(ledger)
    FROM (SELECT user_id AS id, CAST(points AS SIGNED) AS balance, 0 AS ledger FROM user_points
           UNION ALL
          SELECT user_id, 0, points FROM user_points_ledger) AS entries
   GROUP BY id
  HAVING SUM(balance) <> SUM(ledger)
   ORDER BY kind, id`;
