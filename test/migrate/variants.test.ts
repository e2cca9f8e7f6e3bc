import { describe, expect, it } from 'vitest';
import { down, readSource, up } from '../../scripts/migrate';
import { createShop, pendingOrder, timestamps, unsignedIds, wholeSeconds } from '../support';

const everyIndexServes = (sql: string) =>
  sql
    .replace(
      'UNIQUE KEY uk_order_no',
      'KEY my_due (status, source_type, created_at, user_id),\n    UNIQUE KEY uk_order_no',
    )
    .replace(
      "KEY idx_user (user_id)\n) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci COMMENT = 'Every change of a user",
      "KEY my_ref (user_id, ref_table, ref_id)\n) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci COMMENT = 'Every change of a user",
    );

const noIndex = (sql: string) => sql.replaceAll(/,\n {4}KEY idx_\w+ \([^)]+\)/g, '');

const extraColumns = (sql: string) =>
  sql
    .replaceAll("COMMENT 'Every change", "COMMENT 'Every change")
    .replaceAll(
      /(CREATE TABLE user_(?:coupon|points)_ledger \(\n)/g,
      '$1    tenant INT NOT NULL DEFAULT 7,\n    note VARCHAR(8) NOT NULL DEFAULT (UUID_SHORT() % 10),\n',
    );

const refIdAs = (type: string) => (sql: string) =>
  sql.replace("ref_id VARCHAR(64) NOT NULL DEFAULT ''", `ref_id ${type}`);

const actionEnum = (sql: string) =>
  sql.replaceAll(
    /action VARCHAR\(32\) NOT NULL/g,
    "action ENUM('grant', 'reserve', 'usage', 'order_deduct', 'timeout_refund', 'cancel_refund', 'repair_refund') NOT NULL",
  );

describe('a shop', () => {
  it.each([
    ['with unsigned ids', unsignedIds],
    ['whose times are TIMESTAMPs', timestamps],
    ['whose times have whole seconds', wholeSeconds],
    ['with more NOT NULL columns that have defaults', extraColumns],
    ['without any index of use', noIndex],
    [
      'whose ids in the points ledger are latin1',
      refIdAs("VARCHAR(32) CHARACTER SET latin1 NOT NULL DEFAULT ''"),
    ],
    [
      'whose ids in the points ledger are utf8mb4_bin',
      refIdAs("VARCHAR(32) COLLATE utf8mb4_bin NOT NULL DEFAULT ''"),
    ],
    ['whose ids in the points ledger are TEXT', refIdAs('TEXT NOT NULL')],
    ['whose ids in the points ledger are very long', refIdAs("VARCHAR(1024) NOT NULL DEFAULT ''")],
    ['whose actions are an ENUM', actionEnum],
  ])('%s is deployed to, swept, and left as it was', async (_, schema) => {
    const shop = await createShop({ deploy: false, schema });
    const tables = () =>
      shop.run(`SELECT table_name, column_name, column_type, collation_name, extra FROM information_schema.columns
                 WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position`);
    const indexes = () =>
      shop.run(`SELECT table_name, index_name, column_name FROM information_schema.statistics
                 WHERE table_schema = DATABASE() ORDER BY 1, 2, seq_in_index`);
    const before = [await tables(), await indexes()];

    const source = await readSource();
    await up(shop.url, { source, paused: true });
    expect(await up(shop.url, { source })).toMatchObject({ outcome: 'nothing_to_do' });
    await pendingOrder(shop, { coupon: 1000, points: 50 });
    await shop.run('ALTER EVENT order_timeout_tick DISABLE');
    await shop.run('UPDATE order_timeout_setting SET paused = 0');
    await shop.run('CALL cancel_expired_orders()');
    expect(await shop.run('SELECT status FROM orders')).toEqual([{ status: 3 }]);
    expect(
      await shop.run("SELECT points FROM user_points_ledger WHERE action = 'timeout_refund'"),
    ).toHaveLength(1);

    await down(shop.url, { dropJournal: true });
    expect([await tables(), await indexes()]).toEqual(before);
  });

  it('that has every index already gets none', async () => {
    const shop = await createShop({ deploy: false, schema: everyIndexServes });
    await up(shop.url);
    expect(
      await shop.run(
        `SELECT table_name FROM information_schema.statistics
          WHERE table_schema = DATABASE() AND table_name NOT LIKE 'order\\_timeout\\_%' AND index_name LIKE 'order\\_timeout\\_%'`,
      ),
    ).toEqual([]);
  });

  it('whose index was made invisible gets one', async () => {
    const shop = await createShop({ deploy: false });
    await shop.run('ALTER TABLE order_coupons ALTER INDEX idx_order INVISIBLE');
    await up(shop.url);
    expect(
      await shop.run(`SHOW INDEX FROM order_coupons WHERE key_name = 'order_timeout_order'`),
    ).toHaveLength(1);
  });
});
