import { expect, test } from 'vitest';
import { OutcomeUnknownError } from '../../scripts';
import { leavesNothingOpen, translated } from '../../scripts/client/errors';
import { pauseBeforeRetry } from '../../scripts/client/retry';

const answer = (errno: number) =>
  Object.assign(new Error('of the server'), { errno, sqlState: 'HY000' });
const lost = (code: string) =>
  Object.assign(new Error('of the connection'), { code, errno: -104, fatal: true });

test('a deadlock and a routine that is being deployed anew are tried again six times, ever later', () => {
  for (const errno of [1213, 1305, 1318, 1370]) {
    const pauses = [0, 1, 2, 3, 4, 5, 6].map((retry) => pauseBeforeRetry(answer(errno), retry, 1));
    expect(pauses).toEqual([20, 40, 80, 160, 320, 640, undefined]);
  }
});

test('half of a pause is chance', () => {
  expect(pauseBeforeRetry(answer(1213), 0, 0)).toBe(10);
  expect(pauseBeforeRetry(answer(1213), 0, 1)).toBe(20);
});

test('a lock wait that timed out has taken long enough to be tried again only once', () => {
  expect(pauseBeforeRetry(answer(1205), 0, 1)).toBe(20);
  expect(pauseBeforeRetry(answer(1205), 1, 1)).toBeUndefined();
});

test('nothing else is tried again', () => {
  for (const error of [
    answer(1317),
    answer(1142),
    answer(50001),
    lost('ECONNRESET'),
    new Error('ours'),
  ]) {
    expect(pauseBeforeRetry(error, 0, 1)).toBeUndefined();
  }
});

test('an outcome is unknown when the connection was lost, the time was up or the query was killed', () => {
  for (const error of [
    lost('PROTOCOL_CONNECTION_LOST'),
    lost('PROTOCOL_SEQUENCE_TIMEOUT'),
    answer(1317),
    answer(1053),
  ]) {
    const given = translated(error);
    expect(given).toBeInstanceOf(OutcomeUnknownError);
    expect(given).toMatchObject({ code: 'OUTCOME_UNKNOWN', cause: error });
    expect(leavesNothingOpen(given)).toBe(false);
  }
});

test("MySQL's own errors come unchanged, and leave the connection's state in doubt", () => {
  const denied = answer(1370);

  expect(translated(denied)).toBe(denied);
  expect(leavesNothingOpen(denied)).toBe(false);
});

test('only an error that the procedures raise themselves leaves nothing open for certain', () => {
  const given = translated(answer(50003));

  expect(given).toMatchObject({ code: 'SETTING_LOST', errno: 50003 });
  expect(leavesNothingOpen(given)).toBe(true);
});
