import { OrderTimeoutError } from './errors';
import { instantOf } from './shop-time';

/** A row as the server sent it, every value as text: the connection's configuration has no say. */
export type TextRow = Readonly<Record<string, string | null>>;

/** An id or an amount as digits: exact however large, and right in JSON. `BigInt(it)` to compute with. */
export type Whole = string;

/** How one column is read. It throws what is wrong with a value. */
export type Column<Value> = (value: string, row: TextRow) => Value;
export type Columns = Readonly<Record<string, Column<unknown>>>;

/** A row as the caller gets it: `coupon_refunded` is `couponRefunded`. */
export type Row<Of extends Columns> = { readonly [Name in keyof Of]: ReturnType<Of[Name]> };

export const whole: Column<Whole> = (value) => value;
export const text: Column<string> = (value) => value;
/** A count, which is far below 2^53. */
export const count: Column<number> = Number;
export const flag: Column<boolean> = (value) => value === '1';
export const unixSeconds: Column<Date> = (value) => new Date(Number(value) * 1000);

/** A DATETIME in the shop's clock, which its row tells. */
export const instant: Column<Date> = (value, { clock }) => {
  if (typeof clock === 'string') return instantOf(value, clock);
  throw new Error('there is no column clock');
};

/** An amount for each kind: `{"coupon": "1000"}`. */
export const amounts: Column<Readonly<Record<string, Whole>>> = (value) =>
  JSON.parse(value) as Record<string, Whole>;

/** What a person has to look at: `[{"kind": "coupon", "target_id": "1690", "what": "second_take"}]`. */
export const findings: Column<
  readonly { readonly kind: string; readonly targetId: Whole; readonly what: string }[]
> = (value) =>
  (JSON.parse(value) as { kind: string; target_id: Whole; what: string }[]).map(
    ({ kind, target_id: targetId, what }) => ({ kind, targetId, what }),
  );

export const oneOf =
  <const Value extends string>(...known: readonly Value[]): Column<Value> =>
  (value) => {
    const found = known.find((one) => one === value);
    if (found !== undefined) return found;
    throw new Error(`it is not one of ${known.join(', ')}`);
  };

const OPTIONAL = Symbol('optional');
/** NULL is null. */
export const optional = <Value>(column: Column<Value>): Column<Value | null> =>
  Object.assign((value: string, row: TextRow) => column(value, row), { [OPTIONAL]: true });

export function readRow<Of extends Columns>(columns: Of, row: TextRow): Row<Of> {
  const read = Object.entries(columns).map(([name, column]) => {
    const inDatabase = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return [name, readColumn(inDatabase, column, row)];
  });
  return Object.fromEntries(read) as Row<Of>;
}

function readColumn(name: string, column: Column<unknown>, row: TextRow): unknown {
  const value = row[name];
  if (value === null && OPTIONAL in column) return null;
  if (typeof value !== 'string') {
    throw unexpected(`${name} is ${value === null ? 'NULL' : 'missing'}`);
  }
  try {
    return column(value, row);
  } catch (error) {
    throw unexpected(`${name} is ${JSON.stringify(value)}: ${(error as Error).message}`);
  }
}

export function onlyRow<One>(rows: readonly One[]): One {
  const [row] = rows;
  if (row !== undefined && rows.length === 1) return row;
  throw unexpected(`${rows.length} rows came instead of one`);
}

function unexpected(what: string): OrderTimeoutError {
  return new OrderTimeoutError(
    'UNEXPECTED_RESULT',
    `The procedure was called, but its answer is not understood: ${what}. ` +
      'Is another version deployed in the database than this package?',
  );
}
