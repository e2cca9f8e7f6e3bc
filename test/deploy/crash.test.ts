import type { Connection } from 'mysql2/promise';
import { expect, it } from 'vitest';
import { down, type Source, up } from '../../scripts/deploy';
import { openSession } from '../../scripts/deploy/connection';
import { execute } from '../../scripts/deploy/execute';
import { planDown } from '../../scripts/deploy/down';
import { planUp } from '../../scripts/deploy/plan';
import { readShop } from '../../scripts/deploy/shop';
import { readState } from '../../scripts/deploy/state';
import { createShop, type Shop } from '../support';
import { deployedShop, deployer, plainDeployer } from './support/deployer';
import { snapshot } from './support/snapshot';
import { edited, SMALL } from './support/sources';

/** Runs the plan of the moment and loses the connection after so many statements. Says whether it got to the end. */
async function isDoneAfter(
  statements: number,
  direction: 'up' | 'down',
  { url, source }: { url: string; source: Source },
): Promise<boolean> {
  const db = await openSession(url);
  try {
    const state = await readState(db, source);
    const plan =
      direction === 'up'
        ? planUp(await readShop(db, source, state), state)
        : planDown(source, state, undefined);
    await execute(lostAfter(statements, db), plan, direction);
    return true;
  } catch {
    return false;
  } finally {
    db.destroy();
  }
}

/** As when the process that deploys is killed. */
function lostAfter(statements: number, db: Connection): Connection {
  let left = statements;
  return new Proxy(db, {
    get(target, property) {
      if (property !== 'query') return Reflect.get(target, property) as unknown;
      return async (...args: Parameters<Connection['query']>) => {
        if (left === 0) target.destroy();
        left -= 1;
        return target.query(...args);
      };
    },
  });
}

interface Killed {
  readonly title: string;
  /** What makes the state that it begins with. */
  readonly from: typeof up | typeof down;
  readonly attempt: 'up' | 'down';
  readonly then: typeof up | typeof down;
  /** Default: changed in nothing. */
  readonly source?: Source;
  /** Default: one that makes no definer account, whose many grants would make these tests long. */
  readonly account?: (shop: Shop) => Promise<string>;
  /** Default: every statement is tried as the last one. */
  readonly stride?: number;
}

it.each<Killed>([
  { title: 'a deployment is completed by the next one', from: down, attempt: 'up', then: up },
  { title: 'a deployment is taken back by "down"', from: down, attempt: 'up', then: down },
  { title: 'a removal is completed by the next one', from: up, attempt: 'down', then: down },
  { title: 'a removal is undone by "up"', from: up, attempt: 'down', then: up },
  {
    title: 'a deployment is completed also in the midst of the grants',
    ...{ from: down, attempt: 'up', then: up, account: deployer, stride: 9 },
  },
  {
    title: 'a replacement of a procedure is undone, and the grants on it are kept',
    ...{ from: up, attempt: 'up', then: up, account: deployer },
    source: edited(SMALL, 'order_timeout_first'),
  },
])(
  'killed after any of its statements, $title',
  { timeout: 240_000 },
  async ({ from, attempt, then, source = SMALL, account = plainDeployer, stride = 1 }) => {
    const shop = await createShop({ deploy: false });
    const url = await account(shop);
    const before = await snapshot(shop);
    await up(url, { source: SMALL });
    if (from === up && attempt === 'up')
      await shop.createAccount(`EXECUTE ON PROCEDURE ${shop.name}.order_timeout_first`);
    const expected = then === up ? await snapshot(shop) : before;

    let statements = 0;
    for (let isDone = false; !isDone; statements += stride) {
      await from(url, { source: SMALL });
      isDone = await isDoneAfter(statements, attempt, { url, source });
      await then(url, { source: SMALL });
      expect(await snapshot(shop)).toEqual(expected);
    }
    expect(statements).toBeGreaterThan(5);
  },
);

it('gives back what a deployment that was cut short took, but to an account that was dropped since', async () => {
  const { shop, url } = await deployedShop();
  const kept = await shop.createAccount();
  const grants = [new URL(kept).username, 'dropped since'].flatMap((user) =>
    ['', ' WITH GRANT OPTION'].map(
      (option) =>
        `GRANT EXECUTE ON PROCEDURE \`${shop.name}\`.\`order_timeout_first\` TO '${user}'@'%'${option}`,
    ),
  );
  await shop.run(
    "UPDATE order_timeout_object SET checksum = NULL, grants_to_restore = ? WHERE name = 'order_timeout_first'",
    [JSON.stringify(grants)],
  );

  expect(await up(url, { source: SMALL })).toMatchObject({ outcome: 'done' });
  expect(await snapshot(shop)).toMatchObject({
    [`grant on order_timeout_first to ${new URL(kept).username}@%`]: 'Execute,Grant',
  });
  expect(await up(url, { source: SMALL })).toMatchObject({ outcome: 'nothing_to_do' });
});
