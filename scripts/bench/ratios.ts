import type { Ratio, Results } from './results';
import type { Throughput } from './parts/throughput';
import type { VariantName } from './variants';

/** By how much a limit may be missed before the bench fails: machines are noisy. */
const TOLERANCE = 0.3;

/** The ratios that this run can tell. */
export function readRatios(results: Results): Ratio[] {
  return [
    ...throughputRatios(results),
    ...growthRatios(results),
    ...tickRatios(results),
    ...singleRatios(results),
    ...neighbourRatios(results),
  ];
}

/** 0: none is missed by far. 3: a speed is, and a busy machine may be to blame. 1: what no noise explains. */
export function exitCodeOf(ratios: readonly Ratio[]): 0 | 1 | 3 {
  const missed = ratios.filter(({ verdict }) => verdict === 'missed by far');
  if (missed.length === 0) return 0;
  return missed.every(({ unit }) => unit === '×') ? 3 : 1;
}

/** `tolerance`: 0 for what must hold on any machine. */
export function ratio(given: Omit<Ratio, 'verdict'>, tolerance: number = TOLERANCE): Ratio {
  const { value, limit, direction } = given;
  const isAtLeast = direction === 'at least';
  const reaches = (bound: number) => (isAtLeast ? value >= bound : value <= bound);
  const tolerated = limit * (isAtLeast ? 1 - tolerance : 1 + tolerance);
  return {
    ...given,
    verdict: reaches(limit) ? 'reached' : reaches(tolerated) ? 'missed' : 'missed by far',
  };
}

function throughputRatios({ throughput }: Results): Ratio[] {
  if (throughput === undefined) return [];
  const find = (variant: VariantName) => throughput.rows.filter((row) => row.variant === variant);
  const [application] = find('application');
  const engines = find('engine');
  const [engine] = engines;
  if (application === undefined || engine === undefined) return [];
  return [
    ratio({
      name: `(c) engine against (a) application (${application.backlog} orders; it hangs on the disk: a commit takes ${throughput.commit.commitMs.toFixed(2)} ms)`,
      value: engine.perSecond / application.perSecond,
      limit: 25,
      direction: 'at least',
      unit: '×',
    }),
    ...engines.flatMap(({ backlog, perSecond }) =>
      find('floor')
        .filter((floor) => floor.backlog === backlog)
        .map((floor) =>
          ratio({
            name: `(c) engine against (d) floor, ${backlog} orders`,
            value: perSecond / floor.perSecond,
            limit: 0.6,
            direction: 'at least',
            unit: '×',
          }),
        ),
    ),
  ];
}

function growthRatios({ growth = [] }: Results): Ratio[] {
  const bySize = [...growth].sort((one: Throughput, other) => one.backlog - other.backlog);
  const smallest = bySize[0];
  const largest = bySize.at(-1);
  if (smallest === undefined || largest === undefined || smallest === largest) return [];
  return [
    ratio({
      name: `throughput at ${largest.backlog} due against ${smallest.backlog} due`,
      value: largest.perSecond / smallest.perSecond,
      limit: 0.8,
      direction: 'at least',
      unit: '×',
    }),
  ];
}

function tickRatios({ ticks = [] }: Results): Ratio[] {
  if (ticks.length === 0) return [];
  const sizes = ticks.map(({ orders }) => orders);
  return [
    ratio({
      name: `rows read by an idle tick, pushdown included, ${sizes.join(', ')} orders in the shop: the most`,
      value: Math.max(...ticks.map(({ rowsRead }) => rowsRead)),
      limit: 100,
      direction: 'at most',
      unit: 'rows',
    }),
  ];
}

function singleRatios({ single }: Results): Ratio[] {
  if (single === undefined) return [];
  return [
    ratio({
      name: "single call, p50 against (b)'s body for one order",
      value: single.engine.p50 / single.handWritten.p50,
      limit: 1.5,
      direction: 'at most',
      unit: '×',
    }),
  ];
}

function neighbourRatios({ neighbours }: Results): Ratio[] {
  if (neighbours === undefined) return [];
  const { alone, draining, backlog, paymentsP99Ratio } = neighbours;
  return [
    ratio({
      name: `payments' p99 while ${backlog} orders drain against alone`,
      value: paymentsP99Ratio,
      limit: 3,
      direction: 'at most',
      unit: '×',
    }),
    ratio(
      {
        name: 'payments that failed',
        value: alone.failedPayments + draining.failedPayments,
        limit: 0,
        direction: 'at most',
        unit: 'payments',
      },
      0,
    ),
  ];
}
