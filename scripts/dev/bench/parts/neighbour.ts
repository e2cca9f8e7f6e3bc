import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, ResultSetHeader } from 'mysql2/promise';
import { type Bench, type BenchShop, DUE_ONLY, sweepAll } from '../shop';
import { compute, median, p99, select, slowdown, type Stretch } from '../measure';
import { TIMES_HEAD, timesRow } from '../measure';
import { atLeast, atMost, type Section } from '../section';

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
  const rounds: (Record<Stretch, Encounter> & { perSecond: number })[] = [];
  for (let round = 1; round <= Math.min(sizes.rounds, 3); round += 1) {
    const work = await openForBusiness(bench, shop);
    const alone = await work(() => sleep(sizes.aloneSeconds * 1000));
    const computing = await work(() => compute(shop.db, sizes.aloneSeconds));
    let perSecond = 0;
    const draining = await work(async () => {
      perSecond = await drainSpeed(shop, sizes.drained);
    });
    rounds.push({ alone, computing, draining, perSecond });
    bench.progress(
      `neighbour: payments' p99 ${p99(alone.payments).toFixed(1)} ms alone, ${p99(computing.payments).toFixed(1)} ms beside a session that computes, ${p99(draining.payments).toFixed(1)} ms while ${sizes.drained} orders drain at ${Math.round(perSecond)}/s`,
    );
  }
  const quiet = await measureQuietDrains(bench, shop);
  const all = (of: Stretch, what: 'payments' | 'creations') =>
    rounds.flatMap((round) => round[of][what]);
  const payments = rounds.map(({ alone, computing, draining }) => ({
    alone: alone.payments,
    computing: computing.payments,
    draining: draining.payments,
  }));
  const failures = rounds.flatMap(({ alone, computing, draining }) =>
    [alone, computing, draining].flatMap((one) => one.failures),
  );
  const waits = (of: Stretch) => rounds.reduce((sum, round) => sum + round[of].lockWaits, 0);
  return {
    title: `The neighbour of a drain of ${sizes.drained} orders`,
    head: TIMES_HEAD,
    rows: [
      timesRow('payments, alone', all('alone', 'payments')),
      timesRow('payments, beside a session that only computes', all('computing', 'payments')),
      timesRow('payments, during the drain', all('draining', 'payments')),
      timesRow('new orders with a coupon, alone', all('alone', 'creations')),
      timesRow('new orders with a coupon, during the drain', all('draining', 'creations')),
    ],
    notes: [
      `The drain beside them: ${Math.round(median(rounds.map(({ perSecond }) => perSecond)))} orders/s. ` +
        `On a quiet server: ${Math.round(quiet.asSet)} orders/s as set, ${Math.round(quiet.large)} with batches of ${LARGE_BATCH}.`,
      `Lock waits: ${waits('alone')} alone, ${waits('draining')} during the drains. Failures: ${failures.length === 0 ? 'none' : failures.join(', ')}.`,
    ],
    ratios: [
      atMost(
        "payments' p99 during a drain against alone",
        slowdown(payments, 'draining', 'alone'),
        1.5,
      ),
      atMost(
        "payments' p99 during a drain against a session that computes",
        slowdown(payments, 'draining', 'computing'),
        1.5,
      ),
      atLeast('speed with the batches as set against large ones', quiet.asSet / quiet.large, 0.85),
      atMost('payments that failed', failures.length, 0, 'failures'),
    ],
    bars: {
      unit: 'ms',
      values: [
        ['payments, p99,\nalone', p99(all('alone', 'payments'))],
        ['payments, p99,\nduring a drain', p99(all('draining', 'payments'))],
      ],
    },
  };
}

async function drainSpeed({ db }: BenchShop, orders: number): Promise<number> {
  const startedAt = performance.now();
  await sweepAll(db);
  return (orders / (performance.now() - startedAt)) * 1000;
}

