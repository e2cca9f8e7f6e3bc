import type { ConnectionOptions } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { cancelExpiredOrder } from '../../scripts';
import { instantOf, shopTimeOf } from '../../scripts/client/shop-time';
import { createShop, pendingOrder } from '../support';

test.each(['+08:00', '-03:30', '+05:45', '+14:00', '-12:00'])(
  'cancelledAt is an instant in a shop whose clock is %s, whatever the connection thinks of time',
  async (clock) => {
    const shop = await createShop({ clock });
    const configurations: (ConnectionOptions & { sessionTimeZone?: string })[] = [
      {},
      { timezone: 'Z' },
      { timezone: '+08:00', dateStrings: true },
      { timezone: '-03:30', sessionTimeZone: '-03:30' },
      { sessionTimeZone: '+14:00' },
    ];

    for (const { sessionTimeZone = 'SYSTEM', ...options } of configurations) {
      const { orderId } = await pendingOrder(shop, { coupon: 1000 });
      const connection = await shop.connect(options);
      await connection.query('SET time_zone = ?', [sessionTimeZone]);

      const { cancelledAt } = await cancelExpiredOrder(connection, orderId);

      expect(cancelledAt).toBeInstanceOf(Date);
      expect(Math.abs(Date.now() - Number(cancelledAt))).toBeLessThan(60_000);
    }
  },
);

test.each([
  ['2026-01-31 20:00:00.123', '+08:00', '2026-01-31T12:00:00.123Z'],
  ['2026-01-01 05:44:59.000', '+05:45', '2025-12-31T23:59:59.000Z'],
  ['2025-12-31 22:30:00.000', '-03:30', '2026-01-01T02:00:00.000Z'],
  ['2026-03-01 00:00:00.000', '-00:30', '2026-03-01T00:30:00.000Z'],
  ['2026-03-01 00:00:00.000', '+00:00', '2026-03-01T00:00:00.000Z'],
])('%s in a shop whose clock is %s is %s, and back', (shopTime, clock, instant) => {
  expect(instantOf(shopTime, clock).toISOString()).toBe(instant);
  expect(shopTimeOf(new Date(instant), clock)).toBe(shopTime);
});
