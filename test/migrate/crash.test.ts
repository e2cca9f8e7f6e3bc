import { describe, expect, it } from 'vitest';
import { down, type Source, up } from '../../scripts/migrate';
import { openSession } from '../../scripts/migrate/connection';
import { execute } from '../../scripts/migrate/execute';
import { planDown, planUp } from '../../scripts/migrate/plan';
import { readState } from '../../scripts/migrate/state';
import { createShop, type Shop } from '../support';
import { crashingAfter } from './support/crash';
import { snapshot } from './support/snapshot';
import { fewStatements, smallSource, withText } from './support/sources';

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
    const plan = direction === 'up' ? planUp(source, state) : planDown(source, state, []);
    await execute(crashingAfter(db, statements), plan, source, direction);
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
  return shop.createAccount(
    `ALL ON ${shop.name}.*`,
    'SELECT ON performance_schema.replication_group_members',
  );
}

describe('a deployment that is killed after any of its statements', () => {
  it('is completed by the next one', async () => {
    const shop = await createShop({ deploy: false });
    const url = await plainDeployer(shop);
    const source = await fewStatements();
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
    const source = await fewStatements();
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
    const source = await smallSource();
    await up(shop.url, { source });
    const complete = await snapshot(shop);
    await down(shop.url, { source });

    await crashEverywhere(
      (last) => crash(shop.url, source, 'up', last),
      async () => {
        await up(shop.url, { source });
        expect(await snapshot(shop)).toEqual(complete);
        await down(shop.url, { source });
      },
      9,
    );
  });

  it('keeps the grants on a procedure that it was replacing', async () => {
    const shop = await createShop({ deploy: false });
    const source = await smallSource();
    await up(shop.url, { source });
    await shop.createAccount(`EXECUTE ON PROCEDURE ${shop.name}.order_timeout_require_id`);
    const before = await snapshot(shop);
    const edited = withText(source, 'order_timeout_require_id', (text) => `${text}-- edited\n`);

    const statements = await crashEverywhere(
      (last) => crash(shop.url, edited, 'up', last),
      async () => {
        await up(shop.url, { source });
        expect(await snapshot(shop)).toEqual(before);
      },
    );
    expect(statements).toBeGreaterThan(5);
  });
});

describe('a removal that is killed after any of its statements', () => {
  it('is completed by the next one', async () => {
    const shop = await createShop({ deploy: false });
    const url = await plainDeployer(shop);
    const source = await fewStatements();
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