/** By turns; orders per second. */
async function measureQuietDrains({ sizes, progress }: Bench, shop: BenchShop) {
  const [setting] = await select<{ size: number }>(
    shop.db,
    'SELECT batch_size AS size FROM order_timeout_setting',
  );
  const speeds = { asSet: [] as number[], large: [] as number[] };
  const setSize = (size: number | undefined) =>
    shop.db.query('UPDATE order_timeout_setting SET batch_size = ?', [size]);
  for (let round = 1; round <= sizes.rounds; round += 1) {
    for (const which of ['asSet', 'large'] as const) {
      await shop.refill(sizes.backlog, DUE_ONLY);
      await setSize(which === 'large' ? LARGE_BATCH : setting?.size);
      speeds[which].push(await drainSpeed(shop, sizes.backlog));
    }
  }
  await setSize(setting?.size);
  const quiet = { asSet: median(speeds.asSet), large: median(speeds.large) };
  progress(
    `neighbour: quiet drains ${Math.round(quiet.asSet)}/s with batches of ${setting?.size}, ${Math.round(quiet.large)}/s of ${LARGE_BATCH}`,
  );
  return quiet;
}

/** What the neighbours met in one stretch of work: times in milliseconds. */
interface Encounter {
  readonly payments: readonly number[];
  readonly creations: readonly number[];
  /** Error numbers, and "refused" for what was done and had no effect. */
  readonly failures: readonly string[];
  readonly lockWaits: number;
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

/** Loads a round's shop. The work that it returns goes on until the promise it is given resolves. */
async function openForBusiness({ admin, sizes }: Bench, shop: BenchShop) {
  const { db, refill, connect } = shop;
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
  const payers = await Promise.all(Array.from({ length: PAYERS }, connect));
  const creator = await connect();

  return async (until: () => Promise<void>): Promise<Encounter> => {
    let isOver = false;
    const over = () => isOver;
    const before = await lockWaits(admin);
    const paying = payers.map((payer) => atPace(PAYMENT_PACE_MS, payer, unpaid, pay, over));
    const creating = atPace(CREATION_PACE_MS, creator, coupons, createOrder, over);
    const working = Promise.all([creating, ...paying]);
    try {
      await Promise.race([until(), working]);
    } finally {
      isOver = true;
    }
    const [created, ...paid] = await working;
    return {
      payments: paid.flatMap(({ times }) => times),
      creations: created.times,
      failures: [created, ...paid].flatMap((one) => one.failures),
      lockWaits: (await lockWaits(admin)) - before,
    };
  };
}

async function lockWaits(admin: Connection): Promise<number> {
  const [row] = await select<{ count: string }>(
    admin,
    "SELECT COUNT AS count FROM information_schema.innodb_metrics WHERE name = 'lock_row_lock_waits'",
  );
  return Number(row?.count);
}

/**
 * Takes the items one by one at a steady pace until told to stop. Each turn's time counts from its own start;
 * one that comes late, because the one before took long, starts at once.
 */
export async function atPace<Item>(
  paceMs: number,
  db: Connection,
  items: Item[],
  work: (db: Connection, item: Item) => Promise<boolean>,
  isOver: () => boolean,
): Promise<{ times: number[]; failures: string[] }> {
  const done = { times: [] as number[], failures: [] as string[] };
  let dueAt = performance.now();
  while (!isOver()) {
    const waitMs = dueAt - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    const item = items.shift();
    if (item === undefined)
      throw new Error('The drain took so long that the customers ran out of orders: load more');
    const startedAt = performance.now();
    try {
      if (await work(db, item)) done.times.push(performance.now() - startedAt);
      else done.failures.push('refused');
    } catch (error) {
      done.failures.push(String((error as { errno?: number }).errno ?? error));
      await db.query('ROLLBACK');
    }
    dueAt = Math.max(dueAt + paceMs, performance.now());
  }
  return done;
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
