import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mysqlSplitterOptions, splitQuery } from 'dbgate-query-splitter';
import type { Connection } from 'mysql2/promise';

/** Runs a file of sql/shop. `edit`: makes a variant of it first. */
export async function runShopFile(
  db: Connection,
  file: string,
  edit: (sql: string) => string = (sql) => sql,
): Promise<void> {
  const sql = edit(await readFile(join(__dirname, '../../sql/shop', file), 'utf8'));
  for (const statement of splitQuery(sql, mysqlSplitterOptions)) {
    if (typeof statement === 'string') await db.query(statement);
    else await db.query(statement.text);
  }
}
