import type { z } from 'zod';
import { type Meaning, meanings, type ShopFile, shopFile, type Value, type Values } from './schema';

/**
 * The parts of an SQL expression that mean something to us. What is quoted comes first in the pattern, so that
 * nothing inside a text is taken for a name. A name may have letters beyond ASCII.
 */
const PART =
  /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|(?<![\w@:]):(?<word>[a-z_]+)\b|(?<![\w$\x80-\uffff.`])(?<alias>\w+)\.(?:`(?<escaped>(?:[^`]|``)+)`|(?<column>[\w$\x80-\uffff]+))|(?<paren>[()])|(?<bad>;|--(?=\s|$)|#|\/\*|['"])/g;

/** What a query is FROM, once its texts are empty and what it has in parentheses is a #. A name may be `order`, or o.group. */
const FROM =
  /(?<![`.])\bFROM\b((?:`[^`]*`|[^`])*?)(?=(?<!\.)\b(?:WHERE|GROUP|HAVING|WINDOW|ORDER|LIMIT|UNION|INTERSECT|EXCEPT|FOR|LOCK)\b|$)/gi;

/** The name with which a table of it begins. */
const TABLE =
  /^\s*(?:`([^`]+)`|(?!DUAL\b|LATERAL\b)([\w$\x80-\uffff]+))(?![\w$\x80-\uffff]|\s*[.#])/i;

/** What a WITH gives a name. */
const GIVEN = /`?([\w$\x80-\uffff]+)`?\s*#?\s*\bAS\s*#/gi;

/** One of these, a column with its alias. */
type Part = Partial<Record<'word' | 'alias' | 'column' | 'paren' | 'bad', string>>;

export interface Reference {
  readonly alias: string;
  readonly column: string;
}

const partOf = ({ escaped, ...part }: Readonly<Record<string, string>> = {}): Part =>
  escaped === undefined ? part : { ...part, column: escaped.replaceAll('``', '`') };

const partsOf = (expression: string) =>
  [...expression.matchAll(PART)].map(({ groups }) => partOf(groups));

/** `o.deleted` and the like: every alias with its column. */
export function referencesIn(expression: string): Reference[] {
  return partsOf(expression).flatMap(({ alias, column }) =>
    alias === undefined || column === undefined ? [] : [{ alias, column }],
  );
}

export function wordsIn(expression: string): string[] {
  return partsOf(expression).flatMap(({ word }) => word ?? []);
}

/** Why an expression can't be put into a statement; undefined: it can. */
export function complaintAbout(expression: string): string | undefined {
  let depth = 0;
  for (const { paren, bad } of partsOf(expression)) {
    if (bad === "'" || bad === '"') return `a ${bad} is not closed`;
    if (bad !== undefined) return `"${bad}" ends the expression or begins a comment`;
    if (paren === '(') depth++;
    if (paren === ')' && --depth < 0) return 'a ) closes nothing';
  }
  return depth > 0 ? 'a ( is not closed' : undefined;
}

/** The expression with `:now` and the like, or columns, in other words; undefined: as they are. */
export function reword(expression: string, inOtherWords: (part: Part) => string | undefined) {
  return expression.replace(
    PART,
    (text, ...rest: unknown[]) =>
      inOtherWords(partOf(rest.at(-1) as Record<string, string>)) ?? text,
  );
}

/** A due view with what stands in it for `only`, and for the index of a table of `reads`; undefined: it says of none. */
export const fillDueView = (
  view: string,
  only: string,
  indexOf: (table: string) => string | undefined,
) =>
  view
    .trim()
    .replace(/;$/, '')
    .replaceAll(':only', only)
    .replaceAll(/:index\((\w+)\)/g, (text, table: string) => indexOf(table) ?? text);

/** The expression with its texts left empty. */
export const withoutTexts = (expression: string) =>
  expression.replace(PART, (part) => (/^['"]./.test(part) ? "''" : part));

/** The tables of its subqueries, from the innermost outwards: the engine's account needs them. What EXTRACT and the like are FROM is none. */
function tablesReadIn(expression: string): string[] {
  const read: string[] = [];
  const given: string[] = [];
  const take = (_: string, query: string) => {
    given.push(...[...query.matchAll(GIVEN)].map(([, name = '']) => name));
    const from = /\bSELECT\b/i.test(query)
      ? [...query.matchAll(FROM)].map(([, tables = '']) => tables)
      : /\bJOIN\b/i.test(query)
        ? [query]
        : [];
    for (const part of from.flatMap((tables) => tables.split(/,|\b(?:STRAIGHT_)?JOIN\b/i))) {
      const [, quoted, name = quoted] = TABLE.exec(part) ?? [];
      if (name !== undefined) read.push(name);
    }
    return '#';
  };
  for (let before = '', left = withoutTexts(expression); left !== before;) {
    before = left;
    left = left.replace(/\(([^()]*)\)/g, take);
  }
  return read.filter((name) => !given.includes(name));
}

/** The column when an expression is nothing but a column of this alias. */
export function soleColumn(expression: string, alias: string): string | undefined {
  const [, column, escaped] =
    new RegExp(`^\\s*${alias}\\.(?:([\\w$\\x80-\\uffff]+)|\`([^\`]+)\`)\\s*$`).exec(expression) ??
    [];
  return column ?? escaped;
}

/** Whether a ledger is told what the row has after the refund. */
export const tellsBalance = (write: Values) =>
  Object.values(write)
    .flatMap((value) => referencesIn(String(value)))
    .some(({ alias, column }) => alias === 'refund' && column.toLowerCase() === 'balance');

/** The text when an expression is nothing but a text. */
export function soleText(expression: string): string | undefined {
  const [, text] = /^\s*'((?:[^'\\]|'')*)'\s*$/.exec(expression) ?? [];
  return text?.replaceAll("''", "'");
}

/** A column of the shop that the file names. */
export interface ColumnUse extends Pick<Meaning, 'type' | 'amount' | 'written'> {
  /** Where in the file, as `give_back.stock.add`. */
  readonly path: string;
  readonly table: string;
  readonly column: string;
  /** What is written to it. */
  readonly value?: Value;
}

/** An SQL expression of the file. */
export interface Expression {
  readonly path: string;
  readonly sql: string;
  /** What it can name: aliases with the tables that they stand for; undefined: no table of the shop. */
  readonly names: Readonly<Record<string, string | undefined>>;
  /** `now`, `remark`. */
  readonly words: readonly string[];
  /** An id or an amount. */
  readonly isInteger: boolean;
  /** Else it stands in a view alone, or is only counted with before the first sweep. */
  readonly isInRoutine: boolean;
  /** The column that is looked up by it. */
  readonly equals: { readonly table: string; readonly column: string } | undefined;
}

/** Everything of the shop that a file names: the file is read along its schema, which says what each part means. */
export function usesOf(file: ShopFile) {
  const columns: ColumnUse[] = [];
  const expressions: Expression[] = [];
  /** Each table once, with the place that names it first. */
  const tables = new Map<string, string>();
  const addTable = (name: string, path: string) => tables.has(name) || tables.set(name, path);

  const note = (schema: Schema, column: string, value: Value, path: string, here: string) => {
    const {
      place,
      type,
      aliases,
      words = [],
      isInRoutine = false,
      equals: isEqual,
      ...does
    } = meanings.get(schema) ?? {};
    const [, kind = ''] = /^give_back\.(\w+)/.exec(path) ?? [];
    const target = file.give_back[kind]?.target.table ?? '';
    if (place !== undefined)
      columns.push({
        path,
        table: { orders: file.orders.table, target, here }[place],
        column,
        type,
        ...does,
        ...(does.written && aliases ? { value } : {}),
      } as ColumnUse);
    if (aliases !== undefined && typeof value === 'string') {
      const known: Record<string, string> = { o: file.orders.table, target, line: here };
      const names = Object.fromEntries(aliases.map((alias) => [alias, known[alias]]));
      const equals = isEqual ? { table: target, column } : undefined;
      const isInteger = type === 'integer';
      expressions.push({ path, sql: value, names, words, isInteger, isInRoutine, equals });
    }
  };
  const visit = (schema: Schema, value: unknown, path: string, here: string): void => {
    if (value === undefined) return;
    const { innerType, out = innerType, element, shape, valueType } = schema.def;
    const below = (key: string | number) => (path === '' ? String(key) : `${path}.${key}`);
    if (out !== undefined) {
      visit(out, value, path, here);
    } else if (element !== undefined) {
      for (const [position, item] of (value as unknown[]).entries())
        visit(element, item, below(position), here);
    } else if (shape !== undefined) {
      const parts = value as Record<string, unknown>;
      const beside = typeof parts.table === 'string' ? parts.table : here;
      if (typeof parts.table === 'string') addTable(parts.table, below('table'));
      for (const [key, part] of Object.entries(shape)) visit(part, parts[key], below(key), beside);
    } else if (valueType !== undefined) {
      const isReads = path.endsWith('.reads');
      for (const [key, item] of Object.entries(value as Record<string, unknown>)) {
        if (isReads) addTable(key, below(key));
        note(schema, key, item as Value, below(key), here);
        visit(valueType, item, below(key), isReads ? key : here);
      }
    } else if (typeof value === 'string') {
      note(schema, value, value, path, here);
    }
  };
  visit(shopFile as unknown as Schema, file, '', '');
  /** Tables that routines read by their own name, not through a view. */
  const named = new Set<string>();
  for (const { sql, path, isInRoutine } of expressions)
    for (const name of tablesReadIn(sql)) {
      addTable(name, path);
      if (isInRoutine) named.add(name);
    }
  return { tables, columns, expressions, named };
}

/** What is looked at of zod's definitions. */
type Schema = z.core.$ZodType & {
  readonly def: {
    readonly innerType?: Schema;
    readonly out?: Schema;
    readonly element?: Schema;
    readonly valueType?: Schema;
    readonly shape?: Readonly<Record<string, Schema>>;
  };
};
