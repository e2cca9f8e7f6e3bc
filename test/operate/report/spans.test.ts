import { expect, test } from 'vitest';
import { spanNames, unitOf } from '../../../scripts/operate/report/history';

test('up to three days are shown by the hour, more by the day', () => {
  const from = new Date('2026-01-01T00:00:00Z');
  expect(unitOf(from, new Date('2026-01-04T00:00:00Z'))).toBe('hour');
  expect(unitOf(from, new Date('2026-01-04T00:00:01Z'))).toBe('day');
});

test('spans are the whole days or hours of the shop, with none left out', () => {
  expect(spanNames('2026-02-27 20:00:00.000', '2026-03-02 00:00:00.000', 'day')).toEqual([
    '2026-02-27',
    '2026-02-28',
    '2026-03-01',
  ]);
  expect(spanNames('2026-01-31 22:30:00.000', '2026-02-01 01:00:00.001', 'hour')).toEqual([
    '2026-01-31 22:00',
    '2026-01-31 23:00',
    '2026-02-01 00:00',
    '2026-02-01 01:00',
  ]);
});
