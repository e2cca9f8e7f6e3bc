import type { Bench } from '../bench';
import type { BenchShop } from '../shop';
import { roundsFor } from '../sizes';
import { readState, requireSameState, type Scope } from '../state';
import { median } from '../statistics';
import { type VariantName, VARIANTS } from '../variants';
import { type CommitLatency, measureCommitLatency } from './commit-latency';

export interface Throughput {
  readonly variant: VariantName;
  readonly backlog: number;
  /** Orders per second: the median, and each round. */
  readonly perSecond: number;
  readonly rounds: readonly number[];
}

export interface ThroughputResult {
  readonly rows: readonly Throughput[];
  /** What a commit costs here: the application's loop and the cursor wait for little else. */
  readonly commit: CommitLatency;
  readonly sameState: readonly string[];
}

export const DUE_ONLY = { due: 1 };

/** Orders cancelled per second. Round by round each variant has its turn, so that a noisy machine hits all alike. */
export async function measureThroughput(bench: Bench): Promise<ThroughputResult> {
  const { sizes } = bench;
  const measured = new Map<string, number[]>();
  const note = (variant: VariantName, backlog: number, perSecond: number) => {
    const key = `${variant} ${backlog}`;
    measured.set(key, [...(measured.get(key) ?? []), perSecond]);
  };
  const sameState = new Set<string>();
  const commits: CommitLatency[] = [];

  for (let round = 1; round <= sizes.rounds; round += 1) {
    commits.push(await measureCommitLatency(bench));
    for (const line of await orderByOrderRound(bench, round, note)) sameState.add(line);
    for (const backlog of sizes.backlogs) {
      if (round > roundsFor(backlog, sizes.rounds)) continue;
      for (const line of await setRound(bench, round, backlog, note)) sameState.add(line);
    }
  }
  return {
    rows: [...measured].map(([key, rounds]) => {
      const [variant, backlog] = key.split(' ') as [VariantName, string];
      return { variant, backlog: Number(backlog), perSecond: median(rounds), rounds };
    }),
    commit: {
      commitMs: median(commits.map(({ commitMs }) => commitMs)),
      roundTripMs: median(commits.map(({ roundTripMs }) => roundTripMs)),
      syncMs: median(commits.map(({ syncMs }) => syncMs)),
    },
    sameState: [...sameState],
  };
}

type Note = (variant: VariantName, backlog: number, perSecond: number) => void;

/** The two variants that go order by order, each against an engine that ran on the same shop. */
async function orderByOrderRound(bench: Bench, round: number, note: Note): Promise<string[]> {
  const backlog = bench.sizes.smallBacklog;
  const engine = await bench.shop('engine');
  const shop = await bench.shop('order_by_order');
  await engine.refill(backlog, DUE_ONLY);
  await VARIANTS.engine.run(engine.db);

  const lines: string[] = [];
  const compared = [
    ['application', 'one coupon'],
    ['cursor', 'shop'],
  ] as const satisfies readonly (readonly [VariantName, Scope])[];
  for (const [variant, scope] of compared) {
    await shop.refill(backlog, DUE_ONLY);
    note(variant, backlog, await timeRun(bench, round, variant, shop, backlog));
    lines.push(await compare(engine, shop, variant, scope, backlog));
  }
  return lines;
}

/** The engine and the floor; who goes first changes from round to round, once the floor knows what to write. */
async function setRound(
  bench: Bench,
  round: number,
  backlog: number,
  note: Note,
): Promise<string[]> {
  const engine = await bench.shop('engine');
  const floor = await bench.shop('floor');
  await engine.refill(backlog, DUE_ONLY);
  await floor.refill(backlog, DUE_ONLY);

  const runEngine = async () => {
    note('engine', backlog, await timeRun(bench, round, 'engine', engine, backlog));
  };
  const runFloor = async () => {
    note('floor', backlog, await timeRun(bench, round, 'floor', floor, backlog));
  };
  const floorKnows = answersFor.get(floor) === backlog;
  if (floorKnows && round % 2 === 0) {
    await runFloor();
    await runEngine();
  } else {
    await runEngine();
    if (!floorKnows) await floor.run('floor_answers.sql');
    answersFor.set(floor, backlog);
    await runFloor();
  }
  return [await compare(engine, floor, 'floor', 'journal', backlog)];
}

/** For which backlog a floor has its answers. */
const answersFor = new WeakMap<BenchShop, number>();

async function timeRun(
  bench: Bench,
  round: number,
  name: VariantName,
  shop: BenchShop,
  backlog: number,
): Promise<number> {
  const variant = VARIANTS[name];
  await variant.prepare(shop);
  const startedAt = performance.now();
  await variant.run(shop.db);
  const perSecond = (backlog / (performance.now() - startedAt)) * 1000;
  bench.progress(
    `throughput, round ${round}: ${variant.label}, ${backlog} orders: ${Math.round(perSecond)}/s`,
  );
  return perSecond;
}

async function compare(
  engine: BenchShop,
  other: BenchShop,
  variant: VariantName,
  scope: Scope,
  backlog: number,
): Promise<string> {
  const between = `The engine and "${VARIANTS[variant].label}", ${backlog} orders,`;
  requireSameState(await readState(engine, scope), await readState(other, scope), between);
  return `${variant}, ${backlog} orders: ${SCOPES[scope]}`;
}

const SCOPES: Readonly<Record<Scope, string>> = {
  journal: "the shop's tables and the journal as the engine's",
  shop: "the shop's tables as the engine's",
  'one coupon':
    "the shop's tables as the engine's, but for the coupons of orders that have two: it knows one",
};
