import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';

export const PARTS = [
  'call',
  'neighbour',
  'throughput',
  'growth',
  'shops',
  'checkouts',
  'idle',
  'statements',
] as const;
export type Part = (typeof PARTS)[number];

/** How much is measured. Numbers of orders, unless they say otherwise. */
export interface Sizes {
  /** Of each part; medians are taken over them. */
  readonly rounds: number;
  /** What the engine and the floor cancel, and what the application's loop does. */
  readonly backlog: number;
  readonly loopBacklog: number;
  readonly growingBacklogs: readonly number[];
  readonly growingShops: readonly number[];
  readonly calls: number;
  /** What drains while the neighbour pays, and how long he pays alone. */
  readonly drained: number;
  readonly aloneSeconds: number;
  /** Of the engine; undefined: as deployed. */
  readonly batchSize: number | undefined;
}

const FULL: Sizes = {
  rounds: 5,
  backlog: 30_000,
  loopBacklog: 3_000,
  growingBacklogs: [10_000, 100_000, 1_000_000],
  growingShops: [100_000, 1_000_000, 5_000_000],
  calls: 2_000,
  drained: 100_000,
  aloneSeconds: 10,
  batchSize: undefined,
};

const QUICK: Sizes = {
  ...FULL,
  rounds: 3,
  loopBacklog: 400,
  growingBacklogs: [5_000, 30_000],
  growingShops: [200_000],
  calls: 1_000,
  drained: 30_000,
  aloneSeconds: 4,
};

export interface BenchOptions {
  readonly parts: readonly Part[];
  readonly sizes: Sizes;
  /** Writes docs/bench.json, docs/bench.svg and the table in docs/performance.md. */
  readonly writesDocs: boolean;
  readonly json: string | undefined;
}

export const DOCS = join(__dirname, '../../../docs');

const HELP = `
Parts:
  call         one order, one call, against a hand-written procedure; a repeated call
  neighbour    payments alone and while a backlog drains, and what the size of a batch costs
  throughput   orders per second: the engine, the floor (the same rows, nothing checked), a loop in the application
  growth       the same as the backlog grows
  shops        the same in each example shop: built-in, litemall, mall
  checkouts    customers of the litemall shop, alone and while a backlog with stock drains
  idle         a sweep that finds nothing: time and rows read as the shop grows, and behind 10,000 orders it leaves
  statements   where the time of a sweep goes, statement by statement

CPU times are performance_schema's, of the session's own statements. The server is MYSQL_URL's, a container or
a private mysqld, in this order; all that the bench makes on it is dropped.
A ratio fails that is 30 % off its goal and 30 % worse than in docs/bench.json. Exits with 3 when a speed fails;
with 1 when a payment fails, end states differ, or an idle sweep reads too much.

Examples:
  npm run bench                                     all parts; writes docs/bench.json, bench.svg and the table
  npm run bench -- --quick                          about eleven minutes on two cores, for CI
  npm run bench -- --only throughput --orders 30000 --rounds 3
  npm run bench -- --only neighbour --batch-size 250
  npm run bench -- --only statements`;

/** Reads the command line. Ends the process on --help and on an option that is not understood. */
export function readOptions(argv: readonly string[]): BenchOptions {
  const command = new Command('npm run bench --')
    .description('Measures order-timeout, on a real MySQL. Ratios are the result.')
    .option('--quick', 'smaller sizes, fewer rounds')
    .addOption(new Option('--only <part...>', 'these parts only').choices(PARTS))
    .option('--rounds <number>', 'medians of so many rounds', positiveInteger)
    .option(
      '--orders <number>',
      'due orders for throughput, neighbour and statements',
      positiveInteger,
    )
    .option('--batch-size <number>', "the engine's setting", positiveInteger)
    .option('--record', 'writes docs also of a quick run')
    .option('--json <file>', 'where the results go as JSON')
    .addHelpText('after', HELP)
    .parse([...argv]);
  const { quick = false, record = false, only, rounds, orders, batchSize, json } = command.opts();
  const sizes = quick ? QUICK : FULL;
  return {
    parts: only ?? (quick ? PARTS.filter((part) => part !== 'statements') : PARTS),
    sizes: {
      ...sizes,
      rounds: rounds ?? sizes.rounds,
      backlog: orders ?? sizes.backlog,
      loopBacklog: orders === undefined ? sizes.loopBacklog : Math.ceil(orders / 100),
      drained: orders ?? sizes.drained,
      batchSize,
    },
    writesDocs: record || (!quick && only === undefined && batchSize === undefined),
    json,
  };
}

function positiveInteger(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a positive integer.');
  return Number(text);
}
