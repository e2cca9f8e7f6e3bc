import type { z } from 'zod';
import type { Path } from './finding';
import { type Meaning, meanings, type ShopFile, shopFile, type Value } from './schema';

/**
 * The parts of an SQL expression that mean something to us. What is quoted comes first in the pattern, so that
 * nothing inside a text is taken for a name.
 */
const PART =
  /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|(?<![\w@:]):(?<word>[a-z_]+)\b|(?<![\w$.`])(?<alias>\w+)\.(?:`(?<escaped>(?:[^`]|``)+)`|(?<column>[\w$]+))|(?<paren>[()])|(?<bad>;|--(?=\s|$)|#|\/\*|['"])/g;

interface Part {
  readonly word?: string;
  readonly reference?: Reference;
  readonly paren?: string;
  readonly bad?: string;
}

export interface Reference {
  readonly alias: string;
  readonly column: string;
}

function partOf(groups: Readonly<Record<string, string | undefined>>): Part {
  const { word, alias, escaped, paren, bad } = groups;
  const column = groups.column ?? escaped?.replaceAll('``', '`');
  return {
    ...(word === undefined ? {} : { word }),
    ...(alias === undefined || column === undefined ? {} : { reference: { alias, column } }),
    ...(paren === undefined ? {} : { paren }),
    ...(bad === undefined ? {} : { bad }),
  };
}

const partsOf = (expression: string) =>
  [...expression.matchAll(PART)].map(({ groups = {} }) => partOf(groups));

/** `o.deleted` and the like: every alias with its column. */
export function referencesIn(expression: string): Reference[] {
  return partsOf(expression).flatMap(({ reference }) => reference ?? []);
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
export function reword(expression: string, word: (part: Part) => string | undefined): string {
  return expression.replace(
    PART,
    (text, ...rest: unknown[]) => word(partOf(rest.at(-1) as Record<string, string>)) ?? text,
  );
}

/** The column when an expression is nothing but a column of this alias. */
export function soleColumn(expression: string, alias: string): string | undefined {
  const [, column, escaped] =
    new RegExp(`^\\s*${alias}\\.(?:([\\w$]+)|\`([^\`]+)\`)\\s*$`).exec(expression) ?? [];
  return column ?? escaped;
}

/** The text when an expression is nothing but a text. */
export function soleText(expression: string): string | undefined {
  const [, text] = /^\s*'((?:[^'\\]|'')*)'\s*$/.exec(expression) ?? [];
  return text?.replaceAll("''", "'");
}

/** A column of the shop that the file names. */
export interface ColumnUse extends Pick<Meaning, 'type' | 'amount' | 'written'> {
  readonly path: Path;
  readonly table: string;
  readonly column: string;
  /** What is written to it. */
  readonly value?: Value;
}

/** An SQL expression of the file. */
export interface Expression {
  readonly path: Path;
  readonly sql: string;
  /** What it can name: aliases with the tables that they stand for; undefined: no table of the shop. */
  readonly names: Readonly<Record<string, string | undefined>>;
  /** `now`, `remark`. */
  readonly words: readonly string[];
  /** An id or an amount. */
  readonly isInteger: boolean;
}

export interface Uses {
  /** Each table once, with the place that names it first. */
  readonly tables: ReadonlyMap<string, Path>;
  readonly columns: readonly ColumnUse[];
  readonly expressions: readonly Expression[];
}

/** Everything of the shop that a file names: the file is read along its schema, which says what each part means. */
export function usesOf(file: ShopFile): Uses {
  const columns: ColumnUse[] = [];
  const expressions: Expression[] = [];
  const tables = new Map<string, Path>();
  const addTable = (name: string, path: Path) => tables.has(name) || tables.set(name, path);

  const visit = (schema: Schema, value: unknown, path: Path, here: string): void => {
    if (value === undefined) return;
    const { def } = schema;
    if (def.innerType !== undefined) {
      visit(def.innerType, value, path, here);
    } else if (def.out !== undefined) {
      visit(def.out, value, path, here);
    } else if (def.element !== undefined) {
      for (const [position, item] of (value as unknown[]).entries())
        visit(def.element, item, [...path, position], here);
    } else if (def.shape !== undefined) {
      const parts = value as Record<string, unknown>;
      const beside = typeof parts.table === 'string' ? parts.table : here;
      if (typeof parts.table === 'string') addTable(parts.table, [...path, 'table']);
      for (const [key, part] of Object.entries(def.shape))
        visit(part, parts[key], [...path, key], beside);
    } else if (def.valueType !== undefined) {
      const isReads = path.at(-1) === 'reads';
      for (const [key, item] of Object.entries(value as Record<string, unknown>)) {
        if (isReads) addTable(key, [...path, key]);
        note(schema, key, item as Value, [...path, key], here);
        visit(def.valueType, item, [...path, key], isReads ? key : here);
      }
    } else if (typeof value === 'string') {
      note(schema, value, value, path, here);
    }
  };
  const note = (schema: Schema, column: string, value: Value, path: Path, here: string) => {
    const { place, type, aliases, words, ...does } = meanings.get(schema) ?? {};
    const target = file.give_back[path[0] === 'give_back' ? String(path[1]) : '']?.target.table;
    const tableOf = { orders: file.orders.table, target: target ?? '', here };
    if (place !== undefined)
      columns.push({
        path,
        table: tableOf[place],
        column,
        type,
        ...does,
        ...(does.written && aliases ? { value } : {}),
      } as ColumnUse);
    if (aliases !== undefined && typeof value === 'string') {
      const known: Record<string, string | undefined> = {
        o: file.orders.table,
        target,
        line: here,
      };
      const names = Object.fromEntries(aliases.map((alias) => [alias, known[alias]]));
      expressions.push({
        path,
        sql: value,
        names,
        words: words ?? [],
        isInteger: type === 'integer',
      });
    }
  };
  visit(shopFile as unknown as Schema, file, [], '');
  return { tables, columns, expressions };
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
