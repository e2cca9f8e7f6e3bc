import { describe, expect, it } from 'vitest';
import { openSession } from '../../scripts/migrate/connection';
import { readSource, Refusal, up } from '../../scripts/migrate';
import { SHOP_TABLES } from '../../scripts/migrate/tables';
import { readState } from '../../scripts/migrate/state';
import { checkShop } from '../../scripts/preflight/shop';
import { createShop, type Shop } from '../support';
import { snapshot } from '../migrate/support/snapshot';

async function findings(shop: Shop): Promise<string[]> {
  const db = await openSession(shop.url);
  try {
    return checkShop((await readState(db, await readSource())).tables);
  } finally {
    db.destroy();
  }
}

describe("the shop's tables", () => {
  it('do when they are as the design says', async () => {
    expect(await findings(await createShop({ deploy: false }))).toEqual([]);
  });

  it.each([
    ['a table is missing', 'DROP TABLE order_coupons', 'The table order_coupons is missing'],
    [
      'a table is a view',
      'DROP TABLE order_coupons; CREATE VIEW order_coupons AS SELECT 1 AS order_id',
      'order_coupons is a view: it must be a table',
    ],
    [
      'a table is not InnoDB',
      'ALTER TABLE user_points ENGINE = MyISAM',
      'The table user_points is MyISAM',
    ],
    [
      'a column is missing',
      'ALTER TABLE orders DROP COLUMN cancelled_at',
      'The column orders.cancelled_at is missing: expected DATETIME or TIMESTAMP',
    ],
    [
      'an amount is no integer',
      'ALTER TABLE user_coupons MODIFY balance_amount DECIMAL(10, 2) NOT NULL',
      'user_coupons.balance_amount is decimal(10,2): expected an integer type',
    ],
    [
      'a time is no time',
      'ALTER TABLE orders MODIFY created_at BIGINT NOT NULL',
      'orders.created_at is bigint: expected DATETIME or TIMESTAMP',
    ],
    [
      'an action is too short',
      'ALTER TABLE user_coupon_ledger MODIFY action VARCHAR(8) NOT NULL',
      'user_coupon_ledger.action is varchar(8), and the engine writes up to 14 characters',
    ],
    [
      'an ENUM lacks our actions',
      "ALTER TABLE user_coupon_ledger MODIFY action ENUM('grant', 'timeout_refund') NOT NULL",
      "user_coupon_ledger.action is an ENUM without 'cancel_refund' and 'repair_refund'",
    ],
    [
      'an id does not fit its text',
      'ALTER TABLE user_points_ledger MODIFY ref_id VARCHAR(10) NOT NULL',
      'user_points_ledger.ref_id is varchar(10), and the engine writes up to 19 characters',
    ],
    [
      'what becomes NULL is NOT NULL',
      'ALTER TABLE user_coupons MODIFY used_order_id BIGINT NOT NULL',
      'user_coupons.used_order_id is NOT NULL, and the engine sets it to NULL',
    ],
    [
      'a column needs a value that we do not know',
      'ALTER TABLE user_coupon_ledger ADD COLUMN tenant INT NOT NULL',
      'user_coupon_ledger.tenant is NOT NULL without a default',
    ],
    [
      'a ledger has ids without AUTO_INCREMENT',
      'ALTER TABLE user_points_ledger MODIFY id BIGINT NOT NULL',
      'user_points_ledger.id has no AUTO_INCREMENT',
    ],
    [
      'ids are not unique',
      'ALTER TABLE user_coupons MODIFY id BIGINT NOT NULL, DROP PRIMARY KEY, ADD PRIMARY KEY (id, user_id)',
      'user_coupons has no PRIMARY KEY or UNIQUE KEY on (id)',
    ],
    [
      'what we write is generated',
      'ALTER TABLE user_coupons DROP COLUMN used_at; ALTER TABLE user_coupons ADD COLUMN used_at DATETIME AS (NULL)',
      'user_coupons.used_at is a generated column',
    ],
  ])('are refused when %s', async (_, change, message) => {
    const shop = await createShop({ deploy: false });
    for (const statement of change.split('; ')) await shop.run(statement);
    expect((await findings(shop)).join('\n')).toContain(message);
  });
});

describe('"up" on a shop that will not do', () => {
  it('says everything at once, and changes nothing', async () => {
    const shop = await createShop({ deploy: false });
    await shop.run('DROP TABLE order_coupons');
    await shop.run('ALTER TABLE orders DROP COLUMN cancelled_at');
    await shop.run('CREATE PROCEDURE cancel_order () DO 0');
    await shop.run(
      "INSERT INTO orders (order_no, user_id, created_at) VALUES ('1', 1, UTC_TIMESTAMP() + INTERVAL 8 HOUR)",
    );
    const before = await snapshot(shop);

    const refusal = await up(shop.url).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Refusal);
    expect((refusal as Refusal).findings).toEqual([
      expect.stringContaining('procedure cancel_order'),
      expect.stringContaining('orders.cancelled_at is missing'),
      expect.stringContaining('order_coupons is missing'),
      expect.stringContaining('--clock +08:00'),
    ]);
    expect(await snapshot(shop)).toEqual(before);
  });

  it('says so on a database without any of its tables', async () => {
    const shop = await createShop({ deploy: false });
    for (const table of SHOP_TABLES) {
      await shop.run(`DROP TABLE ${table}`);
    }
    await expect(up(shop.url)).rejects.toMatchObject({ findings: { length: 6 } });
  });

  it('names the privileges that the account lacks', async () => {
    const shop = await createShop({ deploy: false });
    const url = await shop.createAccount(
      `SELECT, INSERT, UPDATE, DELETE, CREATE, DROP ON ${shop.name}.*`,
    );
    await expect(up(url)).rejects.toThrow(
      /lacks ALTER, INDEX, CREATE VIEW.* and EVENT on the schema: GRANT ALTER, INDEX/,
    );
    await expect(up(url)).rejects.toThrow(
      'lacks SELECT on performance_schema.replication_group_members',
    );
  });
});
