import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { type Bench, type BenchShop, sweep } from '../shop';
import { type Cost, costOf, median, percentile, select } from '../measure';
import { atMost, atMostMs, type Ratio, type Section } from '../section';

/** One in a hundred waits for payment, one in ten is pending and has a cleanup task of its own. */
const MIX = { paid: 60, cancelled: 29, excluded: 10, young: 1 };
const BLOCK = 100_000;
const TICKS = 30;
/** What is done beside each tick: calls of the hand-written procedure, for an order that is not there. */
const CALLS: Yardstick = { sql: 'CALL bench_cancel_one(0)', times: 20 };

/** Copies the first orders once more, without what they took. */
const COPY = `
  INSERT INTO orders
         (id, order_no, user_id, source_type, status, total_amount, discount_amount, points_amount,
          actual_amount, coupon_id, paid_at, cancelled_at, created_at, updated_at)
  SELECT id + :further, CONCAT('NO', LPAD(id + :further, 12, '0')), user_id + :further,
         source_type, status, total_amount, discount_amount, points_amount,
         actual_amount, coupon_id, paid_at, cancelled_at, created_at, updated_at
    FROM orders
   WHERE id <= ${BLOCK}`;
/** The orders that can time out wait for payment for up to 20 minutes, whenever they were loaded. */
const MAKE_YOUNG = `
  UPDATE orders SET created_at = UTC_TIMESTAMP(3) - INTERVAL id % 1200 SECOND
   WHERE status = 1 AND source_type <> 3`;

/** Due orders that a sweep must leave, at the head of its index: how they come to be so. */
const LEFT = 10_000;
const LEAVES: Readonly<Record<string, { left: string; createdAt: string }>> = {
  held: {
    left: `INSERT INTO order_timeout_hold (order_id, held_until, reason, held_by, held_at)
           SELECT id, UTC_TIMESTAMP(3) + INTERVAL 1 DAY, 'bench', 'bench', UTC_TIMESTAMP(3) FROM bench_left`,
    createdAt: 'UTC_TIMESTAMP(3) - INTERVAL 40 DAY',
  },
  quarantined: {
    left: `INSERT INTO order_timeout_failure
                  (order_id, attempts, first_failed_at, last_failed_at, retry_at, error_number, error_state, error_message)
           SELECT id, 5, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), NULL, 1644, '45000', 'bench' FROM bench_left`,
    createdAt: 'UTC_TIMESTAMP(3) - INTERVAL 40 DAY',
  },
  // Without a usable age.
  contradictory: { left: 'DO 0', createdAt: "'0999-12-31 00:00:00'" },
};

/** Beside a tick that reads so many orders: each is looked up, with what a sweep asks of it, by a bare statement. */
const READS: Yardstick = {
  sql: `SELECT COUNT(hold.order_id), COUNT(failure.order_id), COUNT(policy.source_type), MAX(o.created_at)
          FROM bench_left
          STRAIGHT_JOIN orders AS o ON o.id = bench_left.id
          LEFT JOIN order_timeout_hold AS hold ON hold.order_id = o.id
          LEFT JOIN order_timeout_failure AS failure ON failure.order_id = o.id
          LEFT JOIN order_timeout_policy AS policy ON policy.source_type = o.source_type`,
  times: 1,
};

interface Yardstick {
  readonly sql: string;
  readonly times: number;
}

interface Tick {
  readonly label: string;
  readonly orders: number;
  readonly wall: number;
  readonly p99: number;
  readonly cpu: number;
  readonly yardstick: number;
  readonly rowsRead: number;
}

/** A sweep that finds nothing, in one shop that grows from size to size; only its orders grow. */
export async function measureIdle(bench: Bench): Promise<Section> {
  const shop = await bench.shop('large');
  const { db } = shop;
  await shop.run('hand_written.sql');
  await shop.refill(BLOCK, MIX);
  const [types] = await select<{ count: number }>(
    db,
    'SELECT COUNT(DISTINCT source_type) AS count FROM orders',
  );
  const ticks: Tick[] = [];
  let blocks = 1;
  for (const size of bench.sizes.growingShops) {
    bench.progress(`idle: a shop of ${size} orders is being loaded`);
    await shop.relaxed(async () => {
      for (; blocks * BLOCK < size; blocks += 1)
        await db.query({ sql: COPY, namedPlaceholders: true }, { further: BLOCK * blocks });
      await db.query(MAKE_YOUNG);
      await db.query('ANALYZE NO_WRITE_TO_BINLOG TABLE orders');
    });
    await purged(db);
    ticks.push(await measureTick(bench, shop, 'nothing due', blocks * BLOCK, CALLS));
  }
  for (const [state, leave] of Object.entries(LEAVES)) {
    await bringOut(shop, leave);
    ticks.push(await measureTick(bench, shop, `${LEFT} ${state}`, blocks * BLOCK, READS));
    await takeBack(shop);
  }
  return {
    title: 'A sweep that finds nothing',
    head: [
      'orders in the shop',
      'at the head of the index',
      'p50 ms',
      'p99 ms',
      'CPU ms',
      'rows read',
    ],
    rows: ticks.map((one) => [one.orders, one.label, one.wall, one.p99, one.cpu, one.rowsRead]),
    notes: ['Rows read count those that index condition pushdown hides from Handler_read%.'],
    ratios: ratios(ticks, Number(types?.count)),
    bars: {
      unit: 'ms',
      values: ticks.map((one) => [
        one.label === 'nothing due' ? `${one.orders / 1000}k orders` : one.label,
        one.wall,
      ]),
    },
  };
}

