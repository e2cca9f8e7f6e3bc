import { expect, test } from 'vitest';
import { withSession } from '../../../scripts/deploy/connection';
import { guessShopFile } from '../../../scripts/deploy/shop-file/guess';
import { ordersOf, purchases } from '../../shops/example';
import { createShop } from '../../support';
import { check } from './tables';

/** Columns that say of a row that it is dead, as shops have them, and a value that says so. */
const COLUMNS: readonly (readonly [string, string, string | number, string])[] = [
  ['deleted_at', 'DATETIME NULL', '2026-01-31', 'x.deleted_at IS NULL'],
  ['deleted_at', 'DATE NULL', '2026-01-31', 'x.deleted_at IS NULL'],
  [
    'deleted_at',
    "DATETIME NOT NULL DEFAULT '0000-00-00'",
    '2026-01-31',
    'YEAR(x.deleted_at) < 1000',
  ],
  [
    'deleted_at',
    "TIMESTAMP NOT NULL DEFAULT '0000-00-00'",
    '2026-01-31',
    'YEAR(x.deleted_at) < 1000',
  ],
  ['deleted_at', 'INT UNSIGNED NULL', 1_700_000_000, 'COALESCE(x.deleted_at, 0) = 0'],
  ['deleted_at', 'BIGINT NOT NULL DEFAULT 0', 1_700_000_000, 'x.deleted_at = 0'],
  // Where a new row has 0, the shop's own code looks for 0.
  ['deleted', 'TINYINT(1) NULL DEFAULT 0', 1, 'x.deleted = 0'],
  ['deleted', 'BIT(1) NULL', 1, 'COALESCE(x.deleted, 0) = 0'],
  // Nothing is proposed.
  ['is_deleted', "CHAR(1) NOT NULL DEFAULT 'N'", 'Y', ''],
  ['is_deleted', "ENUM('N', 'Y') NOT NULL DEFAULT 'N'", 'Y', ''],
];

test.each(COLUMNS)(
  'a new row is not dead by what is proposed: %s %s',
  async (name, type, dead, alive) => {
    const shop = await createShop({
      deploy: false,
      schema: () => `SET sql_mode = '';
${purchases(`points INT NOT NULL DEFAULT 0, ${name} ${type}`)}
CREATE TABLE guest (id BIGINT PRIMARY KEY, points INT NOT NULL DEFAULT 0, ${name} ${type});
INSERT INTO guest (id) VALUES (7), (8);`,
    });
    await shop.run('UPDATE guest SET ?? = ? WHERE id = 8', [name, dead]);
    const { findings } = await check(
      shop,
      `${ordersOf('purchase')}
give_back:
  points: {order: {target: o.user_id, amount: o.points}, target: {table: guest, id: id}, add: points}
`,
    );
    const by = (alias: string) => alive.replace('x.', `${alias}.`);

    expect(findings.find(({ about }) => about === 'give_back.points.target.only')).toMatchObject({
      text: `guest has a column ${name}`,
      ...(alive === ''
        ? { remedy: expect.stringContaining('say in "only" of target which are not') as string }
        : { proposal: by('target') }),
    });
    if (alive !== '')
      expect(await shop.run(`SELECT id FROM guest AS x WHERE ${alive}`)).toEqual([{ id: 7 }]);
    await shop.run('RENAME TABLE purchase TO orders');
    expect(await withSession(shop.url, guessShopFile)).toContain(
      alive === '' ? `# only: by o.${name}, which are not dead?` : `  only: ${by('o')}\n`,
    );
  },
);
