import type { Connection, ResultSetHeader } from 'mysql2/promise';
import { allOf, atPace, customerRatios, failuresIn, meet, p99 } from '../customers';
import { type Round, TIMES_HEAD, timesRows } from '../customers';
import { type Cost, median, perSecond, select } from '../measure';
import { atLeast, type Section } from '../section';
import { type Bench, type BenchShop, DUE_ONLY, timed } from '../shop';

const PAYERS = 2;
const PAYMENT_PACE_MS = 20;
const CREATION_PACE_MS = 40;
/** Longer than any drain here takes. */
const LONGEST_SECONDS = 90;
/** Full speed is what large batches reach on a quiet server. */
const LARGE_BATCH = 2000;

/** Payments and new orders, alone and then while a backlog drains; and what the batch's size costs a quiet server. */
export async function measureNeighbour(bench: Bench): Promise<Section> {
  const { sizes } = bench;
  const shop = await bench.shop('engine');
  const payments: Round[] = [];
  const creations: Round[] = [];
  for (let round = 1; round <= Math.min(sizes.rounds, 3); round += 1) {
    const { unpaid, coupons } = await openForBusiness(bench, shop);
    const payers = await Promise.all(Array.from({ length: PAYERS }, shop.connect));
    const creator = await shop.connect();
    const [paid, created] = await meet(
      bench,
      shop,
      'payments',
      (isOver) => payers.map((one) => atPace(PAYMENT_PACE_MS, one, unpaid, pay, isOver)),
      (isOver) => [atPace(CREATION_PACE_MS, creator, coupons, createOrder, isOver)],
    );
    payments.push(paid);
    creations.push(created);
  }
  const quiet = await measureQuietDrains(bench, shop);
  const failures = failuresIn([...payments, ...creations]);
  const speed = median(payments.map(({ draining }) => sizes.drained / draining.seconds));
  const waits = (of: 'alone' | 'draining') =>
    payments.reduce((sum, round) => sum + round[of].lockWaits, 0);
  return {
    title: `The neighbour of a drain of ${sizes.drained} orders`,
    head: TIMES_HEAD,
    rows: [
      ...timesRows('payments', payments),
      ...timesRows('new orders with a coupon', creations, ['alone', 'draining']),
    ],
    notes: [
      `The drain beside them: ${Math.round(speed)} orders/s. ` +
        `On a quiet server: ${Math.round(quiet.asSet)} orders/s as set, ${Math.round(quiet.large)} with batches of ${LARGE_BATCH}.`,
      `Lock waits: ${waits('alone')} alone, ${waits('draining')} during the drains. Failures: ${failures.length === 0 ? 'none' : failures.join(', ')}.`,
    ],
    ratios: [
      ...customerRatios('payments', payments, failures),
      atLeast('speed with the batches as set against large ones', quiet.asSet / quiet.large, 0.85),
    ],
    bars: {
      unit: 'ms',
      values: [
        ['payments, p99,\nalone', p99(allOf(payments, 'alone'))],
        ['payments, p99,\nduring a drain', p99(allOf(payments, 'draining'))],
      ],
    },
  };
}

/** By turns; orders per second. */
async function measureQuietDrains(bench: Bench, shop: BenchShop) {
  const { rounds, backlog } = bench.sizes;
  const [setting] = await select<{ size: number }>(
    shop.db,
    'SELECT batch_size AS size FROM order_timeout_setting',
  );
  const costs = { asSet: [] as Cost[], large: [] as Cost[] };
  const setSize = (size: number | undefined) =>
    shop.db.query('UPDATE order_timeout_setting SET batch_size = ?', [size]);
  for (let round = 1; round <= rounds; round += 1) {
    for (const which of ['asSet', 'large'] as const) {
      await shop.refill(backlog, DUE_ONLY);
      const size = which === 'large' ? LARGE_BATCH : setting?.size;
      await setSize(size);
      costs[which].push(await timed(bench, `a quiet drain, batches of ${size}`, shop, backlog));
    }
  }
  await setSize(setting?.size);
  return { asSet: perSecond(costs.asSet), large: perSecond(costs.large) };
}

