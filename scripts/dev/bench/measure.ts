import type { Connection } from 'mysql2/promise';
import { select } from '../../deploy/connection';

export { select };

/** The number that the share of all lies at or below, by the nearest rank: `percentile(times, 0.99)`. NaN for none. */
export function percentile(numbers: readonly number[], share: number): number {
  const rank = Math.ceil(share * numbers.length);
  return sorted(numbers)[Math.max(rank, 1) - 1] ?? NaN;
}

/** The middle one, or the mean of the two in the middle. NaN for none. */
export function median(numbers: readonly number[]): number {
  const inOrder = sorted(numbers);
  const low = inOrder[Math.ceil(numbers.length / 2) - 1] ?? NaN;
  const high = inOrder[Math.floor(numbers.length / 2)] ?? NaN;
  return (low + high) / 2;
}

function sorted(numbers: readonly number[]): number[] {
  return [...numbers].sort((one, other) => one - other);
}

/** In milliseconds: on the clock, and of the server's CPU for the session's statements. */
export interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

/** `admin` asks what the session of `db` has used: asking costs too. */
export async function costOf(
  admin: Connection,
  db: Connection,
  work: () => Promise<unknown>,
): Promise<Cost> {
  const before = await cpuOf(admin, db);
  const startedAt = performance.now();
  await work();
  const wall = performance.now() - startedAt;
  return { wall, cpu: (await cpuOf(admin, db)) - before };
}

/** A CALL's time has that of the statements in it, so only the outermost count. */
async function cpuOf(admin: Connection, db: Connection): Promise<number> {
  const [row] = await select<{ ms: string }>(
    admin,
    `SELECT SUM(sum_cpu_time) / 1e9 AS ms
       FROM performance_schema.events_statements_summary_by_thread_by_event_name
      WHERE thread_id = PS_THREAD_ID(?) AND event_name LIKE 'statement/sql/%'`,
    [db.threadId],
  );
  return Number(row?.ms);
}

/** Orders per second, of costs per 1,000 orders: the median. */
export const perSecond = (costs: readonly Cost[]) => 1e6 / median(costs.map(({ wall }) => wall));
export const cpuOfAll = (costs: readonly Cost[]) => median(costs.map(({ cpu }) => cpu));

/** Keeps one core of the server busy, and touches no table. */
export async function compute(db: Connection, seconds: number): Promise<void> {
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) await db.query("DO BENCHMARK(100000, SHA2('order', 256))");
}
