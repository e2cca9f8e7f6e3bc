/** Any token of MySQL's SQL; comments are recognised to be left out, but hints and versioned comments count. */
const TOKEN =
  /(?<comment>--(?=\s|$)[^\n]*|#[^\n]*|\/\*(?![!+])[\s\S]*?\*\/)|(?<text>'(?:[^'\\]|''|\\[\s\S])*'|"(?:[^"\\]|""|\\[\s\S])*")|(?<name>`(?:[^`]|``)*`)|(?<other>\/\*[\s\S]*?\*\/|[\p{L}\p{N}_$@.]+|[^\s])/gu;

/** The tokens of a statement without comments and white space; text in one spelling, names without quotes. */
export function tokenise(sql: string): string[] {
  const tokens: string[] = [];
  for (const { groups } of sql.matchAll(TOKEN)) {
    const { text, name, other } = groups ?? {};
    if (text !== undefined) tokens.push(`'${decodeText(text)}'`);
    else if (name !== undefined) tokens.push(name.slice(1, -1).replaceAll('``', '`'));
    else if (other !== undefined) tokens.push(other);
  }
  return tokens;
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  0: '\0',
  Z: '\x1A',
};

function decodeText(literal: string): string {
  const [quote = "'"] = literal;
  return literal
    .slice(1, -1)
    .replace(/\\([\s\S])|''|""/g, (pair, escaped: string | undefined) =>
      escaped !== undefined ? (ESCAPES[escaped] ?? escaped) : pair.startsWith(quote) ? quote : pair,
    );
}
