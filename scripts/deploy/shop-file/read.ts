import type { Connection } from 'mysql2/promise';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isCollection, isMap, isNode, isSeq, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { select } from '../connection';
import { type Finding, ifThere, mistake } from '../errors';
import { PACKAGE_FOLDER } from '../source';
import { contradictionsIn } from './contradictions';
import { shopFile, type ShopFile } from './schema';

/** A shop file that can be read. */
export interface ParsedFile {
  /** As it is written. */
  readonly text: string;
  readonly file: ShopFile;
  readonly withLines: WithLines;
}

/** Adds to findings about the shop file their lines. */
type WithLines = (findings: Iterable<Finding>) => Finding[];

interface Unreadable {
  readonly mistakes: readonly Finding[];
}

const SEE = 'See docs/your-shop.md';

/** Reads the text of a shop file; everything that is wrong with it is reported at once. */
export function parseShopFile(text: string): ParsedFile | Unreadable {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (offset = 0) => lines.linePos(offset).line;
  const unreadable = [...document.errors, ...document.warnings];
  if (unreadable.length > 0) {
    const remedy = 'Mend the YAML; a value with ": ", " #" or, between braces, "," needs quotes';
    return {
      mistakes: unreadable.map(({ message, pos }) => ({
        ...mistake('yaml', message, remedy),
        line: lineAt(pos[0]),
      })),
    };
  }
  /** Of what a path leads to or, where that is missing, of what it would be part of. */
  const lineOf = (path: readonly string[]): number => {
    const key = path.at(-1);
    const parent = document.getIn(path.slice(0, -1), true);
    const place = isMap(parent)
      ? parent.items.find((pair) => isNode(pair.key) && pair.key.toString() === key)?.key
      : isSeq(parent) && parent.items[Number(key)];
    if (key === undefined) return lineAt(document.contents?.range[0]);
    return isNode(place) ? lineAt(place.range?.[0]) : lineOf(path.slice(0, -1));
  };
  const withLines: WithLines = (findings) =>
    [...findings].map((finding) => ({ ...finding, line: lineOf(finding.about.split('.')) }));
  const read = shopFile.safeParse(document.toJS());
  if (!read.success) {
    const issues = read.error.issues.map((issue) => {
      const path = pathOf(issue);
      const parent = path.slice(0, -1);
      // Where one code may stand for several, the schema sees several.
      const found = isCollection(document.getIn(parent, true)) ? path : parent;
      return mistake(found.join('.') || 'the file', issue.message, SEE);
    });
    return { mistakes: inOrder(withLines(issues)) };
  }
  const mistakes = [...contradictionsIn(read.data)];
  return mistakes.length > 0
    ? { mistakes: inOrder(withLines(mistakes)) }
    : { text, file: read.data, withLines };
}

/** To the unknown key, not to the mapping that has it. */
const pathOf = (issue: z.core.$ZodIssue): string[] => [
  ...issue.path.map(String),
  ...(issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []),
];

/** By line, each once. */
function inOrder(mistakes: readonly Finding[]): Finding[] {
  const byText = new Map(mistakes.map((one) => [JSON.stringify(one), one]));
  return [...byText.values()].sort((one, other) => (one.line ?? 0) - (other.line ?? 0));
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

/** Reads a shop file and the views beside it. */
export async function loadShop(path: string): Promise<Shop | Unreadable> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => error as Error);
  if (text instanceof Error)
    return { mistakes: [mistake('shop', `${path} can't be read: ${text.message}`)] };
  const views: Record<string, string> = {};
  for (const name of await readdir(dirname(path)))
    if (name.endsWith('.sql')) views[name] = await readFile(join(dirname(path), name), 'utf8');
  return assembleShop(text, views);
}

/** A shop file with the views that it names, by file name: from a folder, or as the database keeps them. */
export function assembleShop(
  text: string,
  views: Readonly<Record<string, string>>,
): Shop | Unreadable {
  const parsed = parseShopFile(text);
  if ('mistakes' in parsed) return parsed;
  const due = new Map<string, string>();
  const mistakes: Finding[] = [];
  for (const [kind, { due: name }] of Object.entries(parsed.file.give_back)) {
    const view = views[name ?? ''];
    const missing = `there is no file ${name ?? ''}`;
    if (view !== undefined) due.set(kind, view);
    else if (name !== undefined)
      mistakes.push(mistake(`give_back.${kind}.due`, missing, 'It stands beside the shop file'));
  }
  return mistakes.length > 0 ? { mistakes: parsed.withLines(mistakes) } : { ...parsed, due };
}

/** The views that a shop file names, by file name. */
export function viewsOf({ file, due }: Shop): Record<string, string> {
  return Object.fromEntries(
    Object.entries(file.give_back).flatMap(([kind, { due: name }]) =>
      name === undefined ? [] : [[name, due.get(kind) ?? '']],
    ),
  );
}

/** The shop file that is deployed. */
export interface StoredShop {
  readonly text: string;
  /** By file name. */
  readonly views: Readonly<Record<string, string>>;
  /** Since when the orders of each kind are audited, in the shop's clock; null: always. */
  readonly kinds: Readonly<Record<string, string | null>>;
  /** Since when each kind's ledger is written as it is now; null: always. */
  readonly ledgers: Readonly<Record<string, string | null>>;
}

/** Undefined: none is. */
export async function readStoredShop(db: Connection): Promise<StoredShop | undefined> {
  const rows = await ifThere(
    select<StoredShop>(db, 'SELECT file AS text, views, kinds, ledgers FROM order_timeout_shop'),
  );
  return rows?.[0];
}
