import { beforeAll, test, type TestAPI } from 'vitest';
import { emptyTables } from './empty';
import { kill } from './run';
import { createShop, type Shop, type ShopOptions } from './shop';
import { sessionEnd } from './waits';

/**
 * `const test = testsInShop();` gives each test of a file a `shop`, as freshly deployed: one shop, which is
 * emptied before each test. What changes the shop's schema makes a shop of its own, with `createShop()`.
 */
export function testsInShop(options: ShopOptions = {}): TestAPI<{ shop: Shop }> {
  let shared: Shop;
  beforeAll(async () => {
    shared = await createShop(options);
  });
  return test.extend<{ shop: Shop }>({
    // eslint-disable-next-line no-empty-pattern -- vitest reads it, and takes nothing else
    shop: async ({}, use) => {
      await emptyTables(shared);
      const connections: Awaited<ReturnType<Shop['connect']>>[] = [];
      const connect: Shop['connect'] = async (how) => {
        const connection = await shared.connect(how);
        connections.push(connection);
        return connection;
      };
      await use({ ...shared, connect });
      // They end with the test, and with them what they hold.
      for (const connection of connections) {
        await kill(shared.db, connection.threadId);
        connection.destroy();
        await sessionEnd(shared, connection.threadId);
      }
    },
  });
}
