import { expect, it } from 'vitest';
import { cancelExpiredOrder, cancelExpiredOrders } from '../../scripts';
import { findBalanceViolations, findViolations, takeBaseline } from '../../scripts/dev/invariants';
import { readSource, type Source, up } from '../../scripts/deploy';
import { loadExampleShop } from '../../scripts/dev/shop';
import { withTexts } from '../../scripts/dev/sources';
import { createShop, openPool } from '../support';
import type { MysqlError } from '../procedures/calls';

/** Every procedure is another one in each version, and an internal one has a parameter more in the first. */
function version(source: Source, number: number): Source {
  const changed = (text: string) => {
    const marked = text.replace(/^BEGIN$/m, `BEGIN -- version ${number}`);
    return number === 1
      ? marked
          .replace('PROCEDURE order_timeout_require_id (', '$& IN p_new INT,')
          .replace('CALL order_timeout_require_id(', '$&1, ')
      : marked;
  };
  return withTexts(source, ({ kind, text }) =>
    kind === 'procedure' || kind === 'function' ? changed(text) : text,
  );
}

it(
  'replaces routines while sweeps and calls run: none fails, no money is lost or doubled, grants stay',
  { timeout: 180_000 },
  async () => {
    const shop = await createShop();
    const due = { orders: 3000, mix: { due: 1 }, incidents: 'none' } as const;
    await loadExampleShop(await shop.connect(), due);
    await shop.run('UPDATE order_timeout_setting SET batch_size = 20');
    const url = await shop.createAccount(
      `EXECUTE ON PROCEDURE \`${shop.name}\`.cancel_expired_order`,
      `EXECUTE ON PROCEDURE \`${shop.name}\`.cancel_expired_orders`,
    );
    const application = openPool(url, { connectionLimit: 4 });
    const baseline = await takeBaseline(shop.db);
    const orders = await shop.run<{ id: number }>('SELECT id FROM orders ORDER BY id DESC');
    const source = readSource();

    let isDeploying = true;
    let calls = 0;
    const callOrders = async () => {
      for (const { id } of orders) {
        if (!isDeploying) return;
        await whenDeployed(() => cancelExpiredOrder(application, id));
        calls++;
      }
    };
    const sweep = async () => {
      while (isDeploying) await whenDeployed(() => cancelExpiredOrders(application));
    };
    const deploy = async () => {
      for (const number of [1, 2]) await up(shop.url, { source: version(source, number) });
      isDeploying = false;
    };
    await Promise.all([callOrders(), sweep(), deploy()]);

    expect(calls).toBeGreaterThan(0);
    // Left is what was due when the last deployment ended; the grants have survived it.
    expect(await cancelExpiredOrders(application)).toMatchObject({ outcome: 'completed' });
    expect(await shop.column('SELECT DISTINCT status FROM orders')).toEqual([3]);
    expect(await shop.run('SELECT * FROM order_timeout_failure')).toEqual([]);
    expect(await shop.run('CALL audit_missing_refunds(NULL)')).toMatchObject([[], {}]);
    expect(await findViolations(shop.db)).toEqual([]);
    expect(await findBalanceViolations(shop.db, baseline)).toEqual([]);
  },
);

/** On a slow machine a routine may be away for longer than the wrappers call again by themselves. */
async function whenDeployed<Result>(call: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (![1305, 1318, 1370].includes((error as MysqlError).errno)) throw error;
    }
  }
}
