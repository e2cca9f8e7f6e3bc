import { expect, it } from 'vitest';
import type { Shop } from '../support';
import { call, cancel, createTables, deployFile, findings, sweep } from './example';

const SCHEMA = `
CREATE TABLE booking (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    guest_id BIGINT NOT NULL,
    status INT NOT NULL DEFAULT 0,
    points INT NOT NULL DEFAULT 0,
    created_at DATETIME NOT NULL,
    pay_before DATETIME NULL
);
CREATE TABLE guest (id BIGINT PRIMARY KEY, points INT NOT NULL DEFAULT 0);
INSERT INTO guest (id) VALUES (7);
`;

const SHOP_FILE = `
orders:
  table: booking
  id: id
  user: guest_id
  created: created_at
  deadline: pay_before
  status: {column: status, pending: 0, paid: 1, cancelled: 2}
give_back:
  points:
    order: {target: o.guest_id, amount: o.points}
    target: {table: guest, id: id}
    add: points
`;

/** Bookings wait until a moment of their own; their age says nothing. */
async function hotel(): Promise<Shop> {
  const shop = await createTables(SCHEMA);
  await deployFile(shop, SHOP_FILE);
  await shop.run(
    `INSERT INTO booking (id, guest_id, points, created_at, pay_before)
     VALUES (1, 7, 10, NOW() - INTERVAL 1 MINUTE, NOW() - INTERVAL 1 SECOND),
            (2, 7, 20, NOW() - INTERVAL 9 DAY, NOW() + INTERVAL 1 HOUR),
            (3, 7, 40, NOW() - INTERVAL 9 DAY, NULL),
            (4, 7, 80, NOW() - INTERVAL 1 MINUTE, NOW() - INTERVAL 1 DAY)`,
  );
  return shop;
}

const state = async (shop: Shop) => ({
  cancelled: (
    await shop.run<{ id: number }>('SELECT id FROM booking WHERE status = 2 ORDER BY id')
  ).map(({ id }) => id),
  points: (await shop.run<{ points: number }>('SELECT points FROM guest'))[0]?.points,
});

it('an order with a deadline of its own is cancelled when that is over, whatever its age', async () => {
  const shop = await hotel();

  expect(await call(shop, 'preview_expired_orders', 10)).toMatchObject([
    { order_id: 4, points_refund: 80 },
    { order_id: 1, points_refund: 10 },
  ]);
  expect(await sweep(shop)).toMatchObject({ cancelled: 2, returned: { points: '90' } });
  expect(await state(shop)).toEqual({ cancelled: [1, 4], points: 90 });
});

it('a call says the same as the sweep does, and when the order will be due', async () => {
  const shop = await hotel();
  const [soon] = await shop.run('SELECT pay_before AS at FROM booking WHERE id = 2');

  expect(await cancel(shop, 1)).toMatchObject({ outcome: 'cancelled', returned: { points: '10' } });
  expect(await cancel(shop, 2)).toMatchObject({ outcome: 'not_expired', expires_at: soon?.at });
  expect(await cancel(shop, 3)).toMatchObject({ outcome: 'contradictory' });
  expect(await state(shop)).toEqual({ cancelled: [1], points: 10 });
});

it('what is told of such orders speaks of the deadline, and one without it is for a person to see', async () => {
  const shop = await hotel();
  const told = async (id: number) =>
    (await call<{ detail: string }>(shop, 'explain_order_timeout', id)).map(({ detail }) => detail);

  expect(await call(shop, 'order_deadlines', '[1, 2, 3]')).toMatchObject([
    { order_id: 1, state: 'due', remaining_seconds: 0 },
    { order_id: 2, state: 'pending' },
    { order_id: 3, state: 'contradictory', expires_at: null },
  ]);
  expect(await told(2)).toEqual([
    expect.stringMatching(/^The order waits for payment until /),
    expect.stringMatching(/^Placed at .* by user 7\.$/),
    expect.stringMatching(/^Times out at its own deadline, \d{4}-/),
    '20 points comes back when the order is cancelled, to row 7, known from order.',
  ]);
  const [setting] = await call<{ detail: string }>(shop, 'order_timeout_health');
  expect(setting?.detail).toMatch(/^Orders time out at their own deadline; /);
  await call(shop, 'reconcile_orders', null);
  expect(await findings(shop)).toEqual(['3: contradictory  0']);
});
