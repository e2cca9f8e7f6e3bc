import type { Connection, QueryOptions, ResultSetHeader, TypeCastField } from 'mysql2/promise';
import { OrderTimeoutError } from './errors';

/** A row as the server sent it, every value as text: the connection's configuration has no say. */
export type TextRow = Readonly<Record<string, string | null>>;

export interface Answer {
  readonly rows: readonly TextRow[];
  /** Of the statement's OK packet, see `transaction.ts`. */
  readonly serverStatus: number;
}

/** Runs one statement. Resolves with its only result set, if it has one. */
export async function ask(
  connection: Connection,
  sql: string,
  timeoutMs?: number,
): Promise<Answer> {
  const [answer] = await connection.query({
    ...AS_TEXT,
    sql,
    ...(timeoutMs && { timeout: timeoutMs }),
  });
  const [rows, header] = (Array.isArray(answer) ? answer : [[], answer]) as [TextRow[], unknown];
  // A bare SELECT has no OK packet behind its rows, and its caller doesn't ask.
  if (!Array.isArray(rows)) return { rows: answer as unknown as TextRow[], serverStatus: 0 };
  return { rows, serverStatus: (header as ResultSetHeader).serverStatus };
}

/** Over whatever the connection is configured with. */
const AS_TEXT: Omit<QueryOptions, 'sql'> = {
  rowsAsArray: false,
  nestTables: false,
  namedPlaceholders: false,
  typeCast: (field: TypeCastField) => field.string('utf8'),
};

export function text(row: TextRow, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw unexpected(`${column} is ${value === null ? 'NULL' : 'missing'}`);
}

/** An id or an amount: whole, however large. */
export function whole(row: TextRow, column: string): bigint {
  return BigInt(text(row, column));
}

/** A count, which is far below 2^53. */
export function count(row: TextRow, column: string): number {
  return Number(text(row, column));
}

export function oneOf<const Value extends string>(
  row: TextRow,
  column: string,
  known: readonly Value[],
): Value {
  const value = text(row, column);
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  throw unexpected(`${column} is ${JSON.stringify(value)}, not one of ${known.join(', ')}`);
}

export function onlyRow(rows: readonly TextRow[]): TextRow {
  const [row] = rows;
  if (row !== undefined && rows.length === 1) return row;
  throw unexpected(`${rows.length} rows came instead of one`);
}

function unexpected(what: string): OrderTimeoutError {
  return new OrderTimeoutError(
    'UNEXPECTED_RESULT',
    `The procedure was called, but its answer is not understood: ${what}. ` +
      'Is a newer version deployed in the database than this package?',
  );
}
