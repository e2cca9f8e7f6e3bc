import { expect, test } from 'vitest';
import { down, up } from '../../scripts/deploy';
import {
  changesOf,
  createShop,
  pendingOrder,
  pointsLedgerRow,
  type Shop,
  timestamps,
  unsignedIds,
  wholeSeconds,
} from '../support';
import { deployedSource } from '../support/deploy';
import { cancelOrder, sweep } from './calls';
import { cancelled } from './cancelled';

const withCollation = (characterSet: string, collation: string) => (sql: string) =>
  sql.replaceAll(
    'CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci',
    `CHARACTER SET ${characterSet} COLLATE ${collation}`,
  );

const intoDatabaseWith = (characterSet: string, collation: string) => (sql: string) =>
  `ALTER DATABASE CHARACTER SET ${characterSet} COLLATE ${collation};\n${sql}`;

const withRefId = (type: string) => (sql: string) =>
  sql.replace("ref_id VARCHAR(64) NOT NULL DEFAULT ''", `ref_id ${type}`);

/** Shops that the project did not write. */
const SHOPS: Record<string, (sql: string) => string> = {
  'as the example has it': (sql) => sql,
  'with ids BIGINT UNSIGNED': unsignedIds,
  'with amounts BIGINT UNSIGNED where they are never negative': (sql) =>
    sql.replaceAll(
      /\b(points_amount|applied_amount|balance_amount|points) BIGINT NOT NULL DEFAULT/g,
      '$1 BIGINT UNSIGNED NOT NULL DEFAULT',
    ),
  'with INT amounts': (sql) =>
    sql.replaceAll(
      /\b(points_amount|applied_amount|balance_amount|change_amount|points) BIGINT/g,
      '$1 INT',
    ),
  'with TIMESTAMPs': timestamps,
  'with whole seconds': wholeSeconds,
  'with microseconds': (sql) => sql.replaceAll('(3)', '(6)'),
  'in latin1': withCollation('latin1', 'latin1_swedish_ci'),
  'in ascii': withCollation('ascii', 'ascii_bin'),
  'in utf8mb3': withCollation('utf8mb3', 'utf8mb3_general_ci'),
  'in utf8mb4_bin': withCollation('utf8mb4', 'utf8mb4_bin'),
  'in utf8mb4_unicode_ci': withCollation('utf8mb4', 'utf8mb4_unicode_ci'),
  'in utf8mb4_0900_ai_ci': withCollation('utf8mb4', 'utf8mb4_0900_ai_ci'),
  'with actions as an ENUM': (sql) =>
    sql.replaceAll(
      'action VARCHAR(32) NOT NULL',
      "action ENUM('grant', 'reserve', 'usage', 'order_deduct', 'goodwill', 'cancel_refund', 'timeout_refund', 'repair_refund') NOT NULL",
    ),
  'with actions as CHAR': (sql) => sql.replaceAll('action VARCHAR(32)', 'action CHAR(32)'),
  'in a database with utf8mb4_bin': intoDatabaseWith('utf8mb4', 'utf8mb4_bin'),
  'in a database with latin1': intoDatabaseWith('latin1', 'latin1_swedish_ci'),
  'with more columns that must be filled': (sql) =>
    sql.replaceAll(
      /^( {4}action VARCHAR)/gm,
      "    tenant VARCHAR(8) NOT NULL DEFAULT 'main',\n    note VARCHAR(8) NOT NULL DEFAULT (UUID_SHORT() % 10),\n$1",
    ),
  'without any index of use': (sql) => sql.replaceAll(/,\n {4}KEY idx_\w+ \([^)]+\)/g, ''),
  'with ids in the points ledger in latin1': withRefId(
    "VARCHAR(32) CHARACTER SET latin1 NOT NULL DEFAULT ''",
  ),
  'with ids in the points ledger in utf8mb4_bin': withRefId(
    "VARCHAR(32) COLLATE utf8mb4_bin NOT NULL DEFAULT ''",
  ),
  'with ids in the points ledger as TEXT': withRefId('TEXT NOT NULL'),
  'with very long ids in the points ledger': withRefId("VARCHAR(1024) NOT NULL DEFAULT ''"),
};

const ofTables = (shop: Shop) =>
  Promise.all([
    shop.run(`SELECT table_name, column_name, column_type, collation_name, extra FROM information_schema.columns
               WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position`),
    shop.run(`SELECT table_name, index_name, column_name FROM information_schema.statistics
               WHERE table_schema = DATABASE() ORDER BY 1, 2, seq_in_index`),
  ]);

test.each(Object.entries(SHOPS))(
  'a shop %s gets back everything once, with the earlier returns counted; and is left as it was',
  async (_, schema) => {
    const shop = await createShop({ schema, clock: '+08:00' });
    const source = await deployedSource({ event: false });
    expect(await up(shop.url, { source })).toMatchObject({ outcome: 'nothing_to_do' });
    const swept = await pendingOrder(shop, {
      coupons: [{ amount: 1000, in: 'ledger', status: 'used up' }, { amount: 300 }],
      points: 50,
    });
    await pointsLedgerRow(shop, { ...swept, points: 20, action: 'goodwill' });
    const { userId } = swept;
    const mine = await pendingOrder(shop, { userId, coupon: 700, points: 7, ageMinutes: 5 });

    const changed = await changesOf(shop, async () => {
      const given = { cancelled: 1, failed: 0, coupon_refunded: 1300, points_refunded: 30 };
      expect(await sweep(shop.db)).toMatchObject(given);
    });
    const again = await changesOf(shop, async () => {
      const db = await shop.connect();
      expect(await sweep(db)).toMatchObject({ run_id: null, cancelled: 0 });
      expect((await db.query('SHOW WARNINGS'))[0]).toEqual([]);
    });
    const users = await changesOf(shop, () => cancelOrder(shop.db, mine, mine.userId));

    const [first, second] = swept.couponIds as [number, number];
    expect(changed).toEqual(
      cancelled({
        order: swept,
        coupons: [
          { id: first, amount: 1000, source: 'ledger', was: 'used up' },
          { id: second, amount: 300 },
        ],
        points: { amount: 30, taken: 50 },
      }),
    );
    expect(again).toEqual({});
    const points = { amount: 7, before: 30 };
    expect(users).toEqual(
      cancelled({ order: mine, cause: 'user', coupons: [{ amount: 700 }], points }),
    );

    await down(shop.url, { dropJournal: true });
    const untouched = await createShop({ deploy: false, schema });
    expect(await ofTables(shop)).toEqual(await ofTables(untouched));
  },
);
