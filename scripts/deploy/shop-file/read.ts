import type { Connection } from 'mysql2/promise';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type Document,
  isCollection,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml';
import type { z } from 'zod';
import { errnoOf } from '../errors';
import { contradictionsIn } from './contradictions';
import { type Finding, type LineOf, mistakeAt, type Path, type Placed, withLines } from './finding';
import { shopFile, type ShopFile } from './schema';
import { select } from '../connection';
import { PACKAGE_FOLDER } from '../source';

/** A shop file that can be read. */
export interface ParsedFile {
  /** As it is written. */
  readonly text: string;
  readonly file: ShopFile;
  readonly lineOf: LineOf;
}

export type Parsed = ParsedFile | { readonly mistakes: readonly Finding[] };

const SEE = 'See docs/your-shop.md';

/** Reads the text of a shop file; everything that is wrong with it is reported at once. */
export function parseShopFile(text: string): Parsed {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (offset: number) => lines.linePos(offset).line;
  const unreadable = [...document.errors, ...document.warnings];
  if (unreadable.length > 0) {
    return {
      mistakes: unreadable.map(({ message, pos }) => ({
        about: 'yaml',
        severity: 'mistake',
        text: message,
        remedy: 'Mend the YAML; a value with ": ", " #" or, between braces, "," needs quotes',
        line: lineAt(pos[0]),
      })),
    };
  }
  const lineOf: LineOf = (path) => {
    const { offset } = find(document, path);
    return offset === undefined ? undefined : lineAt(offset);
  };
  const read = shopFile.safeParse(document.toJS());
  const mistakes = read.success
    ? [...contradictionsIn(read.data)]
    : read.error.issues.map((issue) => {
        const { found } = find(document, placeOf(issue));
        return mistakeAt(found.length === 0 ? ['the file'] : found, issue.message, SEE);
      });
  return mistakes.length > 0 || !read.success
    ? { mistakes: inOrder(withLines(mistakes, lineOf)) }
    : { text, file: read.data, lineOf };
}

/** Where the issue is: at the unknown key, not at the mapping that has it. */
function placeOf(issue: z.core.$ZodIssue): Path {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  return issue.code === 'unrecognized_keys' ? [...path, issue.keys[0] ?? ''] : path;
}

/** By line, each once. */
function inOrder(mistakes: readonly Finding[]): Finding[] {
  const byText = new Map(mistakes.map((mistake) => [JSON.stringify(mistake), mistake]));
  return [...byText.values()].sort((one, other) => (one.line ?? 0) - (other.line ?? 0));
}

/** Where a path stands in the file, and how much of it there is: a key that is missing is the last one. */
function find(document: Document, path: Path): { offset: number | undefined; found: Path } {
  let node: unknown = document.contents;
  let offset = (node as Node | null)?.range?.[0];
  for (const [depth, part] of path.entries()) {
    if (!isCollection(node)) return { offset, found: path.slice(0, depth) };
    const pair = isMap(node)
      ? node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part))
      : undefined;
    const child = pair?.value ?? node.get(part, true);
    const place = (pair?.key ?? child) as Node | undefined;
    if (place === undefined) return { offset, found: path.slice(0, depth + 1) };
    offset = place.range?.[0] ?? offset;
    node = child;
  }
  return { offset, found: path };
}

/** A shop file with the views that it names. */
export interface Shop extends ParsedFile {
  /** The SELECT of each `due`, by kind. */
  readonly due: ReadonlyMap<string, string>;
}

/** Shop files that come with the package. */
const SHOPS = join(PACKAGE_FOLDER, 'sql/shops');

export const BUILT_IN = join(SHOPS, 'built-in.yaml');

/** The paths of the shop files that come with the package. */
export async function knownShops(): Promise<string[]> {
  const files = await readdir(SHOPS);
  return files.filter((name) => name.endsWith('.yaml')).map((name) => join(SHOPS, name));
}

/** Reads a shop file and the views beside it. Throws when the file itself can't be read. */
export async function loadShop(path: string): Promise<Shop | { mistakes: readonly Finding[] }> {
  const text = await readFile(path, 'utf8');
  const views: Record<string, string> = {};
  for (const name of await readdir(dirname(path)))
    if (name.endsWith('.sql')) views[name] = await readFile(join(dirname(path), name), 'utf8');
  return assembleShop(text, views);
}

/** A shop file with the views that it names, by file name: from a folder, or as the database keeps them. */
export function assembleShop(
  text: string,
  views: Readonly<Record<string, string>>,
): Shop | { mistakes: readonly Finding[] } {
  const parsed = parseShopFile(text);
  if ('mistakes' in parsed) return parsed;
  const due = new Map<string, string>();
  const mistakes: Placed[] = [];
  for (const [kind, { due: name }] of Object.entries(parsed.file.give_back)) {
    const view = views[name ?? ''];
    if (view !== undefined) due.set(kind, view);
    else if (name !== undefined)
      mistakes.push(
        mistakeAt(
          ['give_back', kind, 'due'],
          `there is no file ${name}`,
          'It stands beside the shop file',
        ),
      );
  }
  return mistakes.length > 0
    ? { mistakes: withLines(mistakes, parsed.lineOf) }
    : { ...parsed, due };
}

/** The views that a shop file names, by file name. */
export function viewsOf({ file, due }: Shop): Record<string, string> {
  return Object.fromEntries(
    Object.entries(file.give_back).flatMap(([kind, { due: name }]) =>
      name === undefined ? [] : [[name, due.get(kind) ?? '']],
    ),
  );
}

const NO_SUCH_TABLE = 1146;

/** The shop file that is deployed. */
export interface StoredShop {
  readonly text: string;
  /** By file name. */
  readonly views: Readonly<Record<string, string>>;
  /** Since when the orders of each kind are audited, in the shop's clock; null: always. */
  readonly kinds: Readonly<Record<string, string | null>>;
}

/** Undefined: none is. */
export async function readStoredShop(db: Connection): Promise<StoredShop | undefined> {
  try {
    const [row] = await select<{ text: string; views: string; kinds: string }>(
      db,
      `SELECT file AS text, CAST(views AS CHAR) AS views, CAST(kinds AS CHAR) AS kinds
         FROM order_timeout_shop`,
    );
    return (
      row && {
        text: row.text,
        views: JSON.parse(row.views) as StoredShop['views'],
        kinds: JSON.parse(row.kinds) as StoredShop['kinds'],
      }
    );
  } catch (error) {
    if (errnoOf(error) === NO_SUCH_TABLE) return undefined;
    throw error;
  }
}
