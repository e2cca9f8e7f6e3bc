import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import type { Bench } from '../bench';
import { select } from '../server';
import type { BenchShop } from '../shop';
import { latency, type Latency } from '../statistics';
import { sweep } from '../variants';

/** A sweep that finds nothing. */
export interface Tick {
  /** Orders in the shop, and how many of them are pending: of the excluded type, or young. */
  readonly orders: number;
  readonly excluded: number;
  readonly young: number;
  readonly time: Latency;
  /** Rows read, by Handler_read% and by index condition pushdown, which hides its own from the former. */
  readonly rowsRead: number;
  readonly handlerReads: number;
  readonly pushdownReads: number;
}

/** One in a hundred waits for payment, one in ten is pending and has a cleanup task of its own. */
const MIX = { paid: 60, cancelled: 29, excluded: 10, young: 1 };
const BLOCK = 100_000;
const TICKS = 30;

/** Ticks in one shop that grows from size to size. Only its orders grow: a tick looks at nothing else. */
export async function measureTicks(bench: Bench, sizes: readonly number[]): Promise<Tick[]> {
  const shop = await bench.shop('large');
  await bench.server.admin.query("SET GLOBAL innodb_monitor_enable = 'module_icp'");
  await shop.run('large_shop.sql');
  await shop.refill(BLOCK, MIX);

  const ticks: Tick[] = [];
  let blocks = 1;
  for (const size of [...new Set(sizes)].sort((one, other) => one - other)) {
    bench.progress(`idle tick: a shop of ${size} orders is being loaded`);
    await bench.server.relaxed(async () => {
      for (; blocks * BLOCK < size; blocks += 1) {
        await shop.db.query('CALL bench_copy_orders(?, ?)', [BLOCK, blocks]);
      }
      await shop.db.query('CALL bench_make_young()');
      await shop.db.query('ANALYZE NO_WRITE_TO_BINLOG TABLE orders');
    });
    await purged(shop.db);
    const tick = await measureTick(shop, blocks * BLOCK);
    bench.progress(
      `idle tick: ${tick.orders} orders: ${tick.time.p50.toFixed(1)} ms, ${tick.rowsRead} rows read`,
    );
    ticks.push(tick);
  }
  return ticks;
}

async function measureTick({ db }: BenchShop, orders: number): Promise<Tick> {
  await sweepNothing(db);
  // Reading the counters reads rows too.
  const first = await readCounters(db);
  const second = await readCounters(db);
  await sweepNothing(db);
  const third = await readCounters(db);

  const times: number[] = [];
  for (let tick = 0; tick < TICKS; tick += 1) {
    const startedAt = performance.now();
    await sweepNothing(db);
    times.push(performance.now() - startedAt);
  }
  const handlerReads = third.handler - second.handler - (second.handler - first.handler);
  const pushdownReads = third.pushdown - second.pushdown;
  return {
    orders,
    excluded: (orders * MIX.excluded) / 100,
    young: (orders * MIX.young) / 100,
    time: latency(times),
    rowsRead: handlerReads + pushdownReads,
    handlerReads,
    pushdownReads,
  };
}

async function sweepNothing(db: Connection): Promise<void> {
  const { outcome, cancelled } = await sweep(db);
  if (outcome !== 'completed' || cancelled !== 0) {
    throw new Error(`An idle sweep must find nothing, but was ${outcome} with ${cancelled} orders`);
  }
}

async function readCounters(db: Connection): Promise<{ handler: number; pushdown: number }> {
  const status = await select<{ Value: string }>(db, "SHOW SESSION STATUS LIKE 'Handler_read%'");
  const [attempts] = await select<{ count: string }>(
    db,
    "SELECT COUNT AS count FROM information_schema.innodb_metrics WHERE name = 'icp_attempts'",
  );
  return {
    handler: status.reduce((sum, { Value }) => sum + Number(Value), 0),
    pushdown: Number(attempts?.count),
  };
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
