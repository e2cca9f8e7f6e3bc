import { OrderTimeoutError } from './errors';

/** An id: a number within `Number.MAX_SAFE_INTEGER`, a bigint, or a string of digits. */
export type Id = number | bigint | string;

const LARGEST_BIGINT = 2n ** 63n - 1n;

/** Throws INVALID_ID for what is no positive id, or a number that was rounded on its way here. */
export function parseId(name: string, id: Id): bigint {
  const value = toBigInt(id);
  if (value === undefined || value <= 0n || value > LARGEST_BIGINT) {
    throw new OrderTimeoutError(
      'INVALID_ID',
      `${name} must be a positive id (a safe integer, a bigint or a string of digits), but is ${shown(id)}.`,
    );
  }
  return value;
}

function toBigInt(id: unknown): bigint | undefined {
  if (typeof id === 'bigint') return id;
  if (typeof id === 'number' && Number.isSafeInteger(id)) return BigInt(id);
  if (typeof id === 'string' && /^\d{1,19}$/.test(id)) return BigInt(id);
  return undefined;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
