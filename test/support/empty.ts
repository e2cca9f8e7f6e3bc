import { SHOP_TABLES } from '../../scripts/dev/shop';
import type { Shop } from './shop';
import { ENGINE_TABLES } from './state';

const TABLES = [
  ...SHOP_TABLES,
  ...ENGINE_TABLES,
  'order_timeout_payment',
  'order_timeout_run',
  'order_timeout_policy',
  'order_timeout_setting',
  'order_timeout_heartbeat',
];

/** Leaves a shop as it was when the engine was deployed to it. */
export async function emptyTables(shop: Shop): Promise<void> {
  await dropTriggers(shop);
  for (const table of TABLES) await shop.run('DELETE FROM ??', [table]);
  await shop.run('INSERT INTO order_timeout_setting (clock) VALUES (?)', [shop.clock]);
  await shop.run('INSERT INTO order_timeout_policy (source_type, enabled) VALUES (3, 0)');
  await shop.run('INSERT INTO order_timeout_heartbeat (id) VALUES (1)');
}

/** What tests put in the way of a statement: neither an example shop nor the engine has a trigger. */
export async function dropTriggers(shop: Shop): Promise<void> {
  const triggers = await shop.run<{ name: string }>(
    'SELECT trigger_name AS name FROM information_schema.triggers WHERE trigger_schema = ?',
    [shop.name],
  );
  for (const { name } of triggers) await shop.run('DROP TRIGGER ??', [name]);
}
