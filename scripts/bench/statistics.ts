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

/** What a person wants to know of many times. In milliseconds. */
export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function latency(times: readonly number[]): Latency {
  return {
    count: times.length,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    max: times.length === 0 ? NaN : times.reduce((one, other) => Math.max(one, other)),
  };
}
