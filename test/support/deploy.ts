import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mysqlSplitterOptions, splitQuery } from 'dbgate-query-splitter';
import type { Shop } from './shop';

// TEMPORARY until scripts/migrate has up(): deploys by hand, in the order of ~/lab/deploy.sh.
const ROOT = join(__dirname, '../..');
const VIEWS = [
  'coupon_target',
  'coupon_due',
  'points_due',
  'candidate',
  'coupon_refundable',
  'points_refundable',
];

export async function deployEngine(shop: Shop, { event }: { event: boolean }): Promise<void> {
  const db = await shop.connect({ flags: ['-FOUND_ROWS', '-IGNORE_SPACE'] });
  await db.query("SET NAMES utf8mb4, sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'");
  const files = [
    'migrations/0001_tables.up.sql',
    'migrations/0002_shop_indexes.up.sql',
    ...VIEWS.map((view) => `sql/views/order_timeout_${view}.sql`),
    ...(await filesOf('sql/procedures/internal')),
    ...(await filesOf('sql/procedures/public')),
    ...(event ? ['sql/events/order_timeout_tick.sql'] : []),
  ];
  for (const file of files) {
    const sql = (await readFile(join(ROOT, file), 'utf8'))
      .replaceAll('{{user_points_ledger.remark.length}}', '255')
      .replaceAll('{{user_points_ledger.remark.charset}}', 'utf8mb4');
    for (const statement of splitQuery(sql, mysqlSplitterOptions)) {
      await db.query(typeof statement === 'string' ? statement : statement.text);
    }
    if (file === 'migrations/0001_tables.up.sql') {
      await db.query('UPDATE order_timeout_setting SET clock = ?', [shop.clock]);
    }
  }
  await db.end();
}

async function filesOf(folder: string): Promise<string[]> {
  return (await readdir(join(ROOT, folder))).sort().map((file) => `${folder}/${file}`);
}
