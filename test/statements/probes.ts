import type { Source } from '../../scripts/deploy';
import { withTexts } from '../../scripts/dev/sources';

/** A statement of a routine; the probe before it is a call of an empty procedure with this number. */
export interface Probed {
  readonly procedure: string;
  readonly number: number;
  /** Its first line. */
  readonly statement: string;
}

export const PROBES_SCHEMA = 'order_timeout_probes';

/** All routines with a probe before each statement. Behaviour stays: a probe writes nothing and locks no row. */
export function withProbes(source: Source): { source: Source; probed: Probed[] } {
  const probed: Probed[] = [];
  const withEach = withTexts(source, ({ kind, name: procedure, text }) => {
    if (kind !== 'procedure' && kind !== 'function') return text;
    return probedText(text, (statement) => {
      const number = probed.length + 1;
      probed.push({ procedure, number, statement });
      return `CALL ${PROBES_SCHEMA}.p${number}();`;
    });
  });
  return { source: withEach, probed };
}

/** A handler whose action is a single statement; a block around it has place for a probe. */
const CONDITION = String.raw`(?:\d+|SQLSTATE '\w+'|NOT FOUND|SQL\w+|\{\{> \w+\}\})(?: /\*[^*]*\*/)?`;
const SHORT_HANDLER = new RegExp(
  String.raw`(HANDLER FOR ${CONDITION}(?:,\s*${CONDITION})*)\s+((?!BEGIN\b)\w[^;]*;)`,
  'g',
);

/** Comments and the templates' sections, strings, words (a template's field is part of its word), signs. */
const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?\*\/|\{\{[#^/>][^}]*\}\}|'(?:[^'\\]|\\.|'')*'|"[^"]*"|`[^`]*`|(?:[A-Za-z_@]|\{\{[\w.]+\}\})(?:[\w@.]|\{\{[\w.]+\}\})*|\d+|\$\$|\S/g;

/** What can stand where a statement could begin, and is none. */
const NO_STATEMENT = /^(?:DECLARE|BEGIN|END|ELSE|ELSEIF|LOOP)$/;

/** `probe`: takes a statement's first line, returns what to put before it. */
export function probedText(routine: string, probe: (statement: string) => string): string {
  const text = routine.replace(SHORT_HANDLER, '$1 BEGIN $2 END;');
  const body = text.search(/\bBEGIN$/m);
  let begins = false;
  let cases = 0;
  let statementBefore = '';

  return text.replace(TOKEN, (token: string, offset: number) => {
    if (offset < body || /^(?:--|\/\*|\{\{[#^/>])/.test(token)) return token;
    const rest = text.slice(offset);
    const isFirst = begins;
    const isLabel = isFirst && (token === ':' || rest.startsWith(':', token.length));
    if (isFirst && /^(?:CASE|REPEAT)$/.test(token))
      throw new Error(`Probes do not know the statement ${token}`);
    if (token === 'CASE') cases++;
    begins =
      isLabel ||
      /^(?:;|BEGIN)$/.test(token) ||
      (cases === 0 && /^(?:THEN|ELSE)$/.test(token)) ||
      // Not "DO RELEASE_LOCK(…)", nor "END LOOP".
      (token === 'DO' && !isFirst) ||
      (token === 'LOOP' && isFirst);
    if (token === 'END') cases = Math.max(cases - 1, 0);
    if (!isFirst || isLabel) return token;
    const before = statementBefore;
    statementBefore = token;
    if (NO_STATEMENT.test(token)) return token;

    // MySQL asks for a RETURN in each function; behind a SIGNAL nobody gets to it.
    const isNeverReached = token === 'RETURN' && before === 'SIGNAL';
    // A probe would make it the count of its own rows. The statement before it has one.
    const readsCount = /^[^;]*\bROW_COUNT\b/.test(rest);
    if (isNeverReached || readsCount) return token;
    return `${probe(rest.split('\n')[0]?.trim() ?? '')} ${token}`;
  });
}
