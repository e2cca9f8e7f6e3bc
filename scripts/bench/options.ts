import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { FULL, type Part, PARTS, QUICK, type Sizes } from './sizes';

export interface BenchOptions {
  readonly parts: readonly Part[];
  readonly sizes: Sizes;
  /** Where the results go; undefined: nowhere. */
  readonly json: string | undefined;
  readonly svg: string | undefined;
}

const DOCS = join(__dirname, '..', '..', 'docs');

const HELP = `
Parts:
  throughput   orders per second: a loop in the application, a cursor, this engine, and the floor
  idle         time and rows read of a sweep that finds nothing, in a large shop
  growth       throughput and idle sweeps as the backlog and the shop grow
  single       one order, one call, against a hand-written procedure
  neighbours   payments and new orders, alone and while a backlog drains
  statements   where the time of a sweep goes, statement by statement

The server is MYSQL_URL's, a container or a private mysqld, in this order. On a given server nothing
global is changed but what InnoDB and performance_schema watch, and all that the bench makes is dropped.
Exits with 3 when a speed is missed by more than 30 %; with 1 when a payment fails, end states differ,
or an idle sweep reads too much.

Examples:
  npm run bench                                     all parts, about 12 minutes; writes docs/bench.json and .svg
  npm run bench -- --quick                          under three minutes, for CI
  npm run bench -- --only throughput --rounds 9
  npm run bench -- --only statements`;

/** Reads the command line. Ends the process on --help and on an option that is not understood. */
export function readOptions(argv: readonly string[]): BenchOptions {
  const command = new Command('npm run bench --')
    .description('Measures order-timeout, on a real MySQL. Ratios are the result.')
    .option('--quick', 'smaller sizes, fewer rounds')
    .addOption(new Option('--only <part...>', 'these parts only').choices(PARTS))
    .option('--rounds <number>', 'medians of so many rounds', positiveInteger)
    .option('--json <file>', 'where the results go as JSON (full run: docs/bench.json)')
    .option('--svg <file>', 'where the chart goes (full run: docs/bench.svg)')
    .addHelpText('after', HELP)
    .parse([...argv]);
  const { quick = false, only, rounds, json, svg } = command.opts();
  const sizes = quick ? QUICK : FULL;
  const isComplete = !quick && only === undefined;
  return {
    parts: only ?? (quick ? PARTS.filter((part) => part !== 'statements') : PARTS),
    sizes: { ...sizes, rounds: rounds ?? sizes.rounds },
    json: json ?? (isComplete ? join(DOCS, 'bench.json') : undefined),
    svg: svg ?? (isComplete ? join(DOCS, 'bench.svg') : undefined),
  };
}

function positiveInteger(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a positive integer.');
  return Number(text);
}
