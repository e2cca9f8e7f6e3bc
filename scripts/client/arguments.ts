import { OrderTimeoutError } from './errors';

/** An id: a number within `Number.MAX_SAFE_INTEGER`, a bigint, or a string of digits. */
export type Id = number | bigint | string;

/** Text, whole numbers or NULL: what our procedures take. */
export type Argument = string | bigint | null;

/** Checks one argument; `name` is the wrapper's word for it. Callers in JavaScript may hand in anything. */
export type Parameter<Value> = (name: string, value: Value) => Argument;

const LARGEST_BIGINT = 2n ** 63n - 1n;
const LARGEST_INT = 2 ** 31 - 1;
const LONGEST_TEXT = 255;
const MOST_IDS = 1000;

/** Throws INVALID_ID for what is no positive id, or a number that was rounded on its way here. */
export const id = (name: string, value: Id): bigint => {
  const whole = toBigInt(value);
  if (whole !== undefined && whole > 0n && whole <= LARGEST_BIGINT) return whole;
  throw new OrderTimeoutError(
    'INVALID_ID',
    `${name} must be a positive id (a safe integer, a bigint or a string of digits), but is ${shown(value)}.`,
  );
};

function toBigInt(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === 'string' && /^-?\d{1,19}$/.test(value)) return BigInt(value);
  return undefined;
}

/** A place in the feed: 0 is before all; an order's id may be negative. */
export const place: Parameter<Id> = (name, value) => {
  const whole = toBigInt(value);
  return whole !== undefined && whole <= 0n ? whole : id(name, value);
};

/** Up to 1,000 ids, as JSON. */
export const ids: Parameter<readonly Id[]> = (name, value) => {
  const given: unknown = value;
  if (!Array.isArray(given) || given.length > MOST_IDS) {
    throw invalid(name, `an array of at most ${MOST_IDS} ids`, given);
  }
  return `[${value.map((one, index) => id(`${name}[${index}]`, one)).join(',')}]`;
};

/** At most 255 characters. */
export const text: Parameter<string> = (name, value) => {
  const given: unknown = value;
  if (typeof given === 'string' && Array.from(given).length <= LONGEST_TEXT) return given;
  throw invalid(name, `a text of at most ${LONGEST_TEXT} characters`, given);
};

/** Half of a character that was cut in two: any two halves would be the same on their way to the server. */
const HALF = /\p{Cs}/u;

/** A payment's own id: 1 to 255 whole characters. */
export const reference: Parameter<string> = (name, value) => {
  if (text(name, value) !== '' && !HALF.test(value)) return value;
  throw invalid(name, "the payment's own id", value);
};

/** NULL where there is none. */
export const optionalText: Parameter<string | undefined> = (name, value) =>
  value === undefined ? null : text(name, value);

/** What fits an INT; the procedure knows the range. */
export const integer: Parameter<number> = (name, value) => {
  if (Number.isInteger(value) && Math.abs(value) <= LARGEST_INT) return BigInt(value);
  throw invalid(name, 'a whole number', value);
};

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Throws for what a timer takes for no time at all: nothing, less than that, more than 24 days, or a text. */
export function milliseconds(name: string, value: unknown): number {
  if (typeof value === 'number' && value > 0 && value <= LONGEST_TIMER_MS) return value;
  throw invalid(name, `milliseconds, above 0 and at most ${LONGEST_TIMER_MS}`, value);
}

/** A DATETIME in the shop's clock, or NULL. */
export const shopTime: Parameter<string | null> = (_name, value) => value;

/** Throws for what is no instant. */
export function instant(name: string, value: unknown): Date {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value;
  throw invalid(name, 'a valid Date', value);
}

/** A caller in JavaScript may leave out options of which some are needed: these are told by their names then. */
export const orNone = <Options extends object>(given: Options | undefined): Options =>
  given ?? ({} as Options);

export function invalid(name: string, expected: string, value: unknown): OrderTimeoutError {
  return new OrderTimeoutError(
    'INVALID_ARGUMENT',
    `${name} must be ${expected}, but is ${shown(value)}.`,
  );
}

export function noOption(procedure: string, name: string): OrderTimeoutError {
  return new OrderTimeoutError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(name)} is no option of ${procedure}: options are an object, as { timeoutMs: 5000 }.`,
  );
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}

/**
 * `CALL procedure(…)`. Text goes as hexadecimal digits, which mean the same under every sql_mode, and
 * which no placeholder format of the connection can take for something else.
 */
export function callStatement(procedure: string, args: readonly Argument[]): string {
  return `CALL ${procedure}(${args.map(literal).join(', ')})`;
}

function literal(argument: Argument): string {
  if (argument === null) return 'NULL';
  if (typeof argument === 'bigint') return String(argument);
  return `_utf8mb4 X'${Buffer.from(argument, 'utf8').toString('hex')}'`;
}
