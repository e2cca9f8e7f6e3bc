/** Text, whole numbers or NULL: what our procedures take. */
export type Argument = string | bigint | null;

/**
 * `CALL procedure(…)`. Text goes as hexadecimal digits, which mean the same under every sql_mode, and
 * which no placeholder format of the connection can take for something else.
 */
export function callStatement(procedure: string, args: readonly Argument[]): string {
  return `CALL ${procedure}(${args.map(literal).join(', ')})`;
}

function literal(argument: Argument): string {
  if (argument === null) return 'NULL';
  if (typeof argument === 'bigint') return String(argument);
  return `_utf8mb4 X'${Buffer.from(argument, 'utf8').toString('hex')}'`;
}
