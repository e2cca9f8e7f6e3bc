import { expect, test } from 'vitest';
import { EXAMPLES } from '../../scripts/dev/shop';
import { createExample } from '../shops/example';

test.each(EXAMPLES)(
  'every view of the %s shop can be made again from what the server says of it, as a dump does',
  async (example) => {
    const shop = await createExample(example);
    const views = await shop.column(
      'SELECT table_name FROM information_schema.views WHERE table_schema = ? ORDER BY 1',
      [shop.name],
    );
    const refused: unknown[] = [];

    for (const name of views) {
      const [shown] = await shop.run<Record<string, string>>('SHOW CREATE VIEW ??', [name]);
      const again = shown?.['Create View']?.replace('CREATE', 'CREATE OR REPLACE') ?? '';
      await shop.run('SET collation_connection = ?', [shown?.collation_connection]);
      await shop
        .run(again)
        .catch((error: unknown) => refused.push([name, (error as Error).message]));
    }

    expect(views.length).toBeGreaterThan(20);
    expect(refused).toEqual([]);
  },
);
