import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import { createShopTables } from '../shop';
import type { Random } from './random';

/** The clock in which this shop writes: neither the server's nor that of most sessions. */
export const CLOCK = '+08:00';
const NOW = `CONVERT_TZ(UTC_TIMESTAMP(3), '+00:00', '${CLOCK}')`;

const USERS = 40;
const COUPONS_EACH = 3;
const GRANTED = 1_000_000_000;

const couponsOf = (userId: number): number[] =>
  Array.from({ length: COUPONS_EACH }, (_, index) => userId * 10 + index);

/** Users with coupons and points enough for all their orders. Each balance is the sum of its ledger. */
export async function openShop(db: Connection): Promise<void> {
  await createShopTables(db);
  const users = Array.from({ length: USERS }, (_, index) => index + 1);
  const coupons = users.flatMap((userId) => couponsOf(userId).map((id) => [id, userId, GRANTED]));
  await db.query('INSERT INTO user_coupons (id, user_id, balance_amount) VALUES ?', [coupons]);
  await db.query(
    `INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, action)
     SELECT user_id, id, balance_amount, 'grant' FROM user_coupons`,
  );
  await db.query('INSERT INTO user_points (user_id, points) VALUES ?', [
    users.map((userId) => [userId, GRANTED]),
  ]);
  await db.query(
    `INSERT INTO user_points_ledger (user_id, points, action) SELECT user_id, points, 'grant' FROM user_points`,
  );
}

export interface Placed {
  readonly orderId: number;
  readonly userId: number;
}

/** Places an order as the docs ask: the row first, then what it takes, each change relative. */
export async function placeOrder(
  db: Connection,
  random: Random,
  ageMinutes: number,
): Promise<Placed> {
  const userId = random.between(1, USERS);
  const points = random.chance(0.6) ? random.between(1, 500) : 0;
  const coupons = couponsOf(userId).filter(() => random.chance(0.5));
  await db.query('START TRANSACTION');
  const [created] = await db.query<ResultSetHeader>(
    `INSERT INTO orders (order_no, user_id, source_type, points_amount, coupon_id, created_at)
     VALUES (UUID_SHORT(), ?, ?, ?, ?, ${NOW} - INTERVAL ? MINUTE)`,
    [userId, random.pick([1, 2, 4]), points, coupons[0] ?? 0, ageMinutes],
  );
  const placed = { orderId: created.insertId, userId };
  for (const couponId of coupons) {
    // The first is named by the order too; only then may the ledger alone say what it took.
    const isNoted = couponId !== coupons[0] || random.chance(0.7);
    await takeCoupon(db, placed, couponId, random.between(1, 1000), isNoted);
  }
  if (points > 0) await takePoints(db, placed, points);
  await db.query('COMMIT');
  return placed;
}

async function takeCoupon(
  db: Connection,
  { orderId, userId }: Placed,
  couponId: number,
  amount: number,
  isNoted: boolean,
): Promise<void> {
  const change = 'UPDATE user_coupons SET balance_amount = balance_amount - ? WHERE id = ?';
  await db.query(change, [amount, couponId]);
  await db.query(
    `INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
     VALUES (?, ?, ?, ?, 'usage', ${NOW})`,
    [userId, couponId, -amount, orderId],
  );
  if (!isNoted) return;
  await db.query(
    'INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount) VALUES (?, ?, ?)',
    [orderId, couponId, amount],
  );
}

async function takePoints(db: Connection, { orderId, userId }: Placed, points: number) {
  await db.query('UPDATE user_points SET points = points - ? WHERE user_id = ?', [points, userId]);
  await db.query(
    `INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id, created_at)
     VALUES (?, 'order_deduct', ?, 'orders', CONCAT(?), ${NOW})`,
    [userId, -points, orderId],
  );
}

/** The old bug: the shop's own task cancels the order and gives nothing back. */
export async function cancelWithoutRefund(db: Connection, { orderId }: Placed): Promise<void> {
  await db.query(`UPDATE orders SET status = 3, cancelled_at = ${NOW} WHERE id = ?`, [orderId]);
}

/** How many orders are past their time and still pending. */
export async function countDue(db: Connection): Promise<number> {
  const [[row]] = await db.query<RowDataPacket[]>(
    `SELECT COUNT(*) AS due FROM orders WHERE status = 1 AND created_at < ${NOW} - INTERVAL 40 MINUTE`,
  );
  return Number(row?.due);
}

/**
 * What an order took and what of it came back, by the ledgers, the journal and the order itself. The journal keeps
 * no old cancellations; `batches`: the engine's that gave back for it.
 */
type OrderSums = RowDataPacket &
  Readonly<
    Record<
      | 'order_id'
      | 'status'
      | `${'coupon' | 'points'}_${'taken' | 'returned' | 'claimed'}`
      | 'cancellations'
      | 'batches',
      number
    >
  >;

const sum = (amount: string, from: string) =>
  `CAST(COALESCE((SELECT SUM(${amount}) FROM ${from}), 0) AS SIGNED)`;
const COUPON = 'user_coupon_ledger WHERE order_id = o.id AND change_amount';
const POINTS = 'user_points_ledger WHERE user_id = o.user_id AND ref_id = CONCAT(o.id) AND points';
const CLAIMED = 'order_timeout_refund WHERE order_id = o.id AND kind';

const SUMS = `
  SELECT o.id AS order_id, o.status,
         ${sum('-change_amount', `${COUPON} < 0`)} AS coupon_taken,
         ${sum('change_amount', `${COUPON} > 0`)} AS coupon_returned,
         ${sum('amount', `${CLAIMED} = 'coupon'`)} AS coupon_claimed,
         ${sum('-points', `${POINTS} < 0`)} AS points_taken,
         ${sum('points', `${POINTS} > 0`)} AS points_returned,
         ${sum('amount', `${CLAIMED} = 'points'`)} AS points_claimed,
         (SELECT COUNT(*) FROM order_timeout_cancellation WHERE order_id = o.id) AS cancellations,
         (SELECT COUNT(DISTINCT batch_id) FROM order_timeout_refund WHERE order_id = o.id) AS batches
    FROM orders AS o`;

/** Orders that came back in part, or more than once, or of which order, ledgers and journal disagree. Reads one moment. */
export async function findBroken(db: Connection, orderIds?: readonly number[]): Promise<string[]> {
  const which = orderIds === undefined ? '' : 'WHERE o.id IN (?)';
  const [rows] = await db.query<OrderSums[]>(`${SUMS} ${which}`, [orderIds]);
  return rows.flatMap((row) => {
    const why = complaint(row);
    return why === undefined ? [] : [`order ${row.order_id}: ${why}: ${JSON.stringify(row)}`];
  });
}

function complaint(row: OrderSums): string | undefined {
  const isWhole =
    row.coupon_returned === row.coupon_taken && row.points_returned === row.points_taken;
  const tookNothing = row.coupon_taken + row.points_taken === 0;
  if (!isWhole && row.coupon_returned + row.points_returned > 0)
    return 'half of it came back, or too much';
  if (row.coupon_claimed !== row.coupon_returned || row.points_claimed !== row.points_returned)
    return 'the journal and the ledgers disagree';
  if (row.batches > 1) return 'two settlements gave back for it';
  if (row.cancellations > 1) return 'it was cancelled twice';
  if (row.status !== 3 && (row.cancellations > 0 || (isWhole && !tookNothing)))
    return 'it came back, and the order is not cancelled';
  if (row.status === 3 && row.cancellations > 0 && !isWhole)
    return 'it was cancelled by us, and nothing came back';
  return undefined;
}
