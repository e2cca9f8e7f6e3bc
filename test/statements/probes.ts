import type { Source } from '../../scripts/deploy';

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
  const objects = source.objects.map((object) => {
    if (object.kind !== 'procedure' && object.kind !== 'function') return object;
    const text = probedText(object.text, (statement) => {
      const number = probed.length + 1;
      probed.push({ procedure: object.name, number, statement });
      return `CALL ${PROBES_SCHEMA}.p${number}();`;
    });
    return { ...object, text };
  });
  return { source: { ...source, objects }, probed };
}

/** `probe`: takes a statement's first line, returns what to put before it. */
export function probedText(text: string, probe: (statement: string) => string): string {
  const tokens = tokenize(text);
  const insertions: { at: number; text: string }[] = [];
  let position = tokens.findIndex(({ text: word }) => word === 'BEGIN');

  const peek = (ahead = 0) => tokens[position + ahead]?.text ?? '';
  const skip = (expected: string) => {
    if (peek() !== expected) throw new Error(`Expected ${expected}, found ${peek()}`);
    position++;
  };
  const skipTo = (end: string) => {
    let cases = 0;
    for (; peek() !== end || cases > 0; position++) {
      if (peek() === '') throw new Error(`Expected ${end}, found the end`);
      if (peek() === 'CASE') cases++;
      if (peek() === 'END') cases--;
    }
    position++;
  };
  const insert = (at: number, inserted: string) => insertions.push({ at, text: inserted });
  const offset = () => tokens[position]?.offset ?? text.length;
  const putProbe = () => {
    const start = offset();
    const [firstLine = ''] = text.slice(start).split('\n');
    insert(start, `${probe(firstLine.trim())} `);
  };

  const block = () => {
    skip('BEGIN');
    statements();
    skip('END');
    if (peek() !== ';' && peek() !== '$$') position++;
  };
  const statements = () => {
    while (!['END', 'ELSE', 'ELSEIF'].includes(peek())) {
      const isSignal = peek() === 'SIGNAL';
      statement();
      // MySQL asks for a RETURN in each function; behind a SIGNAL nobody gets to it.
      if (isSignal && peek() === 'RETURN') skipTo(';');
    }
  };
  const handler = () => {
    // Conditions that are a partial of the template are no tokens.
    if (peek(1) === 'BEGIN') position++;
    else
      do position += /^(SQLSTATE|NOT)$/.test(peek(1)) ? 3 : 2;
      while (peek() === ',');
    if (peek() === 'BEGIN') {
      block();
      skip(';');
    } else {
      insert(offset(), 'BEGIN ');
      statement();
      insert((tokens[position - 1]?.offset ?? 0) + 1, ' END;');
    }
  };
  const statement = () => {
    if (peek(1) === ':') position += 2;
    switch (peek()) {
      case 'DECLARE':
        if (peek(2) === 'HANDLER') {
          position += 3;
          handler();
        } else skipTo(';');
        return;
      case 'BEGIN':
        block();
        skip(';');
        return;
      case 'IF':
        putProbe();
        skipTo('THEN');
        statements();
        while (peek() === 'ELSEIF' || peek() === 'ELSE') {
          if (peek() === 'ELSE') position++;
          else skipTo('THEN');
          statements();
        }
        skip('END');
        skip('IF');
        skip(';');
        return;
      case 'WHILE':
        putProbe();
        skipTo('DO');
        statements();
        skip('END');
        skip('WHILE');
        skip(';');
        return;
      case 'LOOP':
        position++;
        statements();
        skip('END');
        skip('LOOP');
        skip(';');
        return;
      case 'CASE':
      case 'REPEAT':
        throw new Error(`Probes do not know the statement ${peek()}`);
      default: {
        const start = position;
        skipTo(';');
        const end = position;
        position = start;
        // A probe would make it the count of its own rows. The statement before it has one.
        const readsCount = tokens.slice(start, end).some(({ text: word }) => word === 'ROW_COUNT');
        if (!readsCount) putProbe();
        position = end;
      }
    }
  };
  block();
  if (peek() !== '$$') throw new Error(`Expected the end of the routine, found ${peek()}`);

  return insertions
    .reverse()
    .reduce((all, { at, text: inserted }) => all.slice(0, at) + inserted + all.slice(at), text);
}

interface Token {
  readonly text: string;
  readonly offset: number;
}

/** Words and signs, without strings' insides, comments and the templates' sections; a field is part of its word. */
function tokenize(text: string): Token[] {
  const pattern =
    /--[^\n]*|\/\*[\s\S]*?\*\/|\{\{[#^/>][^}]*\}\}|'(?:[^'\\]|\\.|'')*'|"[^"]*"|`[^`]*`|(?:[A-Za-z_@]|\{\{[\w.]+\}\})(?:[\w@.]|\{\{[\w.]+\}\})*|\d+|\$\$|\S/g;
  return [...text.matchAll(pattern)]
    .filter(([match]) => !/^(--|\/\*|\{\{[#^/>])/.test(match))
    .map((match) => ({ text: match[0], offset: match.index }));
}
