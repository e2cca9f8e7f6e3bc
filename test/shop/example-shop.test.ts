import { expect, test } from 'vitest';
import { loadExampleShop, readBooks } from '../../scripts/shop';
import { portions } from '../../scripts/shop/mix';
import { createShop, timestamps, unsignedIds, wholeSeconds } from '../support';

test.each([
  ['as it is', (sql: string) => sql],
  ['with unsigned ids', unsignedIds],
  ['with TIMESTAMP columns', timestamps],
  ['with whole seconds', wholeSeconds],
])(
  'in the example shop (%s) every balance is the sum of its ledger, before and after a sweep',
  async (_, schema) => {
    const shop = await createShop({ schema, clock: '+08:00' });
    const db = await shop.connect();
    await loadExampleShop(db, { orders: 2000, clock: '+08:00' });

    const before = await readBooks(db);
    await shop.run('CALL cancel_expired_orders()');
    const after = await readBooks(db);

    expect(before).toMatchObject({
      paidOrders: 1200n,
      cancelledOrders: 400n,
      pendingOrders: 402n,
      disagreements: [],
    });
    expect(after).toMatchObject({
      paidOrders: 1200n,
      cancelledOrders: 602n,
      pendingOrders: 200n,
      disagreements: [],
    });
    expect(after.couponMoney - before.couponMoney).toBe(
      after.couponMoneyReturned - before.couponMoneyReturned,
    );
    expect(after.points - before.points).toBe(after.pointsReturned - before.pointsReturned);
  },
);

test("a balance that is not its ledger's sum is found", async () => {
  const shop = await createShop({ deploy: false });
  const db = await shop.connect();
  await loadExampleShop(db, { orders: 0 });
  await shop.run('UPDATE user_coupons SET balance_amount = 1999 WHERE id = 1690');

  expect((await readBooks(db)).disagreements).toEqual([
    { kind: 'coupon', id: 1690n, balance: 1999n, ledger: 2000n },
  ]);
});

test('the lost incidents are cancelled orders whose coupons got nothing back', async () => {
  const shop = await createShop({ deploy: false });
  const db = await shop.connect();
  await loadExampleShop(db, { orders: 0, incidents: 'lost' });

  expect(await shop.run('SELECT id, status FROM orders ORDER BY id')).toEqual([
    { id: 26743, status: 3 },
    { id: 28229, status: 3 },
  ]);
  expect(await readBooks(db)).toMatchObject({
    couponMoney: 2000n,
    couponMoneyReturned: 0n,
    disagreements: [],
  });
});

test('portions follow the mix, add up, and are not too large', () => {
  expect(portions(10, { paid: 1, due: 2 }, 4)).toEqual([
    { kind: 'paid', orders: 3 },
    { kind: 'due', orders: 4 },
    { kind: 'due', orders: 3 },
  ]);
  expect(portions(0, { due: 1 }, 10)).toEqual([]);
});
