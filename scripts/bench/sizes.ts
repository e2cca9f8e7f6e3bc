export const PARTS = [
  'throughput',
  'idle',
  'growth',
  'single',
  'neighbours',
  'statements',
] as const;
export type Part = (typeof PARTS)[number];

/** How much is measured. Numbers of orders, unless they say otherwise. */
export interface Sizes {
  /** Rounds of each part; a median is taken over them. */
  readonly rounds: number;
  /** Backlogs for the engine and the floor; the first one is the one that ratios are about. */
  readonly backlogs: readonly number[];
  /** For the two variants that go order by order. */
  readonly smallBacklog: number;
  /** The shop of the idle part. */
  readonly idleShop: number;
  readonly growingBacklogs: readonly number[];
  readonly growingShops: readonly number[];
  readonly singleCalls: number;
  /** What drains while the neighbours work. */
  readonly neighboursBacklog: number;
  /** How long the neighbours work alone, in each round. */
  readonly aloneSeconds: number;
  readonly statementsBacklog: number;
}

export const FULL: Sizes = {
  rounds: 5,
  backlogs: [30_000, 300_000],
  smallBacklog: 3_000,
  idleShop: 2_000_000,
  growingBacklogs: [10_000, 100_000, 1_000_000],
  growingShops: [100_000, 1_000_000, 5_000_000],
  singleCalls: 2_000,
  neighboursBacklog: 100_000,
  aloneSeconds: 10,
  statementsBacklog: 30_000,
};

/** For CI: under three minutes. */
export const QUICK: Sizes = {
  rounds: 3,
  backlogs: [30_000],
  smallBacklog: 400,
  idleShop: 200_000,
  growingBacklogs: [5_000, 30_000],
  growingShops: [100_000],
  singleCalls: 1_000,
  neighboursBacklog: 30_000,
  aloneSeconds: 4,
  statementsBacklog: 10_000,
};

/** The larger the size, the fewer the rounds: the largest ones are long enough to be steady. */
export function roundsFor(size: number, rounds: number): number {
  if (size >= 1_000_000) return 1;
  return size >= 100_000 ? Math.min(rounds, 3) : rounds;
}
