import type { Table } from './tables';

const TOKEN = /\{\{(?<table>\w+)\.(?<column>\w+)\.(?<property>length|charset)\}\}/g;

/**
 * Puts a shop column's maximum length in characters, or its character set, where the file says
 * `{{table.column.length}}` or `{{table.column.charset}}`.
 * Throws an Error when the shop has no such text column.
 */
export function renderTokens(text: string, tables: ReadonlyMap<string, Table>): string {
  return text.replace(TOKEN, (token, table: string, column: string, property: string) => {
    const found = tables.get(table)?.columns.get(column);
    const value = property === 'length' ? found?.characters : found?.charset;
    if (value === undefined || value === null) {
      throw new Error(`${token} needs a text column ${table}.${column}, and this shop has none`);
    }
    return String(value);
  });
}

/** Names the account that a view, procedure or event runs as. `definer`: an account for SQL, or CURRENT_USER. */
export function withDefiner(statement: string, definer: string): string {
  return statement.replace(
    /^CREATE( OR REPLACE)?(?=( SQL SECURITY DEFINER)? (VIEW|PROCEDURE|EVENT)\b)/i,
    (create) => `${create} DEFINER = ${definer}`,
  );
}

/** The event as switched off: a changed event stays as the operator had it. */
export function disabled(createEvent: string): string {
  return createEvent.replace(/^(\s+)ENABLE$/m, '$1DISABLE');
}
