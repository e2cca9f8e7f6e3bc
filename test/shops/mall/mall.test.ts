import { describe, expect, it } from 'vitest';
import { plan } from '../../../scripts/deploy';
import { call, cancel, exampleOfFile, findings, findingsOfAll, sweep } from '../example';

const shop = exampleOfFile('mall');

interface OrderOptions {
  readonly status?: number;
  /** SKU to pieces. */
  readonly lines?: readonly Readonly<Record<number, number>>[];
  /** The coupon's template. */
  readonly coupon?: number;
  readonly points?: number;
  readonly deleted?: boolean;
}

const MEMBER = 7;

/** An order as mall makes it: stock is locked, points are taken, and a coupon of the member is used, without the order's id. */
async function order(options: OrderOptions = {}): Promise<number> {
  const { status = 0, lines = [], coupon = null, points = null, deleted = false } = options;
  const id = shop.nextId('order');
  const took = { coupon_id: coupon, use_integration: points };
  await shop.run(
    'INSERT INTO oms_order SET ?, create_time = NOW() - INTERVAL 31 MINUTE, payment_time = IF(status > 0, NOW(), NULL)',
    [{ id, member_id: MEMBER, ...took, status, order_type: 0, delete_status: deleted }],
  );
  for (const [sku, pieces] of lines.flatMap((line) => Object.entries(line))) {
    await shop.run('INSERT INTO oms_order_item SET ?', [
      { order_id: id, product_sku_id: sku, product_quantity: pieces },
    ]);
    await shop.run('UPDATE pms_sku_stock SET lock_stock = lock_stock + ? WHERE id = ?', [
      pieces,
      sku,
    ]);
  }
  await shop.run(
    'UPDATE sms_coupon_history SET use_status = 1, use_time = NOW() WHERE coupon_id = ? AND use_status = 0 ORDER BY id LIMIT 1',
    [coupon],
  );
  await shop.run('UPDATE ums_member SET integration = integration - ?', [points ?? 0]);
  return id;
}

const member = (points: number | null) =>
  shop.run('INSERT INTO ums_member SET ?', [{ id: MEMBER, integration: points }]);
const sku = (id: number, locked = 0) =>
  shop.run('INSERT INTO pms_sku_stock SET ?', [{ id, stock: 100, lock_stock: locked }]);
const coupons = async (...ids: number[]) => {
  for (const id of ids)
    await shop.run('INSERT INTO sms_coupon_history SET ?', [
      { id, coupon_id: 9, member_id: MEMBER, use_status: 0 },
    ]);
};

const locked = () => shop.column('SELECT lock_stock FROM pms_sku_stock');
const points = () => shop.column('SELECT integration FROM ums_member');
const used = () =>
  shop.column('SELECT id FROM sms_coupon_history WHERE use_status = 1 ORDER BY id');
const statuses = () => shop.column('SELECT status FROM oms_order ORDER BY id');

