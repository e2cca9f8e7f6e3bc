import { describe, expect, it } from 'vitest';
import type { Shop } from '../../support';
import { cancel, exampleOfFile, findings, sweep } from '../example';

interface OrderOptions {
  readonly minutes?: number;
  readonly status?: number;
  readonly lines?: readonly (readonly [sku: number, pieces: number])[];
  /** The coupon's template. */
  readonly coupon?: number;
  readonly points?: number | null;
  readonly deleted?: boolean;
}

const MEMBER = 7;

/** An order as mall makes it: stock is locked, points are taken, and a coupon of the member is used, without the order's id. */
async function order(shop: Shop, options: OrderOptions = {}): Promise<number> {
  const {
    minutes = 31,
    status = 0,
    lines = [],
    coupon = null,
    points = null,
    deleted = false,
  } = options;
  const id = shop.nextId('order');
  await shop.run(
    `INSERT INTO oms_order (id, member_id, coupon_id, use_integration, status, order_type, receiver_name, receiver_phone, create_time,
                            payment_time, delete_status)
     VALUES (?, ?, ?, ?, ?, 0, '', '', NOW() - INTERVAL ? MINUTE, IF(? > 0, NOW(), NULL), ?)`,
    [id, MEMBER, coupon, points, status, minutes, status, deleted],
  );
  for (const [sku, pieces] of lines) {
    await shop.run(
      'INSERT INTO oms_order_item (order_id, product_sku_id, product_quantity) VALUES (?, ?, ?)',
      [id, sku, pieces],
    );
    await shop.run(
      'UPDATE pms_sku_stock SET lock_stock = COALESCE(lock_stock, 0) + ? WHERE id = ?',
      [pieces, sku],
    );
  }
  if (coupon !== null)
    await shop.run(
      'UPDATE sms_coupon_history SET use_status = 1, use_time = NOW() WHERE member_id = ? AND coupon_id = ? AND use_status = 0 ORDER BY id LIMIT 1',
      [MEMBER, coupon],
    );
  if (points !== null)
    await shop.run('UPDATE ums_member SET integration = integration - ? WHERE id = ?', [
      points,
      MEMBER,
    ]);
  return id;
}

const member = (shop: Shop, points: number | null) =>
  shop.run('INSERT INTO ums_member (id, integration) VALUES (?, ?)', [MEMBER, points]);
const sku = (shop: Shop, id: number, locked: number | null = 0) =>
  shop.run("INSERT INTO pms_sku_stock (id, sku_code, stock, lock_stock) VALUES (?, '', 100, ?)", [
    id,
    locked,
  ]);
const coupons = async (shop: Shop, template: number, ...ids: number[]) => {
  for (const id of ids)
    await shop.run(
      'INSERT INTO sms_coupon_history (id, coupon_id, member_id, use_status) VALUES (?, ?, ?, 0)',
      [id, template, MEMBER],
    );
};

async function value(shop: Shop, sql: string, ...values: unknown[]): Promise<unknown> {
  const [row] = await shop.run<{ value: unknown }>(`SELECT (${sql}) AS value`, values);
  return row?.value;
}
const locked = (shop: Shop, id: number) =>
  value(shop, 'SELECT lock_stock FROM pms_sku_stock WHERE id = ?', id);
const points = (shop: Shop) =>
  value(shop, 'SELECT integration FROM ums_member WHERE id = ?', MEMBER);
const used = async (shop: Shop) =>
  (
    await shop.run<{ id: number }>(
      'SELECT id FROM sms_coupon_history WHERE use_status = 1 ORDER BY id',
    )
  ).map(({ id }) => id);
const statusOf = (shop: Shop, id: number) =>
  value(shop, 'SELECT status FROM oms_order WHERE id = ?', id);

const emptyShop = exampleOfFile('mall');

