import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { compute, median, percentile, select } from './measure';
import { atMost, type Ratio, type Section } from './section';
import { type Bench, type BenchShop, sweepAll } from './shop';

/** What goes on beside the customers. */
const STRETCHES = {
  alone: 'alone',
  computing: 'beside a session that only computes',
  draining: 'during the drain',
};
type Stretch = keyof typeof STRETCHES;

/** What customers met in one stretch: times in milliseconds. */
interface Encounter extends Done {
  readonly lockWaits: number;
  /** How long the stretch was. */
  readonly seconds: number;
}

interface Done {
  readonly times: readonly number[];
  /** Error numbers, and "refused" for what was done and had no effect. */
  readonly failures: readonly string[];
}

export type Round = Readonly<Record<Stretch, Encounter>>;

/** Customers of one kind, who are at work until told to stop. */
type Customers = (isOver: () => boolean) => readonly Promise<Done>[];

/** Has customers at work while each of the three goes on. Two kinds of them: the first are those that count. */
export async function meet(
  bench: Bench,
  shop: BenchShop,
  name: string,
  customers: Customers,
  others: Customers = () => [],
): Promise<[Round, Round]> {
  const { admin, sizes, progress } = bench;
  const stretch = async (until: () => Promise<unknown>): Promise<[Encounter, Encounter]> => {
    let isOver = false;
    const [waitsBefore, startedAt] = [await lockWaits(admin), performance.now()];
    const atWork = Promise.all(
      [customers, others].map((start) => Promise.all(start(() => isOver))),
    );
    try {
      await Promise.race([until(), atWork]);
    } finally {
      isOver = true;
    }
    const seconds = (performance.now() - startedAt) / 1000;
    const done = await atWork;
    const around = { lockWaits: (await lockWaits(admin)) - waitsBefore, seconds };
    return [
      { ...together(done[0] ?? []), ...around },
      { ...together(done[1] ?? []), ...around },
    ];
  };
  const alone = await stretch(() => sleep(sizes.aloneSeconds * 1000));
  const computing = await stretch(() => compute(shop.db, sizes.aloneSeconds));
  const draining = await stretch(() => sweepAll(shop.db));
  const [met, metByOthers] = [0, 1].map((nth) => ({
    alone: alone[nth],
    computing: computing[nth],
    draining: draining[nth],
  })) as [Round, Round];
  progress(
    `${name}: p99 ${p99(met.alone).toFixed(1)} ms alone, ${p99(met.computing).toFixed(1)} ms beside a session that computes, ` +
      `${p99(met.draining).toFixed(1)} ms while ${sizes.drained} orders drain in ${met.draining.seconds.toFixed(1)} s`,
  );
  return [met, metByOthers];
}

async function lockWaits(admin: Connection): Promise<number> {
  const [row] = await select<{ count: string }>(
    admin,
    "SELECT COUNT AS count FROM information_schema.innodb_metrics WHERE name = 'lock_row_lock_waits'",
  );
  return Number(row?.count);
}

const together = (done: readonly Done[]): Done => ({
  times: done.flatMap(({ times }) => times),
  failures: done.flatMap(({ failures }) => failures),
});

export const p99 = ({ times }: Done) => percentile(times, 0.99);

/** All that was met in one stretch, in whatever round. */
export const allOf = (rounds: readonly Round[], stretch: Stretch) =>
  together(rounds.map((round) => round[stretch]));

/** The columns of a table of times, and its rows: one for each stretch. */
export const TIMES_HEAD = ['', 'times', 'p50 ms', 'p99 ms', 'max ms'];

export const timesRows = (
  name: string,
  rounds: readonly Round[],
  stretches = Object.keys(STRETCHES) as Stretch[],
): Section['rows'] =>
  stretches.map((stretch) => {
    const { times } = allOf(rounds, stretch);
    const figures = [0.5, 0.99, 1].map((share) => percentile(times, share));
    return [`${name}, ${STRETCHES[stretch]}`, times.length, ...figures];
  });

export const failuresIn = (rounds: readonly Round[]) =>
  together(rounds.flatMap((round) => Object.values(round))).failures;

/** How many times as long the slowest take while a backlog drains: the median of the rounds. None may fail. */
export function customerRatios(
  name: string,
  rounds: readonly Round[],
  failures = failuresIn(rounds),
): Ratio[] {
  const against = (words: string, other: Stretch) =>
    atMost(
      `${name}' p99 during a drain against ${words}`,
      median(rounds.map((round) => p99(round.draining) / p99(round[other]))),
      1.5,
    );
  return [
    against('alone', 'alone'),
    against('a session that computes', 'computing'),
    atMost(`${name} that failed`, failures.length, 0, 'failures'),
  ];
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
): Promise<Done> {
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
