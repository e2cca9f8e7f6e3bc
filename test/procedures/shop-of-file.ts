import type { Connection, ConnectionOptions } from 'mysql2/promise';
import { beforeAll, onTestFinished } from 'vitest';
import { createShop, emptyTables, sessionEnd, type Shop, type ShopOptions } from '../support';

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
    await emptyTables(shared);
    return { ...shared, connect: connectForTest(shared) };
  };
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
