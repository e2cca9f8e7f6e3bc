import { describe, expect, it } from 'vitest';
import { pairMigrations } from '../../scripts/deploy/source';
import { normaliseText } from '../../scripts/deploy/text';

const file = (name: string) => ({ file: name, text: 'DO 0;' });

describe('versioned files', () => {
  it('come in pairs, or without a down file where they go with the tables of another', () => {
    const files = [file('0001_a.down.sql'), file('0001_a.up.sql'), file('0002_b.up.sql')];
    expect(pairMigrations(files)).toMatchObject([{ name: '0001_a' }, { name: '0002_b', down: '' }]);
  });

  it.each([
    ['a missing up file', ['0001_a.down.sql'], 'migrations/0001_a.up.sql is missing'],
    ['a name without number', ['tables.up.sql'], 'migrations/tables.up.sql: expected a name'],
    [
      'a number used twice',
      ['0001_a.down.sql', '0001_a.up.sql', '0001_b.down.sql', '0001_b.up.sql'],
      '0001_a and 0001_b have the same number',
    ],
  ])('are refused with %s', (_, names, message) => {
    expect(() => pairMigrations(names.map((name) => file(name)))).toThrow(message);
  });

  it('are the same file with Windows line ends', () => {
    expect(normaliseText('\uFEFFa\r\nb\r\n')).toBe('a\nb\n');
  });
});
