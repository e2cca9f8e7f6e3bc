import type { Shop } from '../support';

/** A statement of a deployed procedure that reads or writes tables. */
export interface Statement {
  readonly procedure: string;
  readonly sql: string;
  /** Of the procedure's parameters and variables, such as "json" or "datetime", by name. */
  readonly types: ReadonlyMap<string, string>;
}

/** The statements of these procedures and of all that they call, as deployed. */
export async function statementsOf(shop: Shop, ...entries: string[]): Promise<Statement[]> {
  const rows = await shop.run<{ name: string; body: string }>(
    `SELECT routine_name AS name, routine_definition AS body
       FROM information_schema.routines WHERE routine_schema = DATABASE()`,
  );
  const parameters = await shop.run<{ routine: string; name: string; type: string }>(
    `SELECT specific_name AS routine, parameter_name AS name, data_type AS type
       FROM information_schema.parameters WHERE specific_schema = DATABASE()`,
  );
  const bodies = new Map(rows.map(({ name, body }) => [name, withoutComments(body)]));
  const reached = new Set(entries);
  for (const name of reached) {
    for (const [, called] of (bodies.get(name) ?? '').matchAll(/\bCALL (\w+)/gi)) {
      if (called !== undefined) reached.add(called);
    }
  }
  return [...reached].flatMap((procedure) => {
    const body = bodies.get(procedure) ?? '';
    const types = new Map([
      ...parameters
        .filter(({ routine }) => routine === procedure)
        .map(({ name, type }) => [name, type.toLowerCase()] as const),
      ...variablesIn(body),
    ]);
    return statementsIn(body).map((sql) => ({ procedure, sql, types }));
  });
}

function variablesIn(body: string): (readonly [string, string])[] {
  return [...body.matchAll(/\bDECLARE ((?:v_\w+,?\s+)+)(\w+)/gi)].flatMap(
    ([, names = '', type = '']) =>
      (names.match(/\w+/g) ?? []).map((name) => [name, type.toLowerCase()] as const),
  );
}

const VERBS = /\b(SELECT|INSERT|UPDATE|DELETE)\b/gi;

/**
 * Cuts a body without comments into the statements that have a plan: those that stand on their own, and the
 * subqueries of SET, DECLARE, IF and the like. Throws an Error when a SELECT, INSERT, UPDATE or DELETE is left over.
 */
export function statementsIn(body: string): string[] {
  const statements = split(body).flatMap((chunk) => {
    const start =
      /^(?:.*?\b(?:BEGIN|THEN|ELSE|DO|LOOP|REPEAT|CURSOR FOR)\s+)?(?=(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b)/is;
    const own = ownStatement(chunk, start);
    const control = own === undefined ? chunk : chunk.slice(0, chunk.length - own.length);
    return [...subqueries(control), ...(own === undefined ? [] : [own])];
  });
  const count = (texts: readonly string[]) =>
    texts.reduce((sum, text) => sum + (blankQuotes(text).match(VERBS)?.length ?? 0), 0);
  if (count(statements) !== count([body])) {
    throw new Error(`Not every statement was found in\n${body}`);
  }
  return statements;
}

/** What stands behind control words such as IF … THEN, if it is a statement with a plan. */
function ownStatement(chunk: string, start: RegExp): string | undefined {
  // Subqueries hide their words: only what stands outside of parentheses begins a statement.
  const outside = blankParentheses(chunk);
  const found = start.exec(outside);
  if (found === null) return undefined;
  let at = found[0].length;
  for (let more = start.exec(outside.slice(at)); more !== null && more[0] !== '';) {
    at += more[0].length;
    more = start.exec(outside.slice(at));
  }
  return chunk.slice(at);
}

function subqueries(text: string): string[] {
  const found: string[] = [];
  for (let at = text.search(/\(\s*SELECT\b/i); at !== -1; at = text.search(/\(\s*SELECT\b/i)) {
    const end = closing(text, at);
    found.push(text.slice(at + 1, end).trim());
    text = text.slice(end);
  }
  return found;
}

/** Splits at the semicolons outside of quotes. */
function split(text: string): string[] {
  return (text.match(/(?:'(?:[^'\\]|\\.|'')*'|[^;'])+/gs) ?? []).map((chunk) => chunk.trim());
}

export function withoutComments(text: string): string {
  return text
    .replace(/--[ \t].*$|--$/gm, '')
    .replace(/\/\*(?!\+)[^]*?\*\//g, '')
    .trim();
}

/** The same length, with blanks for all that stands in parentheses or quotes. */
function blankParentheses(text: string): string {
  let depth = 0;
  return blankQuotes(text).replace(/[^]/g, (character) => {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    return depth > 0 || character === ')' ? ' ' : character;
  });
}

/** The same length, with blanks for what is quoted. */
function blankQuotes(text: string): string {
  return text.replace(/'(?:[^'\\]|\\.|'')*'/gs, (quoted) => ' '.repeat(quoted.length));
}

/** Where the parenthesis that opens at `at` closes. */
function closing(text: string, at: number): number {
  let depth = 0;
  const blank = blankQuotes(text);
  for (let index = at; index < blank.length; index += 1) {
    if (blank[index] === '(') depth += 1;
    if (blank[index] === ')' && (depth -= 1) === 0) return index;
  }
  throw new Error(`A parenthesis is not closed in ${text}`);
}

/** Values for parameters and variables: the first that fits the name and the type. */
export type Values = readonly (readonly [of: RegExp, value: string])[];

/** A statement as EXPLAIN takes it: without INTO, and with a value for each parameter and variable. */
export function withValues({ procedure, sql, types }: Statement, values: Values): string {
  return sql
    .replace(/\bINTO\s+[pv]_\w+(\s*,\s*[pv]_\w+)*/gi, '')
    .replace(/\b[pv]_\w+\b/g, (name) => {
      const described = `${name} ${types.get(name) ?? 'of no type'}`;
      const value = values.find(([of]) => of.test(described))?.[1];
      if (value === undefined) throw new Error(`${procedure}: say in VALUES what ${described} is`);
      return value;
    });
}
