import { describe, expect, it } from 'vitest';
import { normaliseText } from '../../scripts/migrate/checksum';
import { inOrderOfUse } from '../../scripts/migrate/dependencies';
import { checkHistory } from '../../scripts/migrate/history';
import { readSource, Refusal } from '../../scripts/migrate';
import { pairMigrations } from '../../scripts/migrate/source';
import { migration } from './support/sources';

const file = (name: string, text = 'DO 0;') => ({ file: name, text });

describe('versioned files', () => {
  it('come in pairs', () => {
    expect(pairMigrations([file('0001_a.down.sql'), file('0001_a.up.sql')])).toMatchObject([
      { name: '0001_a' },
    ]);
  });

  it.each([
    ['a missing down file', ['0001_a.up.sql'], 'migrations/0001_a.down.sql is missing'],
    ['a missing up file', ['0001_a.down.sql'], 'migrations/0001_a.up.sql is missing'],
    [
      'a name without number',
      ['tables.up.sql'],
      'migrations/tables.up.sql: expected a name such as',
    ],
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

describe('a history', () => {
  const applied = (name: string, checksum = migration(name).checksum) => ({
    name,
    checksum,
    appliedAt: '',
    appliedBy: '',
    packageVersion: '0.9.0',
  });
  const files = [migration('0001_a'), migration('0003_c')];

  it.each([
    ['that is empty', []],
    ['that is behind', [applied('0001_a')]],
    ['that is complete', [applied('0001_a'), applied('0003_c')]],
  ])('%s may go on', (_, history) => {
    expect(checkHistory(files, history)).toEqual([]);
  });

  it.each([
    ['an edited file', [applied('0001_a', 'other')], 'migrations/0001_a.up.sql was edited'],
    [
      'a missing file',
      [applied('0001_a'), applied('0002_b')],
      'migrations/0002_b.up.sql is missing',
    ],
    [
      'a late file',
      [applied('0003_c')],
      'migrations/0001_a.up.sql is out of order: 0003_c has been applied',
    ],
    [
      'a newer database',
      [applied('0001_a'), applied('0003_c'), applied('0004_d')],
      'older than the database: 0004_d',
    ],
  ])('with %s may not, and the file is named', (_, history, message) => {
    expect(checkHistory(files, history).join('\n')).toContain(message);
  });
});

describe('views', () => {
  it('come after those that they read', () => {
    const files = [
      { name: 'a', text: 'SELECT * FROM c' },
      { name: 'b', text: '-- not a\nSELECT * FROM b_table' },
      { name: 'c', text: 'SELECT * FROM b' },
    ];
    expect(inOrderOfUse(files).map(({ name }) => name)).toEqual(['b', 'c', 'a']);
  });

  it('in a circle are refused', () => {
    const files = [
      { name: 'a', text: 'SELECT * FROM b' },
      { name: 'b', text: 'SELECT * FROM a' },
    ];
    expect(() => inOrderOfUse(files)).toThrow('a -> b -> a');
  });
});

describe("this version's files", () => {
  it('have one object each, named as the file', async () => {
    const { objects } = await readSource();
    for (const { kind, name, text } of objects) {
      expect(text).toMatch(new RegExp(`^CREATE .*\\b${kind.toUpperCase()} ${name}\\b`, 'm'));
    }
  });

  it('are refused in a folder without them', async () => {
    await expect(readSource('/nonexistent')).rejects.toThrow('ENOENT');
    expect(new Refusal(['a', 'b']).message).toBe('a\nb');
  });
});
