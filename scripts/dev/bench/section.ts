/** What a part of the bench found out: a table, remarks, and the ratios that must be reached. */
export interface Section {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  readonly notes?: readonly string[];
  readonly ratios: readonly Ratio[];
  /** For the chart: a value with its name, in this unit. */
  readonly bars?: {
    readonly unit: string;
    readonly values: readonly (readonly [string, number])[];
  };
}

export interface Ratio {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly direction: 'at least' | 'at most';
  /** A speed (×) hangs on the machine's peace; the others do not. */
  readonly unit: '×' | 'rows' | 'ms' | 'failures';
  /** Of milliseconds: how many the same small piece of work took in this run. Machines differ. */
  readonly yardstick?: number;
  readonly verdict: 'reached' | 'missed' | 'missed by far';
}

/** By how much a limit, or what was recorded, may be missed before the bench fails: machines are noisy. */
const TOLERANCE = 0.3;

export const atLeast = (name: string, value: number, limit: number): Ratio =>
  judge({ name, value, limit, direction: 'at least', unit: '×' });

export const atMost = (
  name: string,
  value: number,
  limit: number,
  unit: Ratio['unit'] = '×',
): Ratio => judge({ name, value, limit, direction: 'at most', unit });

/** Milliseconds, and what the yardstick took: so they can be compared with another machine's. */
export const atMostMs = (name: string, value: number, limit: number, yardstick: number): Ratio =>
  judge({ name, value, limit, direction: 'at most', unit: 'ms', yardstick });

function judge(ratio: Omit<Ratio, 'verdict'>): Ratio {
  const verdict = reaches(ratio, ratio.limit)
    ? 'reached'
    : reaches(ratio, tolerated(ratio, ratio.limit))
      ? 'missed'
      : 'missed by far';
  return { ...ratio, verdict };
}

type Judged = Pick<Ratio, 'value' | 'direction' | 'unit'>;

const reaches = ({ value, direction }: Judged, bound: number) =>
  direction === 'at least' ? value >= bound : value <= bound;

function tolerated({ direction, unit }: Judged, bound: number): number {
  if (unit === 'failures') return bound;
  return bound * (direction === 'at least' ? 1 - TOLERANCE : 1 + TOLERANCE);
}

/**
 * What is missed by far, and is worse by far than in the recorded run: docs/performance.md says which goals that
 * run did not reach.
 */
export function failures(ratios: readonly Ratio[], recorded: readonly Ratio[]): Ratio[] {
  return ratios.filter((ratio) => {
    const before = recorded.find(({ name }) => name === ratio.name);
    return (
      ratio.verdict === 'missed by far' &&
      (before === undefined || !reaches(ratio, tolerated(ratio, asHere(before, ratio))))
    );
  });
}

/** What was recorded, in milliseconds of the machine of this run. */
function asHere(recorded: Ratio, { yardstick }: Ratio): number {
  if (yardstick === undefined || recorded.yardstick === undefined) return recorded.value;
  return recorded.value * (yardstick / recorded.yardstick);
}

/** 0: nothing failed. 3: a speed did, and a busy machine may be to blame. 1: what no noise explains. */
export function exitCodeOf(failed: readonly Ratio[]): 0 | 1 | 3 {
  if (failed.length === 0) return 0;
  return failed.every(({ unit }) => unit === '×' || unit === 'ms') ? 3 : 1;
}
