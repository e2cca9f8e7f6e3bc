import { describe, expect, it } from 'vitest';
import { readSource, up } from '../../scripts/migrate';
import { openSession } from '../../scripts/migrate/connection';
import { readState } from '../../scripts/migrate/state';
import { estimateFirstSweep } from '../../scripts/preflight/first-sweep';
import { createShop, order, pendingOrder, type Shop } from '../support';

async function estimate(shop: Shop, clock?: string) {
  const source = await readSource();
  const db = await openSession(shop.url);
  try {
    return await estimateFirstSweep(db, source, await readState(db, source), clock);
  } finally {
    db.destroy();
  }
}

async function fill(shop: Shop): Promise<void> {
  await pendingOrder(shop, { coupon: 1000, points: 50 });
  await pendingOrder(shop, { coupon: 700, couponIn: 'ledger', couponStatus: 'used up' });
  await pendingOrder(shop, { coupon: 9, ageMinutes: 5 });
  await pendingOrder(shop, { coupon: 9, sourceType: 3 });
  await order(shop, { status: 'paid', coupon: 9, points: 9 });
}

describe('what the first sweep would move', () => {
  it('is known before anything is deployed, and is what the first sweep then moves', async () => {
    const shop = await createShop({ deploy: false });
    await fill(shop);
    expect(await estimate(shop)).toEqual({ orders: 2, couponAmount: 1700, points: 50 });

    await up(shop.url, { paused: true });
    expect(await estimate(shop)).toEqual({ orders: 2, couponAmount: 1700, points: 50 });
    await shop.run('ALTER EVENT order_timeout_tick DISABLE');
    await shop.run('UPDATE order_timeout_setting SET paused = 0');
    await shop.run('CALL cancel_expired_orders()');
    expect(
      await shop.run('SELECT cancelled, coupon_refunded, points_refunded FROM order_timeout_run'),
    ).toEqual([{ cancelled: 2, coupon_refunded: 1700, points_refunded: 50 }]);
    expect(await estimate(shop)).toEqual({ orders: 0, couponAmount: 0, points: 0 });
  });

  it('is known also where the shop has none of the indexes', async () => {
    const schema = (sql: string) => sql.replaceAll(/,\n {4}KEY idx_\w+ \([^)]+\)/g, '');
    const shop = await createShop({ deploy: false, schema });
    await fill(shop);
    expect(await estimate(shop)).toEqual({ orders: 2, couponAmount: 1700, points: 50 });
  });

  it('goes by the clock that is asked for', async () => {
    const shop = await createShop({ deploy: false, clock: '+08:00' });
    await fill(shop);
    expect(await estimate(shop, '+08:00')).toMatchObject({ orders: 2 });
    expect(await estimate(shop, '+00:00')).toMatchObject({ orders: 0 });
  });
});