function ratios(ticks: readonly Tick[], types: number): Ratio[] {
  const empty = ticks.filter(({ label }) => label === 'nothing due');
  const most = (rows: readonly Tick[], of: (one: Tick) => number) => Math.max(...rows.map(of));
  return [
    atMost(
      `rows read by an idle tick with ${types} source types`,
      most(empty, (one) => one.rowsRead),
      9 + types,
      'rows',
    ),
    atMostMs(
      'CPU of an idle tick',
      most(empty, (one) => one.cpu),
      1,
      most(empty, (one) => one.yardstick),
    ),
    ...ticks
      .filter(({ label }) => label !== 'nothing due')
      .map((one) =>
        atMostMs(`an idle tick with ${one.label} orders at the head`, one.wall, 30, one.yardstick),
      ),
  ];
}

async function measureTick(
  bench: Bench,
  { db }: BenchShop,
  label: string,
  orders: number,
  { sql, times: repeated }: Yardstick,
) {
  await reconciled(db);
  // Reading the counters reads rows too.
  const first = await rowsRead(db);
  const second = await rowsRead(db);
  await sweepNothing(db);
  const third = await rowsRead(db);

  const ticks: Cost[] = [];
  const yardstick: number[] = [];
  for (let tick = 0; tick < TICKS; tick += 1) {
    ticks.push(await costOf(bench.admin, db, () => sweepNothing(db)));
    const { cpu } = await costOf(bench.admin, db, async () => {
      for (let nth = 0; nth < repeated; nth += 1) await db.query(sql);
    });
    yardstick.push(cpu / repeated);
  }
  const times = ticks.map(({ wall }) => wall);
  const tick: Tick = {
    label,
    orders,
    wall: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    cpu: median(ticks.map(({ cpu }) => cpu)),
    yardstick: median(yardstick),
    rowsRead: third - second - (second - first),
  };
  bench.progress(
    `idle: ${orders} orders, ${label}: ${tick.wall.toFixed(1)} ms, CPU ${tick.cpu.toFixed(2)} ms, ${tick.rowsRead} rows read`,
  );
  return tick;
}

async function sweepNothing(db: Connection): Promise<void> {
  const { outcome, cancelled } = await sweep(db);
  if (outcome !== 'completed' || cancelled !== 0)
    throw new Error(`An idle sweep must find nothing, but was ${outcome} with ${cancelled} orders`);
}

/** The first sweeps in a shop look back at its newest orders, once each. Resolves when that is done. */
async function reconciled(db: Connection): Promise<void> {
  await db.query(
    'UPDATE order_timeout_heartbeat SET reconciled_order_id = NULL, reconciled_again_order_id = NULL',
  );
  let before = '';
  for (let tick = 0; tick < 100; tick += 1) {
    await sweepNothing(db);
    const after = JSON.stringify(
      await select<object>(
        db,
        'SELECT reconciled_order_id, reconciled_again_order_id FROM order_timeout_heartbeat',
      ),
    );
    if (after === before) return;
    before = after;
  }
  throw new Error('The sweep must have looked at the newest 10,000 orders by now, and has not');
}

/** By Handler_read% and by index condition pushdown, which hides its own from the former. */
async function rowsRead(db: Connection): Promise<number> {
  const status = await select<{ Value: string }>(db, "SHOW SESSION STATUS LIKE 'Handler_read%'");
  const [attempts] = await select<{ count: string }>(
    db,
    "SELECT COUNT AS count FROM information_schema.innodb_metrics WHERE name = 'icp_attempts'",
  );
  return status.reduce((sum, { Value }) => sum + Number(Value), Number(attempts?.count));
}

/** Paid orders become the oldest due ones, and such as a sweep must leave. */
async function bringOut(
  { db, relaxed }: BenchShop,
  { left, createdAt }: { left: string; createdAt: string },
): Promise<void> {
  await relaxed(async () => {
    await db.query(
      `CREATE TABLE bench_left (PRIMARY KEY (id)) SELECT id FROM orders WHERE status = 2 AND source_type <> 3 ORDER BY id LIMIT ${LEFT}`,
    );
    await db.query('UPDATE orders JOIN bench_left USING (id) SET paid_at = NULL');
    await db.query(left);
    await db.query(
      `UPDATE orders JOIN bench_left USING (id) SET status = 1, created_at = ${createdAt}`,
    );
  });
  await purged(db);
}

async function takeBack({ db, relaxed }: BenchShop): Promise<void> {
  await relaxed(async () => {
    await db.query(
      'UPDATE orders JOIN bench_left USING (id) SET status = 2, paid_at = UTC_TIMESTAMP(3), created_at = UTC_TIMESTAMP(3) - INTERVAL 40 DAY',
    );
    for (const table of ['order_timeout_hold', 'order_timeout_failure'])
      await db.query('DELETE FROM ??', [table]);
    await db.query('DROP TABLE bench_left');
  });
}

const PURGED_WITHIN_MS = 20_000;

/** Resolves when the entries that loading left behind are gone from the indexes: purging has come to rest. */
async function purged(db: Connection): Promise<void> {
  const deadline = Date.now() + PURGED_WITHIN_MS;
  let before = NaN;
  while (Date.now() < deadline) {
    const [history] = await select<{ length: string }>(
      db,
      "SELECT COUNT AS length FROM information_schema.innodb_metrics WHERE name = 'trx_rseg_history_len'",
    );
    const length = Number(history?.length);
    if (length === 0 || length === before) return;
    before = length;
    await sleep(1000);
  }
}
