import type { Connection } from 'mysql2/promise';
import { type Cost, costOf, cpuOfAll, median, percentile, select } from '../measure';
import { atMost, type Section } from '../section';
import { type Bench, type BenchShop, DUE_ONLY } from '../shop';

const WARM_UP = 50;
/** Calls between two looks at the CPU. */
const BLOCK = 50;

/** A procedure, what it must answer, and what its calls took. */
interface Subject {
  readonly label: string;
  readonly db: Connection;
  readonly procedure: string;
  readonly outcome: string;
  readonly times: number[];
  /** Of one call, over each block. */
  readonly blocks: Cost[];
}

/** One order, one call: the engine's and the hand-written procedure by turns, on the same orders; then once more. */
export async function measureCalls(bench: Bench): Promise<Section> {
  const engine = await bench.shop('engine');
  const handWritten = await bench.shop('hand_written');
  const calls = bench.sizes.calls;
  for (const shop of [engine, handWritten]) await shop.refill(calls + WARM_UP, DUE_ONLY);
  await handWritten.run('hand_written.sql');

  const subject = (label: string, { db }: BenchShop, outcome: string): Subject => ({
    label,
    db,
    procedure: db === engine.db ? 'cancel_expired_order' : 'bench_cancel_one',
    outcome,
    times: [],
    blocks: [],
  });
  const ours = subject('CALL cancel_expired_order(?)', engine, 'cancelled');
  const theirs = subject('a hand-written procedure, without a journal', handWritten, 'cancelled');
  const pairs = [
    [ours, theirs],
    [
      subject('CALL cancel_expired_order(?) again: not_pending', engine, 'not_pending'),
      subject('the hand-written one again', handWritten, 'not_due'),
    ],
  ];
  for (const pair of pairs) {
    for (const one of pair) for (let id = 1; id <= WARM_UP; id += 1) await call(one, id);
    for (const one of pair) one.times.length = 0;
    for (let first = WARM_UP + 1; first <= WARM_UP + calls; first += BLOCK) {
      for (const one of pair) one.blocks.push(await callBlock(bench.admin, one, first));
    }
  }
  const cpu = ({ blocks }: Subject) => cpuOfAll(blocks);
  const wall = ({ times }: Subject) => median(times);
  bench.progress(
    `call: ${wall(ours).toFixed(2)} ms, hand-written ${wall(theirs).toFixed(2)} ms; ` +
      `CPU ${cpu(ours).toFixed(2)} and ${cpu(theirs).toFixed(2)} ms`,
  );
  return {
    title: 'One order, one call',
    head: ['', 'calls', 'p50 ms', 'p99 ms', 'CPU ms'],
    rows: pairs
      .flat()
      .map((one) => [
        one.label,
        one.times.length,
        wall(one),
        percentile(one.times, 0.99),
        cpu(one),
      ]),
    ratios: [
      atMost('single call against the hand-written one, p50', wall(ours) / wall(theirs), 1.45),
      atMost('single call against the hand-written one, CPU', cpu(ours) / cpu(theirs), 1.45),
    ],
  };
}

async function callBlock(admin: Connection, one: Subject, first: number): Promise<Cost> {
  const { wall, cpu } = await costOf(admin, one.db, async () => {
    for (let id = first; id < first + BLOCK; id += 1) await call(one, id);
  });
  return { wall: wall / BLOCK, cpu: cpu / BLOCK };
}

async function call({ db, procedure, outcome, times }: Subject, orderId: number): Promise<void> {
  const startedAt = performance.now();
  const [rows] = await select<{ outcome: string }[]>(db, `CALL ${procedure}(?)`, [orderId]);
  times.push(performance.now() - startedAt);
  if (rows?.[0]?.outcome !== outcome)
    throw new Error(
      `${procedure}(${orderId}) must say ${outcome}, but said ${rows?.[0]?.outcome ?? 'nothing'}`,
    );
}