describe('mall', () => {
  it('gets an unpaid order cancelled with its stock, its coupon and its points', async () => {
    const shop = await emptyShop();
    await member(shop, 500);
    await sku(shop, 1, 2);
    await coupons(shop, 9, 21, 22);
    const id = await order(shop, {
      lines: [
        [1, 3],
        [1, 1],
      ],
      coupon: 9,
      points: 200,
    });
    expect([await locked(shop, 1), await used(shop), await points(shop)]).toEqual([6, [21], 300]);

    expect(await sweep(shop)).toMatchObject({
      outcome: 'completed',
      cancelled: 1,
      failed: 0,
      returned: { stock: '4', coupon: '1', points: '200' },
    });

    expect([await locked(shop, 1), await used(shop), await points(shop)]).toEqual([2, [], 500]);
    expect(await statusOf(shop, id)).toBe(4);
    expect(await value(shop, 'SELECT modify_time IS NOT NULL FROM oms_order')).toBe(1);
    expect(
      await value(shop, 'SELECT COUNT(*) FROM sms_coupon_history WHERE use_time IS NOT NULL'),
    ).toBe(0);
    expect(await findings(shop)).toEqual([]);
  });

  it('has nothing to give back for an order that took nothing', async () => {
    const shop = await emptyShop();
    await order(shop);
    expect(await sweep(shop)).toMatchObject({
      cancelled: 1,
      returned: { stock: '0', coupon: '0', points: '0' },
    });
    expect(await findings(shop)).toEqual([]);
  });

  it('counts a NULL balance as 0', async () => {
    const shop = await emptyShop();
    await member(shop, null);
    await order(shop, { points: 200 });
    await sweep(shop);
    expect(await points(shop)).toBe(200);
  });

  it('has one coupon each for two orders that name the same template', async () => {
    const shop = await emptyShop();
    await coupons(shop, 9, 21, 22, 23);
    await order(shop, { coupon: 9 });
    await order(shop, { coupon: 9 });
    expect(await used(shop)).toEqual([21, 22]);
    await sweep(shop);
    await sweep(shop);
    expect(await used(shop)).toEqual([]);
    expect(
      await value(shop, "SELECT SUM(amount) FROM order_timeout_refund WHERE kind = 'coupon'"),
    ).toBe('2');
    expect(await value(shop, 'SELECT COUNT(*) FROM oms_order WHERE status = 4')).toBe(2);
    expect(await findings(shop)).toEqual([]);
  });

  it('never frees the coupon that a paid order uses', async () => {
    const shop = await emptyShop();
    await coupons(shop, 9, 21);
    const unpaid = await order(shop, { coupon: 9 });
    await order(shop, { coupon: 9, status: 1 });
    expect(await used(shop)).toEqual([21]);
    expect(await sweep(shop)).toMatchObject({ cancelled: 1, returned: { coupon: '0' } });
    expect(await used(shop)).toEqual([21]);
    expect(await statusOf(shop, unpaid)).toBe(4);
    expect(await findings(shop)).toEqual([`${unpaid}: missing_target coupon 9`]);
  });

  it('frees the coupon of the cancelled order beside that of the paid one', async () => {
    const shop = await emptyShop();
    await coupons(shop, 9, 21, 22);
    await order(shop, { coupon: 9, status: 1 });
    const unpaid = await order(shop, { coupon: 9 });
    expect(await cancel(shop, unpaid)).toMatchObject({
      outcome: 'cancelled',
      returned: { coupon: '1' },
    });
    expect(await used(shop)).toHaveLength(1);
  });

  it('does not let stock fall below its floor: set to it, a finding, and the order goes on', async () => {
    const shop = await emptyShop();
    await sku(shop, 1);
    const id = await order(shop, { lines: [[1, 3]] });
    await shop.run('UPDATE pms_sku_stock SET lock_stock = 1');
    expect(await sweep(shop)).toMatchObject({ cancelled: 1, failed: 0 });
    expect(await locked(shop, 1)).toBe(0);
    expect(await statusOf(shop, id)).toBe(4);
    expect(await findings(shop)).toEqual([`${id}: below_floor stock 1`]);
  });

  it('gets points back once, also for an order that is set back to unpaid', async () => {
    const shop = await emptyShop();
    await member(shop, 500);
    const id = await order(shop, { points: 200 });
    await sweep(shop);
    await shop.run('UPDATE oms_order SET status = 0');
    expect(await cancel(shop, id)).toMatchObject({
      outcome: 'cancelled',
      returned: { points: '0' },
    });
    expect(await points(shop)).toBe(500);
    expect(await findings(shop)).toEqual([`${id}: second_take points 0`]);
  });

  it('cancels the order of a member who is gone, and says so', async () => {
    const shop = await emptyShop();
    const id = await order(shop, { points: 200 });
    expect(await sweep(shop)).toMatchObject({ cancelled: 1, returned: { points: '0' } });
    expect(await findings(shop)).toEqual([`${id}: missing_target points 0`]);
  });

  it('leaves deleted and paid orders alone', async () => {
    const shop = await emptyShop();
    const [deleted, paid] = [
      await order(shop, { deleted: true }),
      await order(shop, { status: 1 }),
    ];
    expect(await sweep(shop)).toMatchObject({ cancelled: 0 });
    expect(await cancel(shop, deleted)).toMatchObject({ outcome: 'excluded' });
    expect(await cancel(shop, paid)).toMatchObject({ outcome: 'not_pending' });
  });
});
