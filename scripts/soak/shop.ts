import { runShopFile } from '../shop/sql-files';
import type { Connection } from 'mysql2/promise';
import type { Random } from './random';
import type { Session } from './session';

/** The clock in which this shop writes: neither the server's nor that of most sessions. */
export const CLOCK = '+08:00';
const NOW = `CONVERT_TZ(UTC_TIMESTAMP(3), '+00:00', '${CLOCK}')`;

const USERS = 40;
const COUPONS_EACH = 3;
const GRANTED = { coupon: 1_000_000, points: 1_000_000 };

/** Users with coupons and points, and what the soak notes for its checks: which orders an admin reopened. */
export async function furnish(db: Connection): Promise<void> {
  await runShopFile(db, 'schema.sql');
  await db.query(
    'CREATE TABLE soak_reopened (order_id BIGINT NOT NULL PRIMARY KEY) ENGINE = InnoDB',
  );
  for (let userId = 1; userId <= USERS; userId++) {
    for (const couponId of couponsOf(userId)) {
      await db.query('INSERT INTO user_coupons (id, user_id, balance_amount) VALUES (?, ?, ?)', [
        couponId,
        userId,
        GRANTED.coupon,
      ]);
      await db.query(
        `INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, action) VALUES (?, ?, ?, 'grant')`,
        [userId, couponId, GRANTED.coupon],
      );
    }
    await db.query('INSERT INTO user_points (user_id, points) VALUES (?, ?)', [
      userId,
      GRANTED.points,
    ]);
    await db.query(
      `INSERT INTO user_points_ledger (user_id, action, points) VALUES (?, 'grant', ?)`,
      [userId, GRANTED.points],
    );
  }
}

export const couponsOf = (userId: number): number[] =>
  Array.from({ length: COUPONS_EACH }, (_, index) => userId * 10 + index);

export const anyUser = (random: Random): number => random.between(1, USERS);

export interface Placed {
  readonly orderId: number;
  readonly userId: number;
}

export interface PlaceOptions {
  /** Past its time at once, and of a type that the sweep takes. Default: as it comes. */
  readonly isDue?: boolean;
}

/** Places an order as the docs ask: its row first, then what it takes, each change relative. */
export function placeOrder(
  session: Session,
  random: Random,
  { isDue }: PlaceOptions = {},
): Promise<Placed> {
  const userId = anyUser(random);
  const points = random.chance(0.5) ? random.between(1, 500) : 0;
  const coupons = couponsOf(userId).filter(() => random.chance(0.5));

  return session.inTransaction(async () => {
    await session.affected(
      `INSERT INTO orders (order_no, user_id, source_type, points_amount, coupon_id, created_at)
       VALUES (UUID_SHORT(), ?, ?, ?, 0, ${NOW} - INTERVAL ? SECOND)`,
      [
        userId,
        random.pick(isDue === true ? [1, 2, 4] : [1, 1, 2, 4, 3]),
        points,
        ageSeconds(random, isDue),
      ],
    );
    const [row] = await session.rows<{ id: number }>('SELECT LAST_INSERT_ID() AS id');
    const orderId = row?.id ?? 0;
    for (const couponId of coupons) {
      await takeCoupon(session, random, {
        orderId,
        userId,
        couponId,
        isFirst: couponId === coupons[0],
      });
    }
    if (points > 0) await takePoints(session, { orderId, userId, points });
    return { orderId, userId };
  });
}

/** A third is due, a few become due while the soak runs, the others are young. */
function ageSeconds(random: Random, isDue?: boolean): number {
  if (isDue === true || random.chance(0.35)) return random.between(31, 300) * 60;
  if (random.chance(0.3)) return 30 * 60 - random.between(0, 5);
  return random.between(0, 20) * 60;
}

interface CouponTake extends Placed {
  readonly couponId: number;
  readonly isFirst: boolean;
}

/** From a balance, or holding the coupon; noted in order_coupons and the ledger, or in the ledger alone. */
async function takeCoupon(session: Session, random: Random, take: CouponTake): Promise<void> {
  const { orderId, userId, couponId, isFirst } = take;
  const amount = random.between(1, 1000);
  const holds = random.chance(0.2);
  const taken = await session.affected(
    `UPDATE user_coupons
        SET balance_amount = balance_amount - ?, status = ?, used_order_id = ?, used_at = ${NOW}
      WHERE id = ? AND status = 1 AND balance_amount >= ?`,
    [amount, holds ? 4 : 1, orderId, couponId, amount],
  );
  if (taken === 0) return;

  await session.affected(
    `INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
     VALUES (?, ?, ?, ?, ?, ${NOW})`,
    [userId, couponId, -amount, orderId, holds ? 'reserve' : 'usage'],
  );
  if (isFirst) {
    await session.affected('UPDATE orders SET coupon_id = ? WHERE id = ?', [couponId, orderId]);
  }
  if (!isFirst || random.chance(0.7)) {
    await session.affected(
      'INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount) VALUES (?, ?, ?)',
      [orderId, couponId, amount],
    );
  }
}

