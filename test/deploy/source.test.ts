import { describe, expect, it } from 'vitest';
import { readSource } from '../../scripts/deploy';
import { checkHistory } from '../../scripts/deploy/migrations';
import { pairMigrations } from '../../scripts/deploy/source';
import { normaliseText } from '../../scripts/deploy/text';
import { migration } from './support/sources';

const file = (name: string, text = 'DO 0;') => ({ file: name, text });

describe('versioned files', () => {
  it('come in pairs', () => {
    expect(pairMigrations([file('0001_a.down.sql'), file('0001_a.up.sql')])).toMatchObject([
      { name: '0001_a' },
    ]);
  });

  it('need no down file where they go with the tables of another', () => {
    expect(pairMigrations([file('0001_a.up.sql')])).toMatchObject([{ name: '0001_a', down: '' }]);
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
    expect([...checkHistory(files, history)]).toEqual([]);
  });

  it.each([
    ['an edited file', [applied('0001_a', 'other')], '0001_a', 'was edited'],
    ['a missing file', [applied('0001_a'), applied('0002_b')], '0002_b', 'is missing'],
    ['a late file', [applied('0003_c')], '0001_a', 'out of order, since 0003_c'],
    [
      'a newer database',
      [applied('0001_a'), applied('0003_c'), applied('0004_d')],
      '0004_d',
      'older than the database',
    ],
  ])('with %s may not, and the file is named', (_, history, name, text) => {
    expect([...checkHistory(files, history)]).toEqual([
      expect.objectContaining({
        about: `migrations/${name}.up.sql`,
        severity: 'mistake',
        text: expect.stringContaining(text) as string,
      }),
    ]);
  });
});

describe("this version's files", () => {
  it('have one object each, named as the file', async () => {
    const { objects } = await readSource();
    for (const { kind, name, text } of objects) {
      const named = name.replace('{', '\\{+').replace('}', '\\}+');
      expect(text).toMatch(new RegExp(`^CREATE .*\\b${kind.toUpperCase()} ${named}`, 'm'));
    }
  });
});
