import { describe, expect, test } from 'vitest';
import { auditMissingRefunds, previewExpiredOrders, repairMissingRefund } from '../../scripts';
import { createShop, order, pendingOrder } from '../support';

// The other calls of operators are the commands': test/cli.

const MINUTE_MS = 60_000;

describe.each(['+00:00', '+08:00', '-03:30'])('in a shop whose clock is %s', (clock) => {
  test('the preview lists what the next sweep does, oldest first, with instants', async () => {
    const shop = await createShop({ clock });
    const younger = await pendingOrder(shop, { ageMinutes: 40, points: 7 });
    const older = await pendingOrder(shop, { ageMinutes: 90, coupon: 1000, sourceType: 4 });
    await pendingOrder(shop, { ageMinutes: 5 });
    const connection = await shop.connect({ timezone: '+05:00' });
    await connection.query("SET time_zone = '-11:00'");

    const preview = await previewExpiredOrders(connection);

    expect(preview).toMatchObject([
      {
        ...{ orderId: String(older.orderId), userId: String(older.userId), sourceType: '4' },
        ...{ couponRefund: '1000', pointsRefund: '0' },
      },
      { orderId: String(younger.orderId), couponRefund: '0', pointsRefund: '7' },
    ]);
    const [first] = preview;
    expect(Math.abs(Date.now() - 90 * MINUTE_MS - Number(first?.createdAt))).toBeLessThan(20_000);
    expect(Math.abs(60 * 60 - (first?.overdueSeconds ?? 0))).toBeLessThan(20);
    expect(await previewExpiredOrders(shop.db, { limit: 1 })).toHaveLength(1);
  });

  test('the audit looks at orders placed since an instant; what it lists a repair gives back, once', async () => {
    const shop = await createShop({ clock });
    const lost = await order(shop, { status: 'cancelled', coupon: 1000, ageMinutes: 60 });
    const audit = (minutes: number) =>
      auditMissingRefunds(shop.db, { since: new Date(Date.now() - minutes * MINUTE_MS) });

    expect(await audit(61)).toEqual([
      {
        orderId: String(lost.orderId),
        userId: String(lost.userId),
        kind: 'coupon',
        targetId: String(lost.couponId),
        taken: '1000',
        returned: '0',
        missing: '1000',
        source: 'order_coupons',
      },
    ]);
    expect(await audit(59)).toEqual([]);
    expect(await auditMissingRefunds(shop.db)).toHaveLength(1);
    expect(await repairMissingRefund(shop.db, lost.orderId)).toMatchObject([
      { kind: 'coupon', missing: '1000', given: '1000' },
    ]);
    expect(await repairMissingRefund(shop.db, lost.orderId)).toEqual([]);
    expect(await auditMissingRefunds(shop.db)).toEqual([]);
  });
});
