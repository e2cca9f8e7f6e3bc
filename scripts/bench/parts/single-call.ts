import type { Connection } from 'mysql2/promise';
import type { Bench } from '../bench';
import { select } from '../server';
import { latency, type Latency } from '../statistics';
import { DUE_ONLY } from './throughput';

export interface SingleCallResult {
  readonly engine: Latency;
  /** The cursor variant's body for one order. */
  readonly handWritten: Latency;
}

const WARM_UP = 50;

/** One order, one call: `cancel_expired_order()` and the hand-written procedure by turns, on the same orders. */
export async function measureSingleCalls(bench: Bench): Promise<SingleCallResult> {
  const engine = await bench.shop('engine');
  const handWritten = await bench.shop('order_by_order');
  const calls = bench.sizes.singleCalls + WARM_UP;
  for (const shop of [engine, handWritten]) await shop.refill(calls, DUE_ONLY);
  await handWritten.run('cursor.sql');

  const times = { engine: [] as number[], handWritten: [] as number[] };
  for (let orderId = 1; orderId <= calls; orderId += 1) {
    times.engine.push(await timeCall(engine.db, 'cancel_expired_order', orderId));
    times.handWritten.push(await timeCall(handWritten.db, 'bench_cancel_one', orderId));
  }
  const result = {
    engine: latency(times.engine.slice(WARM_UP)),
    handWritten: latency(times.handWritten.slice(WARM_UP)),
  };
  bench.progress(
    `single call: p50 ${result.engine.p50.toFixed(2)} ms, hand-written ${result.handWritten.p50.toFixed(2)} ms`,
  );
  return result;
}

async function timeCall(db: Connection, procedure: string, orderId: number): Promise<number> {
  const startedAt = performance.now();
  const [rows] = await select<{ outcome: string }[]>(db, `CALL ${procedure}(?)`, [orderId]);
  const time = performance.now() - startedAt;
  const outcome = rows?.[0]?.outcome;
  if (outcome !== 'cancelled') {
    throw new Error(`${procedure}(${orderId}) must cancel, but was ${outcome ?? 'without a row'}`);
  }
  return time;
}
