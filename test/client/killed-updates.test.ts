import { expect, test } from 'vitest';
import { OutcomeUnknownError, translated } from '../../scripts/client/errors';

const mysqlError = (errno: number, message: string) =>
  Object.assign(new Error(message), { errno, sqlState: 'HY000' });

test('an UPDATE of several tables that was killed says 1105: the outcome is unknown', () => {
  const killed = mysqlError(1105, 'An error occurred in multi-table update');
  expect(translated(killed)).toBeInstanceOf(OutcomeUnknownError);

  const other = mysqlError(1105, 'Unknown error');
  expect(translated(other)).toBe(other);
});
