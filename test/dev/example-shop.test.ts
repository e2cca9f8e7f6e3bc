import { expect, test } from 'vitest';
import { findDisagreements } from '../../scripts/dev/invariants';
import { loadExampleShop, portions } from '../../scripts/dev/shop';
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

    const orders = () =>
      shop.run('SELECT status, COUNT(*) AS orders FROM orders GROUP BY status ORDER BY status');
    expect(await orders()).toEqual([
      { status: 1, orders: 402 },
      { status: 2, orders: 1200 },
      { status: 3, orders: 400 },
    ]);
    expect(await findDisagreements(db)).toEqual([]);
    await shop.run('CALL cancel_expired_orders()');
    expect(await orders()).toEqual([
      { status: 1, orders: 200 },
      { status: 2, orders: 1200 },
      { status: 3, orders: 602 },
    ]);
    expect(await findDisagreements(db)).toEqual([]);
  },
);

test("a balance that is not its ledger's sum is found", async () => {
  const shop = await createShop({ deploy: false });
  const db = await shop.connect();
  await loadExampleShop(db, { orders: 0 });
  await shop.run('UPDATE user_coupons SET balance_amount = 1999 WHERE id = 1690');

  expect(await findDisagreements(db)).toEqual(['coupon 1690: -1 more than its ledger adds up to']);
});

test('portions follow the mix, add up, and are not too large', () => {
  expect(portions(10, { paid: 1, due: 2 }, 4)).toEqual([
    { kind: 'paid', orders: 3 },
    { kind: 'due', orders: 4 },
    { kind: 'due', orders: 3 },
  ]);
  expect(portions(0, { due: 1 }, 10)).toEqual([]);
});
