import Table from 'cli-table3';
import type { Colors } from './context';

/** JSON as other programs read it; a bigint is a number when it is safe as one, else a string. */
export function toJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, part: unknown) =>
      typeof part === 'bigint'
        ? Number.isSafeInteger(Number(part))
          ? Number(part)
          : part.toString()
        : part,
    2,
  );
}

/** A table for people: columns, no frame. */
export function toTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  colors: Colors,
): string {
  const table = new Table({
    head: head.map((title) => colors.dim(title)),
    chars: FRAMELESS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** For cli-table3: no lines around or between the cells. */
export const FRAMELESS = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
    'middle',
  ].map((place) => [place, '']),
);

/** 3 orders, 1 order. */
export function count(number: number | bigint, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${Number(number) === 1 ? '' : 's'}`;
}
