import { expect, test } from 'vitest';
import { OrderTimeoutError, OutcomeUnknownError } from '../../scripts';
import { pauseBeforeRetry } from '../../scripts/client/call';
import { translated } from '../../scripts/client/errors';

const answer = (errno: number, message = 'of the server') =>
  Object.assign(new Error(message), { errno, sqlState: 'HY000' });
const lost = (code: string) =>
  Object.assign(new Error('of the connection'), { code, errno: -104, fatal: true });

test('a deadlock and a routine that is being deployed anew are tried again six times, ever later', () => {
  for (const errno of [1213, 1305, 1318]) {
    const pauses = [0, 1, 2, 3, 4, 5, 6].map((retry) => pauseBeforeRetry(answer(errno), retry, 1));
    expect(pauses).toEqual([20, 40, 80, 160, 320, 640, undefined]);
    expect(pauseBeforeRetry(answer(errno), 0, 0)).toBe(10);
  }
});

test.each([1205, 50009])(
  'a lock wait that timed out, and a row that went, are tried again only once: %d',
  (errno) => {
    expect(pauseBeforeRetry(answer(errno), 0, 1)).toBe(20);
    expect(pauseBeforeRetry(answer(errno), 1, 1)).toBeUndefined();
  },
);

test('nothing else is tried again, a missing grant neither', () => {
  const errors = [1370, 1317, 1142, 50001].map((errno) => answer(errno));
  for (const error of [...errors, lost('ECONNRESET'), new Error('ours')]) {
    expect(pauseBeforeRetry(error, 0, 1)).toBeUndefined();
  }
});

test('an outcome is unknown when the connection was lost, the time was up or the query was killed', () => {
  for (const error of [
    lost('PROTOCOL_CONNECTION_LOST'),
    lost('PROTOCOL_SEQUENCE_TIMEOUT'),
    answer(1317),
    answer(1053),
    answer(1105, 'An error occurred in multi-table update'),
  ]) {
    const given = translated(error);
    expect(given).toBeInstanceOf(OutcomeUnknownError);
    expect(given).toBeInstanceOf(OrderTimeoutError);
    expect(given).toMatchObject({ code: 'OUTCOME_UNKNOWN', cause: error });
  }
});

test("MySQL's own errors come unchanged, ours with their word as code", () => {
  for (const errno of [1370, 1105]) {
    const error = answer(errno);
    expect(translated(error)).toBe(error);
  }
  const words = ['INVALID_ID', 'IN_TRANSACTION', 'SETTING_LOST', 'INVALID_NUMBER', 'FEED_BUSY'];
  expect(words.map((_, index) => translated(answer(50_001 + index)))).toMatchObject(
    words.map((code, index) => ({ code, errno: 50_001 + index, name: 'OrderTimeoutError' })),
  );
});

test('the code narrows for the compiler', () => {
  const tell = (error: unknown): string => {
    if (!(error instanceof OrderTimeoutError)) return 'of MySQL';
    if (error.code === 'OUTCOME_UNKNOWN') {
      const unknown: OutcomeUnknownError = error;
      return unknown.cause.message;
    }
    const refused: Exclude<OrderTimeoutError['code'], 'OUTCOME_UNKNOWN'> = error.code;
    return `${refused} ${error.errno ?? ''}`;
  };

  expect(tell(translated(answer(1317)))).toBe('of the server');
  expect(tell(translated(answer(50001)))).toBe('INVALID_ID 50001');
  expect(tell(answer(1213))).toBe('of MySQL');
});
