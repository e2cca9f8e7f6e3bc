import { describe, expect, it } from 'vitest';
import { down, Refusal, up } from '../../scripts/migrate';
import { planDropDefiner } from '../../scripts/migrate/plan-definer';
import { openSession } from '../../scripts/migrate/connection';
import { readState } from '../../scripts/migrate/state';
import { createShop, pendingOrder } from '../support';
import { snapshot } from './support/snapshot';
import { smallSource } from './support/sources';

describe('"down"', () => {
  it('leaves the shop as it was before "up", and "up" works again', async () => {
    const shop = await createShop({ deploy: false });
    const before = await snapshot(shop);
    await up(shop.url, { paused: true });
    const deployed = await snapshot(shop);

    expect(await down(shop.url)).toMatchObject({ outcome: 'done' });
    expect(await snapshot(shop)).toEqual(before);
    expect(await down(shop.url)).toMatchObject({ outcome: 'nothing_to_do' });
    await up(shop.url, { paused: true });
    expect(await snapshot(shop)).toEqual(deployed);
  });

  it('changes nothing while the journal has rows, unless these may be lost', async () => {
    const shop = await createShop();
    await pendingOrder(shop, { coupon: 1000 });
    await shop.run('CALL cancel_expired_orders()');
    const before = await snapshot(shop);

    await expect(down(shop.url)).rejects.toThrow(Refusal);
    await expect(down(shop.url)).rejects.toThrow(/The journal has 2 rows.*down --drop-journal/);
    expect(await snapshot(shop)).toEqual(before);
    expect(await down(shop.url, { dropJournal: true })).toMatchObject({ outcome: 'done' });
    expect(await shop.run('SELECT balance_amount FROM user_coupons')).toEqual([
      { balance_amount: 1000 },
    ]);
  });

  it('leaves everything as it was when it is not agreed to', async () => {
    const shop = await createShop();
    const before = await snapshot(shop);
    expect(await down(shop.url, { confirm: () => Promise.resolve(false) })).toMatchObject({
      outcome: 'declined',
    });
    expect(await snapshot(shop)).toEqual(before);
  });

  it('drops the definer account only when no other schema uses it', async () => {
    const [shop, other] = [
      await createShop({ deploy: false }),
      await createShop({ deploy: false }),
    ];
    const source = await smallSource();
    await up(shop.url, { source });
    await up(other.url, { source });
    const db = await openSession(shop.url);
    const state = await readState(db, source);
    db.destroy();

    expect(planDropDefiner(state, ['unrelated'])).toMatchObject([
      { statements: ["DROP USER IF EXISTS 'order_timeout'@'localhost'"] },
    ]);
    expect(planDropDefiner(state, ['unrelated', other.name])).toMatchObject([
      { title: expect.stringContaining('other schemas use it') as string },
    ]);
    await down(shop.url, { source });
    expect(await other.run("CALL order_timeout_require_id('p', 1)")).toBeDefined();
  });
});
