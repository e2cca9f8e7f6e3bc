import type { Finding as AnyFinding } from '../errors';

/** About a shop file, or the shop that it describes. */
export interface Finding extends AnyFinding {
  /** What `up --yes` writes into the shop file. */
  readonly proposal?: { readonly path: Path; readonly value: string };
}

/** Where something stands in the shop file: `['give_back', 'stock', 'add']`. */
export type Path = readonly (string | number)[];

/** Line of a place in the shop file, or of what it is part of. */
export type LineOf = (path: Path) => number | undefined;

/** A finding at its place, of which parseShopFile() and checkShopFile() know the line. */
export type Placed = Omit<Finding, 'about' | 'line'> & { readonly path: Path };

export const mistakeAt = (path: Path, text: string, remedy: string): Placed => ({
  path,
  severity: 'mistake',
  text,
  remedy,
});

export const remarkAt = (path: Path, text: string, remedy: string): Placed => ({
  ...mistakeAt(path, text, remedy),
  severity: 'remark',
});

export function withLines(findings: Iterable<Placed>, lineOf: LineOf): Finding[] {
  return [...findings].map(({ path, ...finding }) => {
    const line = lineOf(path);
    return { about: path.join('.'), ...finding, ...(line === undefined ? {} : { line }) };
  });
}
