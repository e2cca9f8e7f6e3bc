import { PassThrough } from 'node:stream';
import { summarise } from '../../scripts/cli/agreement';
import { askOn } from '../../scripts/cli/context';
import picocolors from 'picocolors';
import { expect, test } from 'vitest';
import { toTable } from '../../scripts/cli/output';
import {
  collectSourceTypes,
  parseMoment,
  parseOrderId,
  wholeNumber,
} from '../../scripts/cli/values';
import { describeDuration, describeInstant } from '../../scripts/operate/words';

const NOW = new Date('2026-06-15T10:00:00Z');

test.each([
  ['2026-01-31', '2026-01-30T16:00:00.000Z'],
  ['2026-01-31 20:00', '2026-01-31T12:00:00.000Z'],
  ['2026-01-31T20:00:30.5', '2026-01-31T12:00:30.500Z'],
  ['2026-01-31T12:00Z', '2026-01-31T12:00:00.000Z'],
  ['2026-01-31T12:00:00-02:00', '2026-01-31T14:00:00.000Z'],
  ['30m', '2026-06-15T09:30:00.000Z'],
  ['12h', '2026-06-14T22:00:00.000Z'],
  ['90d', '2026-03-17T10:00:00.000Z'],
])('%s in a shop at +08:00 is %s', (typed, instant) => {
  expect(parseMoment(typed)('+08:00', NOW).toISOString()).toBe(instant);
});

test.each([
  '',
  'yesterday',
  '2026-02-31',
  '2026-13-01',
  '2026-01-31 25:00',
  '20260131',
  '5',
  '5w',
  '999999d',
  '31.01.2026',
])('"%s" is no moment', (typed) => {
  expect(() => parseMoment(typed)).toThrow('Expected 2026-01-31');
});

test('an order id is exact and positive', () => {
  expect(parseOrderId('9223372036854775807')).toBe(9_223_372_036_854_775_807n);
  for (const typed of ['0', '-1', '1.5', '1e3', '9223372036854775808', '']) {
    expect(() => parseOrderId(typed)).toThrow('positive id');
  }
});

test('numbers have a range, and source types come one by one or together', () => {
  expect(wholeNumber(1, 5)('5')).toBe(5);
  for (const typed of ['0', '6', '', '2.5'])
    expect(() => wholeNumber(1, 5)(typed)).toThrow('1 to 5');
  expect(collectSourceTypes('04', collectSourceTypes('1, null'))).toEqual(['1', 'NULL', '4']);
  expect(() => collectSourceTypes('1;2')).toThrow('source types');
});

test('times are told in the shop’s clock, durations in the two units that matter', () => {
  expect(describeInstant(NOW, '+08:00')).toBe('2026-06-15 18:00:00 (+08:00)');
  expect([59, 60, 3660, 90_000].map(describeDuration)).toEqual([
    '59 s',
    '1 min',
    '1 h 1 min',
    '1 d 1 h',
  ]);
});

test('the steps of a deployment are listed, and many alike are counted', () => {
  const procedures = ['a', 'b', 'c', 'd', 'e'].map((name) => `procedure ${name}: new`);
  const others = ['migration 0001_tables', 'view v: new', 'procedure f: changed', 'event e: new'];
  expect(summarise([...others, ...procedures])).toEqual([...others, '5 procedures: new']);
});

test('a table has its columns one below the other, and a long one its titles every 200 rows', () => {
  const table = (rows: readonly string[]) =>
    toTable(rows, { of: String, amount: () => 1234 }, picocolors.createColors(false)).split('\n');

  expect(table(['积分', 'four'])).toEqual(['of    amount', '积分  1,234', 'four  1,234']);
  const long = table(Array.from({ length: 401 }, (_, nth) => String(nth)));
  expect(long).toHaveLength(404);
  expect([long[0], long[201], long[402]]).toEqual(['of   amount', 'of   amount', 'of   amount']);
});

test.each([
  ['y\r', 'y'],
  ['y\u0003', ''],
  ['\u0004', ''],
])(
  'who types %j has answered %j: Ctrl-C and Ctrl-D are no yes, and no error',
  async (keys, answer) => {
    const keyboard = Object.assign(new PassThrough(), { isTTY: true });
    const screen = Object.assign(new PassThrough(), { isTTY: true });
    const asked = askOn(keyboard, screen, 'Go ahead? ');
    keyboard.write(keys);
    expect(await asked).toBe(answer);
  },
);
