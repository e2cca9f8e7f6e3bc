import { describe, expect, it } from 'vitest';
import { findServing, parseGuard, type UnlessIndex } from '../../scripts/migrate/guards';
import { type Index, indexedColumn, type IndexPart } from '../../scripts/migrate/indexes';

const part = (column: string, options: Partial<IndexPart> = {}): IndexPart => ({
  column,
  prefix: null,
  descending: false,
  ...options,
});

const index = (parts: readonly IndexPart[], options: Partial<Index> = {}): Index => ({
  table: 'orders',
  name: 'idx',
  parts,
  visible: true,
  unique: false,
  type: 'BTREE',
  ...options,
});

const guard = parseGuard(['-- Why', '-- @unless-index orders (a, b) | (c)']) as UnlessIndex;
const serves = (...indexes: Index[]) => findServing(guard, indexes) !== undefined;

describe('a guard', () => {
  it('names the leading columns that make an index needless', () => {
    expect(guard).toEqual({
      kind: 'unless-index',
      table: 'orders',
      alternatives: [['a', 'b'], ['c']],
    });
  });

  it('names the index that must exist', () => {
    expect(parseGuard(['-- @if-index orders idx'])).toEqual({
      kind: 'if-index',
      table: 'orders',
      index: 'idx',
    });
  });

  it('is none without a comment of that kind', () => {
    expect(parseGuard(['-- a comment'])).toBeUndefined();
  });

  it('is refused when it is misspelt', () => {
    expect(() => parseGuard(['-- @unless-indx orders (a)'])).toThrow('Expected "-- @unless-index');
  });
});

describe('an index serves', () => {
  it.each([
    ['when it leads with the columns', index([part('a'), part('b'), part('z')])],
    ['when it leads with an alternative', index([part('c')])],
    ['when it is spelt in capitals', index([part('A'), part('B')])],
    ['when a text is long enough in it to tell ids apart', index([part('c', { prefix: 20 })])],
  ])('%s', (_, candidate) => {
    expect(serves(candidate)).toBe(true);
  });

  it.each([
    ['in another order', index([part('b'), part('a')])],
    ['with something before the columns', index([part('z'), part('a'), part('b')])],
    ['with too few columns', index([part('a')])],
    ['of another table', index([part('c')], { table: 'other' })],
    ['that is invisible', index([part('c')], { visible: false })],
    ['that is no BTREE', index([part('c')], { type: 'FULLTEXT' })],
    ['over an expression', index([{ column: null, prefix: null, descending: false }])],
    ['downwards', index([part('c', { descending: true })])],
    ['with too little of a text', index([part('c', { prefix: 8 })])],
  ])('not %s', (_, candidate) => {
    expect(serves(candidate)).toBe(false);
  });
});

describe('a column goes into an index', () => {
  it.each([
    ['whole', 'user_id', null, 'user_id'],
    ['whole when its text is short', 'ref_id', 64, 'ref_id'],
    ['with its beginning when its text is long', 'ref_id', 65_535, 'ref_id(64)'],
  ])('%s', (_, column, characters, expected) => {
    expect(indexedColumn(column, characters)).toBe(expected);
  });
});
