import { createHash } from 'node:crypto';
import { mysqlSplitterOptions, splitQuery } from 'dbgate-query-splitter';

/** Line ends as on Unix and no byte order mark: a checkout on Windows is the same file. */
export function normaliseText(text: string): string {
  return text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
}

/** SHA-256 of the parts, in hex. */
export function checksum(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex');
}

/** Splits a file for the mysql client (DELIMITER and all) into its statements, without the comments above them. */
export function splitStatements(text: string): string[] {
  // Without returnRichInfo every item is a string.
  return (splitQuery(text, mysqlSplitterOptions) as string[])
    .map(withoutLeadingComments)
    .filter((statement) => statement !== '');
}

function withoutLeadingComments(chunk: string): string {
  const lines = chunk.trim().split('\n');
  const first = lines.findIndex((line) => !/^\s*(--(\s|$)|#|$)/.test(line));
  return first === -1 ? '' : lines.slice(first).join('\n').trim();
}

/** An identifier, quoted. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** A string literal, for a session without NO_BACKSLASH_ESCAPES (ours sets its sql_mode). */
export function quoteString(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** `a`, `b` and `c`, for a sentence. */
export function enumerate(items: readonly string[]): string {
  return items.length < 2
    ? items.join('')
    : `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
}

/** Lists by key, both in the order in which they came. */
export function groupBy<Key, Item>(
  items: readonly Item[],
  keyOf: (item: Item) => Key,
): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/** A statement for where a condition does not hold; the server is asked when it runs. */
export const doUnless = (condition: string, statement: string): readonly string[] => [
  `SET @order_timeout_check = IF(${condition},\n    'DO 0', ${quoteString(statement)})`,
  'PREPARE order_timeout_check FROM @order_timeout_check',
  'EXECUTE order_timeout_check',
];

/** Statements that end a deployment or a script unless this holds. `why`: the name of a procedure that is missing. */
export const requireThat = (condition: string, why: string) => doUnless(condition, `CALL ${why}()`);
