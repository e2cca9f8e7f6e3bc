import { describe, expect, test } from 'vitest';
import { toChart } from '../../scripts/dev/bench/chart';
import { median, percentile } from '../../scripts/dev/bench/measure';
import { figures, intoPage, type Report } from '../../scripts/dev/bench/report';
import { atLeast, atMost, atMostMs, exitCodeOf, failures } from '../../scripts/dev/bench/section';

describe('statistics', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

  test.each([
    ['the median of one', median([3]), 3],
    ['the median of three', median([9, 1, 5]), 5],
    ['the median of four', median([4, 1, 3, 2]), 2.5],
    ['the median of none', median([]), NaN],
    ['the 99th percentile of 1 to 100', percentile(hundred, 0.99), 99],
    ['a percentile of none', percentile([], 0.5), NaN],
  ])('%s', (_, found, expected) => {
    expect(found).toBe(expected);
  });

  test.each([
    [12_345.6, '12,346'],
    [27.44, '27.4'],
    [0.714, '0.714'],
    [0, '0'],
  ])('%d is written %s', (value, text) => {
    expect(figures(value)).toBe(text);
  });
});

describe('ratios', () => {
  test.each([
    [atLeast('', 0.6, 0.6), 'reached'],
    [atLeast('', 0.5, 0.6), 'missed'],
    [atLeast('', 0.41, 0.6), 'missed by far'],
    [atLeast('', NaN, 0.6), 'missed by far'],
    [atMost('', 100, 100, 'rows'), 'reached'],
    [atMost('', 129, 100, 'rows'), 'missed'],
    [atMost('', 131, 100, 'rows'), 'missed by far'],
  ])('%j is %s', (ratio, verdict) => {
    expect(ratio.verdict).toBe(verdict);
  });

  test('only what is missed by far fails the bench, unless the recorded run was as far off', () => {
    const slow = atLeast('speed', 0.3, 0.6);
    expect(failures([atLeast('speed', 0.5, 0.6)], [])).toEqual([]);
    expect(failures([slow], [])).toEqual([slow]);
    expect(failures([slow], [atLeast('speed', 0.42, 0.6)])).toEqual([]);
    expect(failures([slow], [atLeast('speed', 0.44, 0.6)])).toEqual([slow]);
    expect(failures([slow], [atLeast('another speed', 0.3, 0.6)])).toEqual([slow]);
  });

  test("milliseconds are compared by the machine's pace: what took a yardstick of 0.1 then takes one of 0.2 now", () => {
    const recorded = [atMostMs('an idle tick', 2, 1, 0.1)];
    expect(failures([atMostMs('an idle tick', 5, 1, 0.2)], recorded)).toEqual([]);
    const slow = atMostMs('an idle tick', 5, 1, 0.1);
    expect(failures([slow], recorded)).toEqual([slow]);
  });

  test('what no noise explains, such as one payment that fails, is told apart', () => {
    const failed = atMost('payments that failed', 1, 0, 'failures');
    expect(failures([failed], [])).toEqual([failed]);
    expect(exitCodeOf([])).toBe(0);
    expect(exitCodeOf([atLeast('', 0.3, 0.6)])).toBe(3);
    expect(exitCodeOf([failed])).toBe(1);
    expect(exitCodeOf([atLeast('', 0.3, 0.6), atMost('', 1000, 100, 'rows')])).toBe(1);
  });
});

const REPORT: Report = {
  startedAt: '2026-01-31T12:00:00.000Z',
  durationSeconds: 1,
  surroundings: { cpu: 'A CPU, 2 cores' },
  sections: [
    {
      title: 'Throughput',
      head: ['', 'orders/s'],
      rows: [['this engine', 12_345]],
      ratios: [atLeast('engine against floor', 0.777, 0.75)],
      bars: { unit: 'orders/s', values: [['10,000 due', 12_345]] },
    },
  ],
};

test('the chart is an SVG with the figures in it', () => {
  const svg = toChart(REPORT);
  expect(svg).toMatch(/^<svg [^]*<\/svg>$/);
  for (const text of ['A CPU, 2 cores', '12,345', '10,000 due']) expect(svg).toContain(text);
});

test('the page gets the figures between its marks and keeps the rest', () => {
  const page = 'Before\n<!-- bench: written by npm run bench -->\nold\n<!-- end -->\nAfter\n';
  const filled = intoPage(page, REPORT);

  expect(filled).toMatch(/^Before\n<!-- bench[^]*<!-- end -->\nAfter\n$/);
  expect(filled).toContain('| engine against floor | 0.777 × | at least 0.75 |');
  expect(filled).toContain('| this engine | 12,345 |');
  expect(filled).not.toContain('old');
  expect(() => intoPage('no marks', REPORT)).toThrow('no place');
});
