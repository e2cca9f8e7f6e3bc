import { describe, expect, it } from 'vitest';
import { down, type Source, up } from '../../scripts/deploy';
import { openSession } from '../../scripts/deploy/connection';
import { execute } from '../../scripts/deploy/execute';
import { planDown } from '../../scripts/deploy/down';
import { planUp } from '../../scripts/deploy/plan';
import { readState } from '../../scripts/deploy/state';
import { createShop, type Shop } from '../support';
import { crashingAfter } from './support/crash';
import { snapshot } from './support/snapshot';
import { readShop } from '../../scripts/deploy/shop';
import { deployer } from './support/deployer';
import { edited, SMALL } from './support/sources';

/** Runs the plan of the moment and loses the connection after so many statements. Says whether it got to the end. */
async function crash(
  url: string,
  source: Source,
  direction: 'up' | 'down',
  statements: number,
): Promise<boolean> {
  const db = await openSession(url);
  try {
    const state = await readState(db, source);
    const plan =
      direction === 'up'
        ? planUp(await readShop(db, source, state), state)
        : planDown(source, state, undefined);
    await execute(crashingAfter(db, statements), plan, direction);
    return true;
  } catch {
    return false;
  } finally {
    db.destroy();
  }
}

/** Tries every statement (or every so many) as the last one, and hands over to `check` after each. */
async function crashEverywhere(
  attempt: (statements: number) => Promise<boolean>,
  check: () => Promise<void>,
  stride = 1,
): Promise<number> {
  for (let statements = 0; ; statements += stride) {
    const isDone = await attempt(statements);
    await check();
    if (isDone) return statements;
  }
}

/** One that may not make a definer account, whose many grants would make these tests long. */
async function plainDeployer(shop: Shop): Promise<string> {
  return shop.createAccount(`ALL ON ${shop.name}.*`, 'SELECT ON performance_schema.*');
}

describe('a deployment that is killed after any of its statements', { timeout: 240_000 }, () => {
  it('is completed by the next one', async () => {
    const shop = await createShop({ deploy: false });
    const url = await plainDeployer(shop);
    const source = SMALL;
    await up(url, { source });
    const complete = await snapshot(shop);
    await down(url, { source });

    const statements = await crashEverywhere(
      (last) => crash(url, source, 'up', last),
      async () => {
        await up(url, { source });
        expect(await snapshot(shop)).toEqual(complete);
        await down(url, { source });
      },
    );
    expect(statements).toBeGreaterThan(15);
  });

  it('is taken back by "down"', async () => {
    const shop = await createShop({ deploy: false });
    const url = await plainDeployer(shop);
    const source = SMALL;
    const empty = await snapshot(shop);

    await crashEverywhere(
      (last) => crash(url, source, 'up', last),
      async () => {
        await down(url, { source });
        expect(await snapshot(shop)).toEqual(empty);
      },
    );
  });

  it('is completed also when that was in the midst of the grants', async () => {
    const shop = await createShop({ deploy: false });
    const url = await deployer(shop);
    const source = SMALL;
    await up(url, { source });
    const complete = await snapshot(shop);
    await down(url, { source });

    await crashEverywhere(
      (last) => crash(url, source, 'up', last),
      async () => {
        await up(url, { source });
        expect(await snapshot(shop)).toEqual(complete);
        await down(url, { source });
      },
      9,
    );
  });

  it('keeps the grants on a procedure that it was replacing', async () => {
    const shop = await createShop({ deploy: false });
    const url = await deployer(shop);
    const source = SMALL;
    await up(url, { source });
    await shop.createAccount(`EXECUTE ON PROCEDURE ${shop.name}.order_timeout_first`);
    const before = await snapshot(shop);

    const statements = await crashEverywhere(
      (last) => crash(url, edited(SMALL, 'order_timeout_first'), 'up', last),
      async () => {
        await up(url, { source });
        expect(await snapshot(shop)).toEqual(before);
      },
    );
    expect(statements).toBeGreaterThan(5);
  });
});

describe('a removal that is killed after any of its statements', { timeout: 240_000 }, () => {
  it('is completed by the next one', async () => {
    const shop = await createShop({ deploy: false });
    const url = await plainDeployer(shop);
    const source = SMALL;
    const empty = await snapshot(shop);
    await up(url, { source });

    const statements = await crashEverywhere(
      (last) => crash(url, source, 'down', last),
      async () => {
        await down(url, { source });
        expect(await snapshot(shop)).toEqual(empty);
        await up(url, { source });
      },
    );
    expect(statements).toBeGreaterThan(5);
  });
});
