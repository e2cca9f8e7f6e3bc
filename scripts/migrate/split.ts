import { mysqlSplitterOptions, splitQuery } from 'dbgate-query-splitter';

/** A statement of a file, without the comment lines that stand above it. */
export interface SourceStatement {
  readonly comments: readonly string[];
  readonly sql: string;
}

/** Splits a file for the mysql client (DELIMITER and all) into its statements. */
export function splitStatements(text: string): SourceStatement[] {
  // Without returnRichInfo every item is a string.
  return (splitQuery(text, mysqlSplitterOptions) as string[])
    .map(separateComments)
    .filter(({ sql }) => sql !== '');
}

function separateComments(chunk: string): SourceStatement {
  const lines = chunk.trim().split('\n');
  const first = lines.findIndex((line) => !/^\s*(--(\s|$)|#|$)/.test(line));
  if (first === -1) return { comments: lines, sql: '' };
  return { comments: lines.slice(0, first), sql: lines.slice(first).join('\n').trim() };
}
