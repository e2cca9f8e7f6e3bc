import { describe, expect, it } from 'vitest';
import { up } from '../../scripts/deploy';
import { createShop } from '../support';

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

describe('a shop', () => {
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
      await shop.run(`SHOW INDEX FROM order_coupons WHERE key_name LIKE 'order\\_timeout\\_%'`),
    ).toHaveLength(1);
  });
});
