import * as fc from 'fast-check';
import type { Connection } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { EXAMPLES, type Example, loadExampleShop } from '../../scripts/dev/shop';
import type { Shop } from '../support';
import { readsOf } from '../procedures/calls';
import { createExample } from './example';

/** What the server may believe of a table: as after a restore, or since it was another one. */
const BELIEFS = {
  'no rows': ['n_rows = 0, clustered_index_size = 1', "IF(stat_name LIKE 'n_diff%', 0, 1)"],
  'many rows, all different': [
    'n_rows = 50000000, clustered_index_size = 400000',
    "IF(stat_name LIKE 'n_diff%', 50000000, 400000)",
  ],
  'many rows, all alike': [
    'n_rows = 50000000, clustered_index_size = 400000',
    "IF(stat_name LIKE 'n_diff%', 1, 400000)",
  ],
} as const;
type Belief = keyof typeof BELIEFS | 'what is so';

const KNOWN = [
  'what is so',
  'no rows',
  'many rows, all different',
  'many rows, all alike',
] as const;
/** Of what may be believed of all tables together. */
const SAMPLES = 12;
/** Orders that were cancelled before: what reads all of a table reads as many rows. */
const BEFORE = 4_000;
const DUE = 40;

async function dueOrders(db: Connection, example: Example, orders: number, seed = 1) {
  await loadExampleShop(db, { example, orders, mix: { due: 1 }, seed, incidents: 'none' });
}

async function believe(shop: Shop, table: string, belief: Belief) {
  if (belief === 'what is so') {
    await shop.run(`ANALYZE TABLE ${table}`);
    return;
  }
  const [ofTable, ofIndex] = BELIEFS[belief];
  const where = 'WHERE database_name = DATABASE() AND table_name = ?';
  await shop.run(`UPDATE mysql.innodb_table_stats SET ${ofTable} ${where}`, [table]);
  await shop.run(`UPDATE mysql.innodb_index_stats SET stat_value = ${ofIndex} ${where}`, [table]);
  await shop.run(`FLUSH TABLES ${table}`);
}

/** On demand, then what the sweep does with the others. */
const CALLS = [
  'cancel_expired_order(ID)',
  // Again: it says what the first one did.
  'cancel_expired_order(ID)',
  'order_money(ID)',
  'explain_order_timeout(ID)',
  'repair_missing_refund(ID)',
  'cancel_expired_orders()',
];

test.each(EXAMPLES)(
  'in the shop %s a call and a sweep read as much whatever the server believes of its tables',
  async (example) => {
    const shop = await createExample(example);
    const db = await shop.connect();
    await dueOrders(db, example, BEFORE);
    await db.query('CALL cancel_expired_orders()');
    const tables = await shop.column(
      "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
    );
    for (const table of tables)
      await shop.run(`ALTER TABLE ${String(table)} STATS_PERSISTENT = 1, STATS_AUTO_RECALC = 0`);
    const pick = fc.array(fc.constantFrom<Belief[]>(...KNOWN), {
      minLength: tables.length,
      maxLength: tables.length,
    });
    const samples: Belief[][] = [
      ...KNOWN.map((one) => tables.map(() => one)),
      ...fc.sample(fc.noBias(pick), { numRuns: SAMPLES, seed: 3 }),
    ];

    const found: { beliefs: Belief[]; reads: number[] }[] = [];
    for (const [nth, beliefs] of samples.entries()) {
      for (const [index, table] of tables.entries())
        await believe(shop, String(table), beliefs[index] ?? 'what is so');
      await dueOrders(db, example, DUE, nth + 2);
      // Older orders are not looked at again: how many would be is a matter of time.
      await shop.run(
        'UPDATE order_timeout_heartbeat SET reconciled_order_id = 99999999999, reconciled_again_order_id = 99999999999',
      );
      const [order] = await shop.column('SELECT MIN(order_id) FROM order_timeout_shop_pending');
      const reads: number[] = [];
      for (const call of CALLS)
        reads.push(await readsOf(db, `CALL ${call.replace('ID', String(order))}`));
      found.push({ beliefs, reads });
    }
    const [usual] = found;
    // Orders differ in what they took; who reads all of a table reads 4,000 rows.
    for (const { beliefs, reads } of found)
      for (const [nth, call] of CALLS.entries())
        expect(reads[nth], `${call}: ${JSON.stringify(beliefs)}`).toBeLessThan(
          Number(usual?.reads[nth]) * 1.3 + BEFORE / 10,
        );
  },
  180_000,
);
