import { tokenise } from './tokens';

/** What a CREATE statement says, in an order and a spelling of our own, by aspect. */
export type Definition = Readonly<Record<string, string>>;

/**
 * Reads a CREATE PROCEDURE or CREATE EVENT, from a file or from SHOW CREATE, so that the two compare:
 * comments, white space, quotes, DEFINER, and an event's start and state play no part.
 */
export function readDefinition(create: string): Definition {
  const tokens = tokenise(create);
  const kind = tokens.findIndex((token) => /^(PROCEDURE|EVENT)$/i.test(token));
  const [kindToken = '', , ...rest] = tokens.slice(kind);
  return kindToken.toUpperCase() === 'EVENT' ? readEvent(rest) : readProcedure(rest);
}

/** The aspects in which two definitions differ. */
export function differingAspects(expected: Definition, found: Definition): string[] {
  return Object.keys(expected).filter((aspect) => expected[aspect] !== found[aspect]);
}

const ACCESS = /^(NO|READS|MODIFIES|CONTAINS)$/i;

function readProcedure(tokens: readonly string[]): Definition {
  const parametersEnd = closingParenthesis(tokens);
  const definition = {
    parameters: tokens.slice(0, parametersEnd + 1).join(' '),
    comment: '',
    access: 'CONTAINS SQL',
    security: 'DEFINER',
    determinism: 'NOT DETERMINISTIC',
    body: '',
  };
  let position = parametersEnd + 1;
  for (;;) {
    const token = tokens[position]?.toUpperCase() ?? '';
    const next = tokens[position + 1] ?? '';
    if (token === 'COMMENT') {
      definition.comment = next;
      position += 2;
    } else if (token === 'SQL' && next.toUpperCase() === 'SECURITY') {
      definition.security = (tokens[position + 2] ?? '').toUpperCase();
      position += 3;
    } else if (ACCESS.test(token)) {
      // NO SQL, or READS, MODIFIES, CONTAINS SQL; the standard has DATA at the end of two.
      definition.access = `${token} SQL`;
      position += tokens[position + 2]?.toUpperCase() === 'DATA' ? 3 : 2;
    } else if (token === 'DETERMINISTIC') {
      definition.determinism = token;
      position += 1;
    } else if (token === 'NOT' || token === 'LANGUAGE') {
      position += 2;
    } else {
      return { ...definition, body: tokens.slice(position).join(' ') };
    }
  }
}

function closingParenthesis(tokens: readonly string[]): number {
  let depth = 0;
  return tokens.findIndex((token) => {
    if (token === '(') depth += 1;
    if (token === ')') depth -= 1;
    return depth === 0;
  });
}

function readEvent(tokens: readonly string[]): Definition {
  const bodyStart = tokens.findIndex((token) => token.toUpperCase() === 'DO');
  const header = tokens.slice(0, bodyStart);
  const comment = header.findIndex((token) => token.toUpperCase() === 'COMMENT');
  const schedule = (comment === -1 ? header : header.slice(0, comment))
    .join(' ')
    .toUpperCase()
    .replace(/ (STARTS|ENDS) '[^']*'/g, '')
    .replace(/ (ENABLE|DISABLE( ON (REPLICA|SLAVE))?)$/, '');
  return {
    schedule,
    comment: comment === -1 ? '' : (header[comment + 1] ?? ''),
    body: tokens.slice(bodyStart + 1).join(' '),
  };
}
