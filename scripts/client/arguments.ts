import { OrderTimeoutError } from './errors';

const LONGEST_TEXT = 255;
const LARGEST_INT = 2 ** 31 - 1;

/** Text of at most 255 characters; NULL where there is none. Throws INVALID_ARGUMENT. */
export function parseText(name: string, value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' && Array.from(value).length <= LONGEST_TEXT) return value;
  throw new OrderTimeoutError(
    'INVALID_ARGUMENT',
    `${name} must be a text of at most ${LONGEST_TEXT} characters.`,
  );
}

/** What fits an INT parameter; the procedure knows the range. Throws INVALID_ARGUMENT. */
export function parseInteger(name: string, value: unknown): bigint {
  if (Number.isInteger(value) && Math.abs(value as number) <= LARGEST_INT) {
    return BigInt(value as number);
  }
  throw new OrderTimeoutError(
    'INVALID_ARGUMENT',
    `${name} must be a whole number, but is ${String(value)}.`,
  );
}

/** Throws INVALID_ARGUMENT for what is no instant. */
export function parseInstant(name: string, value: unknown): Date {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value;
  throw new OrderTimeoutError(
    'INVALID_ARGUMENT',
    `${name} must be a valid Date, but is ${String(value)}.`,
  );
}
