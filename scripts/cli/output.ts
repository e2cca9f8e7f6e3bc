import { rename, rm, writeFile } from 'node:fs/promises';
import Table from 'cli-table3';
import type { Finding } from '../operate/doctor';
import type { Colors } from './context';

/** JSON as other programs read it. What the client gives has no bigint: ids and amounts are digits. */
export const toJson = (value: unknown) => JSON.stringify(value, null, 2);

const PLACES = ['top', 'bottom', 'left', 'mid', 'right'];

/** For cli-table3: no lines around or between the cells. */
const FRAMELESS = Object.fromEntries(
  ['middle', ...PLACES, ...PLACES.flatMap((one) => PLACES.map((other) => `${one}-${other}`))].map(
    (place) => [place, ''],
  ),
);

type Cell = string | number | bigint;

/** cli-table3 takes a time that grows with the square of the rows. */
const ROWS_AT_ONCE = 200;

/** A table for people: columns by their titles, no frame; a long one has them again. Whole numbers get their thousands marked. */
export function toTable<Row>(
  rows: readonly Row[],
  columns: Readonly<Record<string, (row: Row) => Cell>>,
  colors: Colors,
): string {
  const shown = (value: Cell) => (typeof value === 'string' ? value : value.toLocaleString('en'));
  const blocks: string[] = [];
  for (let first = 0; first === 0 || first < rows.length; first += ROWS_AT_ONCE) {
    const table = new Table({
      head: Object.keys(columns).map((title) => colors.dim(title)),
      chars: FRAMELESS,
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    });
    const block = rows.slice(first, first + ROWS_AT_ONCE);
    table.push(...block.map((row) => Object.values(columns).map((cell) => shown(cell(row)))));
    blocks.push(table.toString().replaceAll(/ +$/gm, ''));
  }
  return blocks.join('\n');
}

/** An amount of money or points with its thousands marked: 12,345. */
export const figure = (amount: bigint | number | string) => BigInt(amount).toLocaleString('en');

/** 3 orders, 1 order. */
export function count(number: number | bigint, noun: string): string {
  return `${figure(number)} ${noun}${Number(number) === 1 ? '' : 's'}`;
}

/** coupon 2,000, points 30: in minor units, points or pieces, by the kinds of the shop file; added up by kind. */
export function sayAmounts(amounts: Iterable<readonly [kind: string, amount: Cell]>): string {
  const sums = new Map<string, bigint>();
  for (const [kind, amount] of amounts) sums.set(kind, (sums.get(kind) ?? 0n) + BigInt(amount));
  const some = [...sums].filter(([, sum]) => sum !== 0n);
  return some.map(([kind, sum]) => `${kind} ${figure(sum)}`).join(', ') || 'nothing';
}

export const sayReturned = (returned: Readonly<Record<string, Cell>>) =>
  sayAmounts(Object.entries(returned));

/** A text that may be anybody's, on one line: what would move a cursor or turn the line round, as JSON may write it. */
export const inert = (text: string) =>
  text.replaceAll(
    /[\p{Cc}\u2028-\u202E\u2066-\u2069]/gu,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

const COLORS = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

/** What checks found, a line each, and below it what to do. */
export function sayChecks(checks: readonly Finding[], colors: Colors): string[] {
  const width = Math.max(0, ...checks.map(({ about }) => about.length));
  return checks.flatMap(({ about, severity, text, remedy }) => [
    `${colors[COLORS[severity]](severity.padEnd(4))}  ${about.padEnd(width)}  ${inert(text)}`,
    ...(remedy === '' ? [] : [`${' '.repeat(width + 8)}→ ${remedy}`]),
  ]);
}

/** A file that nobody ever sees half of. Needs to write in its directory. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(draft, text);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw new Error(`${file} can't be written: ${(error as Error).message}`, { cause: error });
  }
}
