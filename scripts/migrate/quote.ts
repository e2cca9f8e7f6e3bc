/** An identifier, quoted. */
export function quoteName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** A string literal, for a session without NO_BACKSLASH_ESCAPES (ours sets its sql_mode). */
export function quoteString(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/** A schema in GRANT and REVOKE ON schema.*, where _ and % are wildcards unless escaped. */
export function quoteSchemaPattern(schema: string): string {
  return quoteName(schema.replace(/[\\_%]/g, '\\$&'));
}

/** `a`, `b` and `c`, for a sentence. */
export function enumerate(items: readonly string[]): string {
  return items.length < 2
    ? items.join('')
    : `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
}
