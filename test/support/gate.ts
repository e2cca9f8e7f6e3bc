import type { Shop } from './shop';
import { lockWait, until } from './waits';

/** A place in somebody's statement where it stops until the test lets it go on. */
export interface Gate {
  /** Resolves when so many stand at it. Default: 1. */
  reached(by?: number): Promise<void>;
  /** Lets those who stand at it, and all who come later, go on. */
  open(): Promise<void>;
}

/**
 * Puts a gate before a row is written: `closeGate(shop, 'INSERT ON user_coupon_ledger')`. Unlike a row lock
 * it has no timeout, and it stops the statement wherever the caller holds what it holds by then.
 */
export async function closeGate(shop: Shop, where: string): Promise<Gate> {
  const name = `gate ${shop.name}`;
  const keeper = await shop.connect();
  await keeper.query('DO GET_LOCK(?, 0)', [name]);
  await shop.run(
    `CREATE TRIGGER gate BEFORE ${where} FOR EACH ROW
     BEGIN
         DO GET_LOCK('${name}', 60);
         DO RELEASE_LOCK('${name}');
     END`,
  );
  return {
    reached: (by = 1) =>
      until(async () => {
        const standing = await shop.run(
          `SELECT 1 FROM performance_schema.metadata_locks
            WHERE object_type = 'USER LEVEL LOCK' AND object_name = ? AND lock_status = 'PENDING'`,
          [name],
        );
        return standing.length >= by;
      }),
    open: async () => {
      await keeper.query('DO RELEASE_LOCK(?)', [name]);
    },
  };
}

/** The first stands at its ledger row while the second runs into its locks (or so many do); then both go on. */
export async function behind<First, Second>(
  shop: Shop,
  first: () => Promise<First>,
  second: () => Promise<Second>,
  waiting = 1,
): Promise<[First, Second]> {
  const gate = await closeGate(shop, 'INSERT ON user_coupon_ledger');
  const working = first();
  await gate.reached();
  const behindIt = second();
  await lockWait(shop, waiting);
  await gate.open();
  return Promise.all([working, behindIt]);
}
