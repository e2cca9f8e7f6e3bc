import { readSource } from '../../scripts/migrate/source';
import { splitStatements } from '../../scripts/migrate/split';
import type { Shop } from './shop';

// TEMPORARY until scripts/migrate's up() runs: deploys its source by hand.
export async function deployEngine(shop: Shop, { event }: { event: boolean }): Promise<void> {
  const { migrations, objects } = await readSource();
  const db = await shop.connect({ flags: ['-FOUND_ROWS', '-IGNORE_SPACE'] });
  await db.query("SET NAMES utf8mb4, sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'");
  const texts = [
    ...migrations.map(({ up }) => up),
    `UPDATE order_timeout_setting SET clock = '${shop.clock}'`,
    ...objects.filter(({ kind }) => event || kind !== 'event').map(({ text }) => text),
  ];
  for (const text of texts) {
    const rendered = text
      .replaceAll('{{user_points_ledger.remark.length}}', '255')
      .replaceAll('{{user_points_ledger.remark.charset}}', 'utf8mb4');
    for (const { sql } of splitStatements(rendered)) await db.query(sql);
  }
  await db.end();
}