async function takePoints(
  session: Session,
  { orderId, userId, points }: Placed & { points: number },
): Promise<void> {
  await session.affected('UPDATE user_points SET points = points - ? WHERE user_id = ?', [
    points,
    userId,
  ]);
  await session.affected(
    `INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id, created_at)
     VALUES (?, 'order_deduct', ?, 'orders', CONCAT(?), ${NOW})`,
    [userId, -points, orderId],
  );
}

/** Pays as the docs ask: only a pending order, and by the rows found. Returns whether it was. */
export function payOrder(session: Session, orderId: number): Promise<boolean> {
  return session.inTransaction(async () => {
    const paid = await session.affected(
      `UPDATE orders SET status = 2, paid_at = ${NOW} WHERE id = ? AND status = 1`,
      [orderId],
    );
    if (paid === 0) return false;
    await session.affected(
      `UPDATE user_coupons SET status = IF(balance_amount > 0, 1, 2)
        WHERE user_id = (SELECT user_id FROM orders WHERE id = ?) AND status = 4 AND used_order_id = ?`,
      [orderId, orderId],
    );
    return true;
  });
}

/** Sets a cancelled order back to pending; the shop may take from its coupon anew. */
export function reopenOrder(session: Session, random: Random, orderId: number): Promise<boolean> {
  return session.inTransaction(async () => {
    const reopened = await session.affected(
      'UPDATE orders SET status = 1, cancelled_at = NULL WHERE id = ? AND status = 3',
      [orderId],
    );
    if (reopened === 0) return false;
    await session.affected('INSERT IGNORE INTO soak_reopened VALUES (?)', [orderId]);

    const [order] = await session.rows<{
      user_id: number;
      coupon_id: number;
      points_amount: number;
    }>('SELECT user_id, coupon_id, points_amount FROM orders WHERE id = ?', [orderId]);
    if (order === undefined || !random.chance(0.5)) return true;
    const { user_id: userId, coupon_id: couponId, points_amount: points } = order;
    if (couponId > 0) {
      await takeCoupon(session, random, { orderId, userId, couponId, isFirst: false });
    }
    if (points > 0) await takePoints(session, { orderId, userId, points });
    return true;
  });
}

/** The shop itself gives back a part of what a pending order took from its coupon, as for a lower price. */
export function giveBackPart(session: Session, orderId: number): Promise<boolean> {
  return session.inTransaction(async () => {
    const [order] = await session.rows<{ status: number; user_id: number; coupon_id: number }>(
      'SELECT status, user_id, coupon_id FROM orders WHERE id = ? FOR UPDATE',
      [orderId],
    );
    if (order?.status !== 1) return false;
    const { user_id: userId, coupon_id: couponId } = order;
    const [taken] = await session.rows<{ part: number | null }>(
      `SELECT CAST(-SUM(change_amount) DIV 2 AS SIGNED) AS part
         FROM user_coupon_ledger WHERE order_id = ? AND user_coupon_id = ?`,
      [orderId, couponId],
    );
    const part = taken?.part ?? 0;
    if (part <= 0) return false;
    await session.affected(
      'UPDATE user_coupons SET balance_amount = balance_amount + ? WHERE id = ?',
      [part, couponId],
    );
    await session.affected(
      `INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
       VALUES (?, ?, ?, ?, 'price_change', ${NOW})`,
      [userId, couponId, part, orderId],
    );
    return true;
  });
}

/** Half an hour goes by: whatever is pending is past its time; type 3 has a task of its own. */
export async function letTimePass(session: Session): Promise<void> {
  await session.affected(
    'UPDATE orders SET created_at = created_at - INTERVAL 31 MINUTE WHERE status = 1',
  );
  const pending = await session.rows<{ id: number }>(
    'SELECT id FROM orders WHERE status = 1 AND source_type = 3',
  );
  for (const { id } of pending) {
    await session.rows("CALL cancel_order(?, NULL, 'lottery is over')", [id]);
  }
}