describe('mall', () => {
  it('gets an unpaid order cancelled with its stock, its coupon and its points', async () => {
    await member(500);
    await sku(1, 2);
    await coupons(21, 22);
    await order({ lines: [{ 1: 3 }, { 1: 1 }], coupon: 9, points: 200 });
    expect([await locked(), await used(), await points()]).toEqual([[6], [21], [300]]);

    expect(await sweep(shop)).toMatchObject({
      ...{ outcome: 'completed', cancelled: 1, failed: 0 },
      returned: { stock: '4', coupon: '1', points: '200' },
    });

    expect([await locked(), await used(), await points()]).toEqual([[2], [], [500]]);
    expect(await statuses()).toEqual([4]);
    expect(await shop.column('SELECT modify_time IS NOT NULL FROM oms_order')).toEqual([1]);
    const times = 'SELECT id FROM sms_coupon_history WHERE use_time IS NOT NULL';
    expect(await shop.column(times)).toEqual([]);
    expect(await findings(shop)).toEqual([]);
  });

  it('is told at a deployment what the first sweep would move', async () => {
    await member(500);
    await sku(1);
    await coupons(21);
    const wanted = { lines: [{ 1: 3 }, { 1: 1 }], coupon: 9, points: 200 };
    await order(wanted);
    await order({ ...wanted, status: 1 });
    await order({ ...wanted, deleted: true });
    const { remarks } = await plan(shop.url, { paused: true });
    expect(remarks.filter(({ about }) => about === 'first_sweep')).toMatchObject([
      {
        text: 'The first sweep would cancel 1 order and give back about stock 4, coupon 1, points 200. Orders of a type that order_timeout_policy switches off are left out: at first of type 3.',
      },
    ]);
  });

  it('has one coupon each for two orders that name the same template', async () => {
    await coupons(21, 22, 23);
    await order({ coupon: 9 });
    await order({ coupon: 9 });
    expect(await used()).toEqual([21, 22]);
    await sweep(shop);
    await sweep(shop);
    expect(await used()).toEqual([]);
    const given = "SELECT SUM(amount) FROM order_timeout_refund WHERE kind = 'coupon'";
    expect(await shop.column(given)).toEqual(['2']);
    expect(await statuses()).toEqual([4, 4]);
    expect(await findings(shop)).toEqual([]);
  });

  it('never frees the coupon that a paid order uses', async () => {
    await coupons(21);
    const unpaid = await order({ coupon: 9 });
    await order({ coupon: 9, status: 1 });
    expect(await used()).toEqual([21]);
    expect(await sweep(shop)).toMatchObject({ cancelled: 1, returned: { coupon: '0' } });
    expect(await used()).toEqual([21]);
    expect(await statuses()).toEqual([4, 1]);
    expect(await findings(shop)).toEqual([`${unpaid}: missing_target coupon 9`]);
  });

  it('frees the coupon of the cancelled order beside that of the paid one', async () => {
    await coupons(21, 22);
    await order({ coupon: 9, status: 1 });
    const unpaid = await order({ coupon: 9 });
    expect(await cancel(shop, unpaid)).toMatchObject({
      outcome: 'cancelled',
      returned: { coupon: '1' },
    });
    expect(await used()).toHaveLength(1);
  });

  it('does not let stock fall below its floor: set to it, a finding, and the order goes on', async () => {
    await sku(1);
    const id = await order({ lines: [{ 1: 3 }] });
    await shop.run('UPDATE pms_sku_stock SET lock_stock = 1');
    expect(await sweep(shop)).toMatchObject({ cancelled: 1, failed: 0 });
    expect(await locked()).toEqual([0]);
    expect(await statuses()).toEqual([4]);
    expect(await findings(shop)).toEqual([`${id}: below_floor stock 1`]);
  });

  it('has nothing to give back for an order that took nothing, and leaves deleted and paid ones alone', async () => {
    await order();
    const deleted = await order({ deleted: true });
    const paid = await order({ status: 1 });
    expect(await sweep(shop)).toMatchObject({
      cancelled: 1,
      returned: { stock: '0', coupon: '0', points: '0' },
    });
    expect(await cancel(shop, deleted)).toMatchObject({ outcome: 'excluded' });
    expect(await cancel(shop, paid)).toMatchObject({ outcome: 'not_pending' });
    expect(await findings(shop)).toEqual([]);
  });

  // Of what is neither in a ledger nor in a row that names its order, nobody knows whether the shop's own cancel gave it
  // back: a finding that nothing was given would have somebody give it a second time.
  describe('of an order whose coupon and SKU there are not', () => {
    const missing = (id: number) =>
      ['coupon 9', 'stock 5'].map((target) => `${id}: missing_target ${target}`);
    const wanted = { lines: [{ 5: 3 }], coupon: 9 };

    it('says nothing when the shop itself cancelled it, and may have given back', async () => {
      await order({ ...wanted, status: 4 });
      // mall has set the coupon free, and the SKU was deleted since.
      await coupons(1);
      expect(await findingsOfAll(shop)).toEqual([]);
    });

    it('tells it when it was cancelled here, also when the entry in the journal is purged', async () => {
      const id = await order(wanted);
      await cancel(shop, id);
      await sweep(shop);
      expect(await findings(shop)).toEqual(missing(id));
      await shop.run('DELETE FROM order_timeout_cancellation');
      await shop.run('DELETE FROM order_timeout_batch');
      expect(await findingsOfAll(shop)).toEqual(missing(id));
    });

    it('tells it while it is pending, and no longer once the shop has found the rows', async () => {
      const id = await order(wanted);
      expect(await findingsOfAll(shop)).toEqual(missing(id));
      await coupons(1);
      await shop.run('UPDATE sms_coupon_history SET use_status = 1');
      await sku(5, 3);
      expect(await findingsOfAll(shop)).toEqual([]);
    });

    it('tells it of one that was cancelled here until a person says so: no repair gives it', async () => {
      const id = await order(wanted);
      const ofStock = `${id}: missing_target stock 5`;
      await cancel(shop, id);
      await sku(5, 3);
      expect(await findingsOfAll(shop)).toContain(ofStock);
      expect(await call(shop, 'repair_missing_refund', id)).toEqual([]);
      // Pending again, it will be given.
      await shop.run('UPDATE oms_order SET status = 0');
      expect(await findingsOfAll(shop)).not.toContain(ofStock);
      await cancel(shop, id);
      await sweep(shop);
      expect(await locked()).toEqual([0]);
    });
  });

  it('has a third take of points, which no ledger tells, found again, also when the second was settled', async () => {
    await member(500);
    const id = await order({ points: 50 });
    const again = async () => {
      await shop.run('UPDATE oms_order SET status = 0');
      await shop.run('UPDATE ums_member SET integration = integration - 50');
      await cancel(shop, id);
    };
    await cancel(shop, id);
    await again();
    const found = [`${id}: second_take points 0`];
    expect(await findings(shop)).toEqual(found);
    const [second] = await call<{ finding_id: number }>(shop, 'list_findings', 10);
    await call(shop, 'settle_finding', second?.finding_id, 'given by hand');
    expect(await findingsOfAll(shop)).toEqual([]);
    await again();
    expect(await findings(shop)).toEqual(found);
  });
});
