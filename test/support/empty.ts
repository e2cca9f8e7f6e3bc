import type { Shop } from './shop';

/** Filled by a deployment, not by what happens afterwards. */
const KEPT = ['migration', 'object', 'shop', 'ledger_action'].map(
  (name) => `order_timeout_${name}`,
);

/** Leaves a shop as it was when the engine was deployed to it. */
export async function emptyTables(shop: Shop): Promise<void> {
  const tables = await shop.column(
    `SELECT table_name FROM information_schema.tables
      WHERE table_schema = ? AND table_type = 'BASE TABLE' AND table_name NOT IN (?)`,
    [shop.name, KEPT],
  );
  // What tests put in the way of a statement: neither an example shop nor the engine has a trigger.
  const triggers = await shop.column(
    'SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = ?',
    [shop.name],
  );
  for (const name of triggers) await shop.run('DROP TRIGGER ??', [name]);
  for (const name of tables) await shop.run('DELETE FROM ??', [name]);
  await shop.run('INSERT INTO order_timeout_setting (clock) VALUES (?)', [shop.clock]);
  await shop.run('INSERT INTO order_timeout_policy (source_type, enabled) VALUES (3, 0)');
  await shop.run('INSERT INTO order_timeout_heartbeat (id) VALUES (1)');
}
