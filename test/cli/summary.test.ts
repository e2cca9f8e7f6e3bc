import { describe, expect, it } from 'vitest';
import { summarise } from '../../scripts/cli/summary';

describe('the steps of a deployment', () => {
  it('are listed, and many alike are counted', () => {
    const procedures = ['a', 'b', 'c', 'd', 'e'].map((name) => `procedure ${name}: new`);
    expect(
      summarise([
        'migration 0001_tables',
        'view v: new',
        ...procedures,
        'procedure f: changed',
        'event e: new',
      ]),
    ).toEqual([
      'migration 0001_tables',
      'view v: new',
      '5 procedures: new',
      'procedure f: changed',
      'event e: new',
    ]);
  });
});
