import { type Index, leadsWith } from './indexes';

/** A comment above a statement that says when the statement is to be run. */
export type Guard = UnlessIndex | IfIndex;

/** `-- @unless-index table (a, b) | (c)`: no index of the table leads with one of these column lists. */
export interface UnlessIndex {
  readonly kind: 'unless-index';
  readonly table: string;
  readonly alternatives: readonly (readonly string[])[];
}

/** `-- @if-index table name`: the table has this index. */
export interface IfIndex {
  readonly kind: 'if-index';
  readonly table: string;
  readonly index: string;
}

/** The guard among the comments above a statement. Throws an Error for one that it doesn't understand. */
export function parseGuard(comments: readonly string[]): Guard | undefined {
  const line = comments
    .map((comment) => comment.trim())
    .find((comment) => comment.startsWith('-- @'));
  if (line === undefined) return undefined;

  const unless = /^-- @unless-index (\w+) (\(.+\))$/.exec(line);
  if (unless !== null) {
    const [, table = '', lists = ''] = unless;
    const alternatives = lists.split('|').map((list) => list.replace(/[()\s]/g, '').split(','));
    return { kind: 'unless-index', table, alternatives };
  }
  const exists = /^-- @if-index (\w+) (\w+)$/.exec(line);
  if (exists !== null) {
    const [, table = '', index = ''] = exists;
    return { kind: 'if-index', table, index };
  }
  throw new Error(
    `Expected "-- @unless-index table (columns)" or "-- @if-index table name", found "${line}"`,
  );
}

/** The index that makes the table need no other, if there is one. */
export function findServing(guard: UnlessIndex, indexes: readonly Index[]): Index | undefined {
  return indexes.find(
    (index) =>
      index.table === guard.table &&
      guard.alternatives.some((columns) => leadsWith(index, columns)),
  );
}
