import { describe, expect, it } from 'vitest';
import { readSource } from '../../scripts/migrate';
import { TABLE_GRANTS } from '../../scripts/migrate/grants';
import { ownTables } from '../../scripts/migrate/plan';

describe('the grants of the definer account', () => {
  it('cover every table of ours', async () => {
    const granted = TABLE_GRANTS.map(({ table }) => table);
    expect(granted).toEqual(expect.arrayContaining(ownTables(await readSource())));
  });

  it('allow to insert into exactly the tables that are inserted into', async () => {
    const { objects } = await readSource();
    const written = objects
      .filter(({ kind }) => kind === 'procedure')
      .flatMap(({ text }) =>
        [...text.matchAll(/^\s*INSERT INTO (\w+)/gm)].map(([, table]) => table),
      );
    const granted = TABLE_GRANTS.filter(({ privileges }) => privileges.INSERT !== undefined);
    expect(granted.map(({ table }) => table).sort()).toEqual([...new Set(written)].sort());
  });
});
