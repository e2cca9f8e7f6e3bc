import { describe, expect, test } from 'vitest';
import { exitCodeOf, ratio, readRatios } from '../../scripts/bench/ratios';
import { toChart } from '../../scripts/bench/report/chart';
import type { Report } from '../../scripts/bench/results';
import { latency, median, percentile } from '../../scripts/bench/statistics';

describe('statistics', () => {
  test.each([
    [[3], 3],
    [[9, 1, 5], 5],
    [[4, 1, 3, 2], 2.5],
  ])('the median of %j is %d', (numbers, expected) => {
    expect(median(numbers)).toBe(expected);
  });

  test('the 99th percentile of 1 to 100 is 99', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

    expect(percentile(hundred, 0.99)).toBe(99);
    expect(latency(hundred)).toEqual({ count: 100, p50: 50, p99: 99, max: 100 });
  });

  test('of nothing there is no figure', () => {
    expect([median([]), percentile([], 0.5), latency([]).max]).toEqual([NaN, NaN, NaN]);
  });
});

describe('ratios', () => {
  const atLeast = { name: '', limit: 0.6, direction: 'at least', unit: '×' } as const;
  const atMost = { name: '', limit: 100, direction: 'at most', unit: 'rows' } as const;

  test.each([
    [{ ...atLeast, value: 0.6 }, 'reached'],
    [{ ...atLeast, value: 0.5 }, 'missed'],
    [{ ...atLeast, value: 0.41 }, 'missed by far'],
    [{ ...atLeast, value: NaN }, 'missed by far'],
    [{ ...atMost, value: 100 }, 'reached'],
    [{ ...atMost, value: 129 }, 'missed'],
    [{ ...atMost, value: 131 }, 'missed by far'],
  ])('%j is %s', (given, verdict) => {
    expect(ratio(given).verdict).toBe(verdict);
  });

  test('only a ratio that is missed by far fails the bench', () => {
    expect(exitCodeOf([ratio({ ...atLeast, value: 0.5 })])).toBe(0);
    expect(exitCodeOf([ratio({ ...atLeast, value: 0.3 })])).toBe(3);
  });

  test('what no noise explains is told apart', () => {
    const tooSlow = ratio({ ...atLeast, value: 0.3 });
    const tooManyRows = ratio({ ...atMost, value: 1000 });
    expect(exitCodeOf([tooSlow, tooManyRows])).toBe(1);
  });

  test('one payment that fails is one too many', () => {
    const neighbour = { ...latencies, failedPayments: 0, failures: [], ...noLocks };
    const ratios = readRatios({
      neighbours: {
        backlog: 1,
        alone: neighbour,
        draining: { ...neighbour, failedPayments: 1 },
        paymentsP99Ratio: 1,
        ratios: [1],
        drainPerSecond: 1,
      },
    });

    expect(exitCodeOf(ratios)).toBe(1);
  });

  test('a part that did not run has no ratio', () => {
    expect(readRatios({})).toEqual([]);
  });
});

const some = latency([1, 2, 3]);
const latencies = { payments: some, creations: some };
const noLocks = { deadlocks: 0, lockTimeouts: 0, lockWaits: 0 };

test('the chart is an SVG with the figures in it', () => {
  const report: Report = {
    startedAt: '2026-01-31T12:00:00.000Z',
    durationSeconds: 1,
    surroundings: { cpu: 'A CPU', cores: 2, memoryGib: 4, node: '', server: '', settings: {} },
    results: {
      growth: [{ variant: 'engine', backlog: 10_000, perSecond: 12_300, rounds: [12_300] }],
    },
    ratios: [],
  };

  const svg = toChart(report);
  expect(svg).toMatch(/^<svg [^]*<\/svg>$/);
  for (const text of ['A CPU, 2 cores', '12,300', '10,000 due']) expect(svg).toContain(text);
});