interface UnpaidOrder {
  readonly orderId: number;
  readonly couponId: number;
}

interface UsableCoupon {
  readonly couponId: number;
  readonly userId: number;
  readonly balance: number;
}

/** Loads a round's shop: orders to pay and coupons to use, enough for all three stretches. */
async function openForBusiness({ sizes }: Bench, shop: BenchShop) {
  const { db, refill } = shop;
  const seconds = 2 * sizes.aloneSeconds + LONGEST_SECONDS;
  const payments = (seconds * 1000 * PAYERS) / PAYMENT_PACE_MS;
  const creations = (seconds * 1000) / CREATION_PACE_MS;
  await refill(sizes.drained + payments, { due: sizes.drained, young: payments });
  const unpaid = await select<UnpaidOrder>(
    db,
    'SELECT id AS orderId, coupon_id AS couponId FROM orders WHERE id > ? ORDER BY id',
    [sizes.drained],
  );
  const [last] = await select<{ id: number }>(db, 'SELECT MAX(id) AS id FROM user_coupons');
  await db.query(
    `INSERT INTO user_coupons (id, user_id, status, balance_amount)
     SELECT ? + id, 2000000000 + id, 1, 1000 FROM orders WHERE id <= ?`,
    [Number(last?.id), creations],
  );
  const coupons = await select<UsableCoupon>(
    db,
    'SELECT id AS couponId, user_id AS userId, balance_amount AS balance FROM user_coupons WHERE id > ? ORDER BY id',
    [Number(last?.id)],
  );
  return { unpaid, coupons };
}

/** A payment as docs ask for it: the order's lock first, and only a pending order is paid. Returns whether it was. */
async function pay(db: Connection, { orderId, couponId }: UnpaidOrder): Promise<boolean> {
  await db.query('START TRANSACTION');
  await db.query('SELECT status FROM orders WHERE id = ? FOR UPDATE', [orderId]);
  const [paid] = await db.query<ResultSetHeader>(
    'UPDATE orders SET status = 2, paid_at = UTC_TIMESTAMP(3) WHERE id = ? AND status = 1',
    [orderId],
  );
  await db.query(
    'UPDATE user_coupons SET status = 2, used_at = UTC_TIMESTAMP(3) WHERE id = ? AND status = 4 AND used_order_id = ?',
    [couponId, orderId],
  );
  await db.query('COMMIT');
  return paid.affectedRows === 1;
}

/** A new order that holds a coupon. */
async function createOrder(db: Connection, coupon: UsableCoupon): Promise<boolean> {
  const { couponId, userId, balance } = coupon;
  await db.query('START TRANSACTION');
  const [created] = await db.query<ResultSetHeader>(
    `INSERT INTO orders (order_no, user_id, source_type, status, total_amount, discount_amount, actual_amount,
                         coupon_id, created_at)
     VALUES (?, ?, 1, 1, 5000, ?, ?, ?, UTC_TIMESTAMP(3))`,
    [`NEW${couponId}`, userId, balance, 5000 - balance, couponId],
  );
  await db.query('SELECT balance_amount FROM user_coupons WHERE id = ? FOR UPDATE', [couponId]);
  const [held] = await db.query<ResultSetHeader>(
    `UPDATE user_coupons
        SET status = 4, balance_amount = balance_amount - ?, used_order_id = ?, used_at = UTC_TIMESTAMP(3)
      WHERE id = ? AND status = 1`,
    [balance, created.insertId, couponId],
  );
  await db.query(
    'INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount, created_at) VALUES (?, ?, ?, UTC_TIMESTAMP(3))',
    [created.insertId, couponId, balance],
  );
  await db.query(
    `INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
     VALUES (?, ?, ?, ?, 'reserve', UTC_TIMESTAMP(3))`,
    [userId, couponId, -balance, created.insertId],
  );
  await db.query('COMMIT');
  return held.affectedRows === 1;
}
