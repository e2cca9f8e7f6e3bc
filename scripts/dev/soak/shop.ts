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

/** Places orders as the docs ask: the row first, then what it takes, each change relative. */
export async function placeOrders(
  db: Connection,
  random: Random,
  { count = 1, ageMinutes }: { count?: number; ageMinutes: number },
): Promise<Placed[]> {
  const placed: Placed[] = [];
  await db.query('START TRANSACTION');
  for (let nth = 0; nth < count; nth += 1) {
    const userId = random.between(1, USERS);
    const points = random.chance(0.6) ? random.between(1, 500) : 0;
    const coupons = couponsOf(userId).filter(() => random.chance(0.5));
    const [created] = await db.query<ResultSetHeader>(
      `INSERT INTO orders (order_no, user_id, source_type, points_amount, coupon_id, created_at)
       VALUES (UUID_SHORT(), ?, ?, ?, ?, ${NOW} - INTERVAL ? MINUTE)`,
      [userId, random.pick([1, 2, 4]), points, coupons[0] ?? 0, ageMinutes],
    );
    const orderId = created.insertId;
    for (const couponId of coupons) {
      // The first is named by the order too; only then may the ledger alone say what it took.
      const isNoted = couponId !== coupons[0] || random.chance(0.7);
      await takeCoupon(db, { orderId, userId }, couponId, random.between(1, 1000), isNoted);
    }
    if (points > 0) await takePoints(db, { orderId, userId }, points);
    placed.push({ orderId, userId });
  }
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
  await db.query('UPDATE user_coupons SET balance_amount = balance_amount - ? WHERE id = ?', [
    amount,
    couponId,
  ]);
  await db.query(
    `INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
     VALUES (?, ?, ?, ?, 'usage', ${NOW})`,
    [userId, couponId, -amount, orderId],
  );
  if (isNoted)
    await db.query(
      'INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount) VALUES (?, ?, ?)',
      [orderId, couponId, amount],
    );
}

async function takePoints(
  db: Connection,
  { orderId, userId }: Placed,
  points: number,
): Promise<void> {
  await db.query('UPDATE user_points SET points = points - ? WHERE user_id = ?', [points, userId]);
  await db.query(
    `INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id, created_at)
     VALUES (?, 'order_deduct', ?, 'orders', CONCAT(?), ${NOW})`,
    [userId, -points, orderId],
  );
}

/** The old bug: the shop's own task cancels the order and gives nothing back. */
export async function cancelWithoutRefund(db: Connection, orderId: number): Promise<void> {
  await db.query(`UPDATE orders SET status = 3, cancelled_at = ${NOW} WHERE id = ?`, [orderId]);
}

/** What an order took and what of it came back, by the ledgers, the journal and the order itself. */
interface OrderSums extends RowDataPacket {
  readonly order_id: number;
  readonly status: number;
  readonly coupon_taken: string;
  readonly coupon_returned: string;
  readonly coupon_claimed: string;
  readonly points_taken: string;
  readonly points_returned: string;
  readonly points_claimed: string;
  /** Cancellations that the journal has; it keeps no old ones. */
  readonly cancellations: number;
  /** The engine's batches that gave back for it. */
  readonly batches: number;
}

const SUMS = `
  SELECT o.id AS order_id, o.status,
         COALESCE((SELECT SUM(-change_amount) FROM user_coupon_ledger WHERE order_id = o.id AND change_amount < 0), 0) AS coupon_taken,
         COALESCE((SELECT SUM(change_amount) FROM user_coupon_ledger WHERE order_id = o.id AND change_amount > 0), 0) AS coupon_returned,
         COALESCE((SELECT SUM(amount) FROM order_timeout_refund WHERE order_id = o.id AND kind = 'coupon'), 0) AS coupon_claimed,
         COALESCE((SELECT SUM(-points) FROM user_points_ledger WHERE user_id = o.user_id AND ref_id = CONCAT(o.id) AND points < 0), 0) AS points_taken,
         COALESCE((SELECT SUM(points) FROM user_points_ledger WHERE user_id = o.user_id AND ref_id = CONCAT(o.id) AND points > 0), 0) AS points_returned,
         COALESCE((SELECT SUM(amount) FROM order_timeout_refund WHERE order_id = o.id AND kind = 'points'), 0) AS points_claimed,
         (SELECT COUNT(*) FROM order_timeout_cancellation WHERE order_id = o.id) AS cancellations,
         (SELECT COUNT(DISTINCT batch_id) FROM order_timeout_refund WHERE order_id = o.id) AS batches
    FROM orders AS o`;

/** Orders that came back in part, or more than once, or of which order, ledgers and journal disagree. Reads one moment. */
export async function findBroken(db: Connection, orderIds?: readonly number[]): Promise<string[]> {
  const [rows] = await (orderIds === undefined
    ? db.query<OrderSums[]>(SUMS)
    : db.query<OrderSums[]>(`${SUMS} WHERE o.id IN (?)`, [orderIds]));
  return rows.flatMap((row) => {
    const why = complaint(row);
    return why === undefined ? [] : [`order ${row.order_id}: ${why}: ${JSON.stringify(row)}`];
  });
}

function complaint(row: OrderSums): string | undefined {
  const taken = Number(row.coupon_taken) + Number(row.points_taken);
  const isWhole =
    Number(row.coupon_returned) === Number(row.coupon_taken) &&
    Number(row.points_returned) === Number(row.points_taken);
  const isNothing = Number(row.coupon_returned) + Number(row.points_returned) === 0;
  if (!isWhole && !isNothing) return 'half of it came back, or too much';
  if (row.coupon_claimed !== row.coupon_returned || row.points_claimed !== row.points_returned)
    return 'the journal and the ledgers disagree';
  if (row.batches > 1) return 'two settlements gave back for it';
  if (row.cancellations > 1) return 'it was cancelled twice';
  if (row.status !== 3 && (row.cancellations > 0 || (taken > 0 && isWhole)))
    return 'it came back, and the order is not cancelled';
  if (row.status === 3 && row.cancellations > 0 && !isWhole)
    return 'it was cancelled by us, and nothing came back';
  return undefined;
}
