import type { Connection, ConnectionOptions } from 'mysql2/promise';
import { beforeAll, onTestFinished } from 'vitest';
import { SHOP_TABLES } from '../../scripts/migrate/tables';
import { createShop, sessionEnd, type Shop, type ShopOptions } from '../support';

const TABLES = [
  ...SHOP_TABLES,
  'order_timeout_batch',
  'order_timeout_cancellation',
  'order_timeout_refund',
  'order_timeout_failure',
  'order_timeout_hold',
  'order_timeout_run',
  'order_timeout_policy',
  'order_timeout_setting',
  'order_timeout_heartbeat',
];

/**
 * One shop for the tests of a file, which deploys once: the function returned gives it empty, as freshly
 * deployed, to each test. For what changes the shop's schema, `createShop()`.
 */
export function shopOfFile(options: ShopOptions = {}): () => Promise<Shop> {
  let shared: Shop | undefined;
  beforeAll(async () => {
    shared = await createShop(options);
  });
  return async () => {
    if (shared === undefined) throw new Error('The shop of the file has not been made');
    await empty(shared);
    return { ...shared, connect: connectForTest(shared) };
  };
}

async function empty(shop: Shop): Promise<void> {
  const triggers = await shop.run<{ name: string }>(
    'SELECT trigger_name AS name FROM information_schema.triggers WHERE trigger_schema = ?',
    [shop.name],
  );
  for (const { name } of triggers) await shop.run('DROP TRIGGER ??', [name]);
  for (const table of TABLES) await shop.run('DELETE FROM ??', [table]);
  await shop.run('INSERT INTO order_timeout_setting (clock) VALUES (?)', [shop.clock]);
  await shop.run('INSERT INTO order_timeout_policy (source_type, enabled) VALUES (3, 0)');
  await shop.run('INSERT INTO order_timeout_heartbeat (id) VALUES (1)');
}

/** Connections end with the test, and with them what they hold. */
function connectForTest(shop: Shop): Shop['connect'] {
  return async (options?: ConnectionOptions) => {
    const connection = await shop.connect(options);
    onTestFinished(async () => {
      await end(shop, connection);
    });
    return connection;
  };
}

async function end(shop: Shop, connection: Connection): Promise<void> {
  await shop.run('KILL ?', [connection.threadId]).catch((error: unknown) => {
    if ((error as { errno?: number }).errno !== ALREADY_GONE) throw error;
  });
  connection.destroy();
  await sessionEnd(shop, connection.threadId);
}

const ALREADY_GONE = 1094;
