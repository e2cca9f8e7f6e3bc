import type { Connection } from 'mysql2/promise';
import { afterEach, beforeAll, beforeEach } from 'vitest';
import { emptyTables } from './empty';
import { kill } from './run';
import { createShop, type Shop, type ShopOptions } from './shop';
import { sessionEnd } from './waits';

/**
 * `const shop = shopOfFile();`: the shop of all tests of a file, as freshly deployed for each of them; there is
 * nothing in it before the first. What changes a shop's schema makes one of its own, with `createShop()`.
 */
export function shopOfFile(options: ShopOptions = {}): Shop {
  return sharedShop(() => createShop(options), emptyTables);
}

/** The same for a shop that is made otherwise. */
export function sharedShop(
  make: () => Promise<Shop>,
  empty: (shop: Shop) => Promise<unknown>,
): Shop {
  const shop = {} as Shop;
  const connections: Connection[] = [];
  beforeAll(async () => {
    const made = await make();
    const connect: Shop['connect'] = async (how) => {
      const connection = await made.connect(how);
      connections.push(connection);
      return connection;
    };
    Object.assign(shop, made, { connect });
  });
  beforeEach(() => empty(shop));
  afterEach(async () => {
    // They end with the test, and with them what they hold.
    for (const connection of connections.splice(0)) {
      await kill(shop.db, connection.threadId);
      connection.destroy();
      await sessionEnd(shop, connection.threadId);
    }
  });
  return shop;
}
