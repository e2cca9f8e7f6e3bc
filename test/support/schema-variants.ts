/** Variants of test/shops/built-in/schema.sql, for createShop({ schema }). Each takes and returns the file's text. */

export const unsignedIds = (sql: string) =>
  sql.replaceAll(/\b(\w*id) BIGINT\b/g, '$1 BIGINT UNSIGNED');

export const timestamps = (sql: string) =>
  sql.replaceAll(/\b(created_at|cancelled_at) DATETIME\b/g, '$1 TIMESTAMP');

export const wholeSeconds = (sql: string) =>
  sql.replaceAll('DATETIME(3)', 'DATETIME').replaceAll('CURRENT_TIMESTAMP(3)', 'CURRENT_TIMESTAMP');
