import { rename, rm, writeFile } from 'node:fs/promises';
import Table from 'cli-table3';
import type { Colors } from './context';

/** JSON as other programs read it; a bigint is a number when it is safe as one, else a string. */
export function toJson(value: unknown): string {
  const plain = (_key: string, part: unknown) => {
    if (typeof part !== 'bigint') return part;
    return Number.isSafeInteger(Number(part)) ? Number(part) : part.toString();
  };
  return JSON.stringify(value, plain, 2);
}

const PLACES = ['top', 'bottom', 'left', 'mid', 'right'];

/** For cli-table3: no lines around or between the cells. */
export const FRAMELESS = Object.fromEntries(
  ['middle', ...PLACES, ...PLACES.flatMap((one) => PLACES.map((other) => `${one}-${other}`))].map(
    (place) => [place, ''],
  ),
);

/** A table for people: columns, no frame. Whole numbers get their thousands marked. */
export function toTable(
  head: readonly string[],
  rows: readonly (readonly (string | number | bigint)[])[],
  colors: Colors,
): string {
  const table = new Table({
    head: head.map((title) => colors.dim(title)),
    chars: FRAMELESS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  });
  const cell = (value: string | number | bigint) =>
    typeof value === 'string' ? value : value.toLocaleString('en');
  table.push(...rows.map((row) => row.map(cell)));
  return table.toString().replaceAll(/ +$/gm, '');
}

/** An amount of money or points with its thousands marked: 12,345. */
export const figure = (amount: bigint | number | string) => BigInt(amount).toLocaleString('en');

/** 3 orders, 1 order. */
export function count(number: number | bigint, noun: string): string {
  return `${figure(number)} ${noun}${Number(number) === 1 ? '' : 's'}`;
}

/** coupon 2,000, points 30: in minor units, points or pieces, by the kinds of the shop file. */
export const sayReturned = (returned: Readonly<Record<string, bigint | number | string>>) =>
  Object.entries(returned)
    .filter(([, amount]) => BigInt(amount) !== 0n)
    .map(([kind, amount]) => `${kind} ${figure(amount)}`)
    .join(', ') || 'nothing';

/** A file that nobody ever sees half of. Needs to write in its directory. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(draft, text);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
