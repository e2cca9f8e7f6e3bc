import { describe, expect, onTestFinished, test } from 'vitest';
import {
  changesOf,
  couponLedgerRow,
  createShop,
  order,
  pendingOrder,
  type Shop,
  shopOfFile,
} from '../support';
import { call, cancelExpiredOrder, listed, reconcile, rowsOf, sweep } from './calls';
import { holding } from './obstacles';

// Which findings open, in whatever shop, is test/oracle's; here is how they live and end.

const shop = shopOfFile();

/** An order of which order_coupons says 700 and the ledger 1000, cancelled. */
async function withFinding(shop: Shop) {
  const built = await pendingOrder(shop, { coupon: 1000 });
  await shop.run('UPDATE order_coupons SET applied_amount = 700');
  await cancelExpiredOrder(shop.db, built);
  return built;
}

test('order_money tells per kind and target what was taken, came back, is missing, and was found', async () => {
  const { orderId, couponId } = await withFinding(shop);
  const missed = await order(shop, { status: 'cancelled', points: 50, pointsLeft: null });

  expect(await call(shop.db, 'order_money(?)', orderId)).toEqual({
    ...{ kind: 'coupon', target_id: couponId, account_id: couponId, source: 'order_coupons' },
    ...{ taken: 700, returned: 700, owed: 0, missing: 0, finding: 'ledger_differs' },
  });
  expect(await call(shop.db, 'order_money(?)', missed.orderId)).toEqual({
    ...{ kind: 'points', target_id: 0, account_id: null, source: 'orders' },
    ...{ taken: 50, returned: 0, owed: 0, missing: 50, finding: null },
  });
});

test('a finding is listed until somebody settles it, once, with a remark; it comes back only with other amounts', async () => {
  const { orderId, couponId } = await withFinding(shop);
  const [finding] = await listed(shop);
  expect(finding).toMatchObject({
    ...{ order_id: orderId, kind: 'coupon', target_id: couponId },
    ...{ what: 'ledger_differs', amount: 700, other_amount: 1000 },
  });
  const settle = (id: unknown) => call(shop.db, 'settle_finding(?, ?)', id, 'the user keeps it');

  const id = finding?.finding_id;
  expect(await settle(id)).toEqual({ finding_id: id, outcome: 'settled' });
  expect(await settle(id)).toEqual({ finding_id: id, outcome: 'already_settled' });
  expect(await settle(4711)).toEqual({ finding_id: 4711, outcome: 'not_found' });
  expect(await listed(shop)).toEqual([]);
  expect(await shop.column('SELECT remark FROM order_timeout_finding')).toEqual([
    'the user keeps it',
  ]);

  expect(await changesOf(shop, () => reconcile(shop))).toEqual({});
  await shop.run('UPDATE order_timeout_refund SET ledger_taken = 1100');
  expect(await reconcile(shop)).toEqual({ orders: 1, opened: 1, closed: 0 });
  expect(await listed(shop)).toMatchObject([{ amount: 700, other_amount: 1100 }]);
});

test('a thousand orders that are all too old are not looked at', async () => {
  await order(shop, { status: 'cancelled', coupon: 1000 });
  const looks = () =>
    shop.run(
      `SELECT SUM(count_star) FROM performance_schema.events_statements_summary_by_program
        WHERE object_schema = ? AND object_name = 'order_timeout_reconcile_orders'`,
      [shop.name],
    );
  await reconcile(shop);
  const before = await looks();

  const none = await call(shop.db, "reconcile_orders('2100-01-01')");

  expect(none).toEqual({ orders: 0, opened: 0, closed: 0 });
  expect(await looks()).toEqual(before);
  await reconcile(shop);
  expect(await looks()).not.toEqual(before);
});

test('what somebody has settled, as given in another way, is not missing and is not repaired; all else is', async () => {
  const { orderId, couponId } = await order(shop, {
    ...{ status: 'cancelled', coupon: 1000, points: 50 },
  });
  await reconcile(shop);
  const [coupon] = await listed(shop);
  expect(coupon).toMatchObject({ kind: 'coupon', what: 'missing_refund' });
  await call(shop.db, "settle_finding(?, 'a new coupon')", coupon?.finding_id);
  const missing = async () =>
    (await rowsOf(shop.db, 'audit_missing_refunds(NULL)')).map((row) => [row.kind, row.missing]);
  const told = async () =>
    (await rowsOf(shop.db, 'order_money(?)', orderId)).map((row) => [row.kind, row.missing]);
  const explained = async () =>
    (await rowsOf(shop.db, 'explain_order_timeout(?)', orderId))
      .filter(({ step }) => step === 'missing')
      .map(({ verdict }) => verdict);

  expect(await missing()).toEqual([['points', 50]]);
  expect(await told()).toEqual([
    ['coupon', 0],
    ['points', 50],
  ]);
  expect(await explained()).toEqual(['points']);
  expect(await rowsOf(shop.db, 'repair_missing_refund(?)', orderId)).toMatchObject([
    { kind: 'points', given: 50 },
  ]);
  expect(await missing()).toEqual([]);

  // Another amount is another thing.
  await shop.run('UPDATE order_coupons SET applied_amount = 1100');
  expect(await missing()).toEqual([['coupon', 1100]]);
  expect(await rowsOf(shop.db, 'repair_missing_refund(?)', orderId)).toMatchObject([
    { target_id: couponId, given: 1100 },
  ]);
});

test('what must never be is a finding that says what, until it is mended', async () => {
  const built = await pendingOrder(shop, { coupon: 1000, points: 50 });
  await sweep(shop.db);
  const again = (change: number) =>
    couponLedgerRow(shop, { ...built, change, action: 'cancel_refund' });
  await again(1000);
  await shop.run("UPDATE user_points_ledger SET action = 'cancel_refund' WHERE points = 50");

  expect(await reconcile(shop)).toMatchObject({ opened: 2 });
  const what = 'broken_invariant';
  expect(await listed(shop)).toMatchObject([
    { what, amount: 1000, detail: `coupon ${built.couponId}: 2000 given back of 1000 taken` },
    { what, amount: 50, detail: 'points 0: 50 given back with 0 rows in the ledger' },
  ]);
  await again(-1000);
  expect(await reconcile(shop)).toMatchObject({ opened: 0, closed: 1 });
  expect(await listed(shop)).toMatchObject([{ kind: 'points' }]);
});

test('what customers hold of an order with a finding keeps nobody from looking, nor is it locked', async () => {
  const { orderId } = await order(shop, { status: 'cancelled', coupon: 1000, points: 50 });
  await reconcile(shop);
  await rowsOf(shop.db, 'repair_missing_refund(?)', orderId);
  await shop.run('SET innodb_lock_wait_timeout = 1');
  onTestFinished(async () => {
    await shop.run('SET innodb_lock_wait_timeout = DEFAULT');
  });
  const customer = await holding(shop, 'SELECT * FROM orders FOR UPDATE');
  for (const table of ['user_coupons', 'user_coupon_ledger', 'user_points'])
    await customer.query('SELECT * FROM ?? FOR UPDATE', [table]);

  expect(await reconcile(shop)).toMatchObject({ orders: 1, closed: 2 });
  await customer.query('ROLLBACK');
});

test('a finding that is over closes, however many older ones stay open', async () => {
  await shop.run(
    `INSERT INTO order_timeout_finding (order_id, kind, target_id, what, opened_at)
     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12)
     SELECT i, 'coupon', 1, 'short', NOW(3) FROM n`,
  );
  const { orderId } = await order(shop, { status: 'cancelled', coupon: 1000 });
  await reconcile(shop);
  await rowsOf(shop.db, 'repair_missing_refund(?)', orderId);
  const isOpen = async () =>
    (await rowsOf(shop.db, 'list_findings(20)')).some(({ what }) => what === 'missing_refund');

  expect(await isOpen()).toBe(true);
  for (let minute = 0; minute < 60 && (await isOpen()); minute++) await sweep(shop.db);
  expect(await isOpen()).toBe(false);
});

test('a finding stays when its order is gone, as into the shop’s archive: what it is about is no less missing', async () => {
  const { orderId } = await order(shop, { status: 'cancelled', coupon: 1000 });
  await reconcile(shop);
  await shop.run('DELETE FROM orders');
  await sweep(shop.db);

  expect(await listed(shop)).toMatchObject([{ order_id: orderId, what: 'missing_refund' }]);
});

describe('the sweep looks at orders by itself', () => {
  const MISSED = { status: 'cancelled', coupon: 1000 } as const;
  const DAY = 24 * 60;
  const fromTheFirst = (shop: Shop) =>
    shop.run(
      'UPDATE order_timeout_heartbeat SET reconciled_order_id = 0, reconciled_again_order_id = 0',
    );

  test('an hour after the default timeout, in the order of their ids; one from the future stops it not', async () => {
    await order(shop, { ageMinutes: -2 * DAY });
    const { orderId } = await order(shop, { ...MISSED, ageMinutes: 91 });
    await order(shop, { ...MISSED, ageMinutes: 89 });
    await fromTheFirst(shop);

    await sweep(shop.db);

    expect((await listed(shop)).map(({ order_id }) => order_id)).toEqual([orderId]);
  });

  test('a thousand, and more while there is time: a large shop gets no way ahead of it', async () => {
    await order(shop, { orderId: 1, status: 'cancelled', ageMinutes: 120 });
    for (let there = 1; there < 2000; there *= 2)
      await shop.run(
        `INSERT INTO orders (id, order_no, user_id, source_type, status, total_amount, cancelled_at, created_at)
         SELECT id + ?, CONCAT('NO', id + ?), user_id, source_type, status, total_amount, cancelled_at, created_at FROM orders`,
        [there, there],
      );
    const { orderId } = await order(shop, { ...MISSED, ageMinutes: 120 });
    const lookUntil = async (stopAt: string) => {
      await shop.run('SET @after = 0');
      await shop.run(`CALL order_timeout_reconcile_next(NOW(3), NOW(3), ${stopAt}, @after)`);
      return shop.run('SELECT @after AS last');
    };

    expect(await lookUntil('NOW(3)')).toEqual([{ last: 1000 }]);
    expect(await listed(shop)).toEqual([]);
    expect(await lookUntil('NOW(3) + INTERVAL 1 DAY')).toEqual([{ last: orderId }]);
    expect(await listed(shop)).toMatchObject([{ order_id: orderId, amount: 1000 }]);
  });

  test('also after one with a far id that was looked at and then deleted', async () => {
    await order(shop, { orderId: 900_000_000, status: 'paid', ageMinutes: 200 });
    await sweep(shop.db);
    await shop.run('DELETE FROM orders');
    await sweep(shop.db);
    const { orderId } = await order(shop, { ...MISSED, ageMinutes: 91 });
    await sweep(shop.db);

    expect(await listed(shop)).toMatchObject([{ order_id: orderId }]);
  });

  test('once more reconcile_days after the longest timeout of a policy', async () => {
    await shop.run(
      'INSERT INTO order_timeout_policy (source_type, timeout_minutes) VALUES (4, ?)',
      [10 * DAY],
    );
    const seen = { sourceType: 4, status: 'cancelled' } as const;
    const first = await order(shop, { ...seen, ageMinutes: 17 * DAY + 1 });
    const second = await order(shop, { ...seen, ageMinutes: 17 * DAY - 1 });
    await order(shop, { ...MISSED, ageMinutes: 89 });
    await fromTheFirst(shop);

    await sweep(shop.db);

    const sql =
      'SELECT reconciled_again_order_id AS again, reconciled_order_id AS once FROM order_timeout_heartbeat';
    expect(await shop.run(sql)).toEqual([{ again: first.orderId, once: second.orderId }]);
  });

  test('but for what somebody holds locked, which another sweep looks at; this one does the rest of its work', async () => {
    const missed = await order(shop, { ...MISSED, ageMinutes: 120 });
    await fromTheFirst(shop);
    await pendingOrder(shop, { coupon: 300 });
    // The same finding, not yet committed.
    const holder = await holding(
      shop,
      `INSERT INTO order_timeout_finding (order_id, kind, target_id, what, opened_at)
       VALUES (?, 'coupon', ?, 'missing_refund', NOW(3))`,
      [missed.orderId, missed.couponId],
    );

    expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 0 });
    await holder.query('ROLLBACK');
    expect(await listed(shop)).toEqual([]);
    await sweep(shop.db);
    expect(await listed(shop)).toMatchObject([{ order_id: missed.orderId, amount: 1000 }]);
  });
});

describe('an action that is not listed', () => {
  /** It means a return, until the test ends. */
  async function list(shop: Shop, action: string): Promise<void> {
    await shop.run("INSERT INTO order_timeout_ledger_action VALUES ('coupon', ?, 'return')", [
      action,
    ]);
    onTestFinished(() => unlist(shop, action));
  }
  const unlist = async (shop: Shop, action: string) => {
    await shop.run('DELETE FROM order_timeout_ledger_action WHERE action = ?', [action]);
  };

  /** Orders that took 1000, got 300 back under each of these actions, and the rest by the sweep; they are looked at. */
  async function withActions(shop: Shop, ...orders: string[][]): Promise<number[]> {
    const ids = [];
    for (const actions of orders) {
      const one = await pendingOrder(shop, { coupon: 1000 });
      for (const action of actions) await couponLedgerRow(shop, { ...one, change: 300, action });
      ids.push(one.orderId);
    }
    await sweep(shop.db);
    await reconcile(shop);
    return ids;
  }

  const open = async (shop: Shop) =>
    (
      await shop.run(
        "SELECT order_id, detail FROM order_timeout_finding WHERE is_open AND what = 'unknown_action'",
      )
    ).map((row) => Object.values(row));

  test('has one finding, with the first order on which it was met; settled it stays settled, wherever it is met', async () => {
    const [first] = await withActions(shop, ['goodwill'], ['goodwill'], ['Goodwill']);

    expect(await open(shop)).toEqual([[first, 'goodwill']]);
    expect(await changesOf(shop, () => reconcile(shop))).toEqual({});
    await call(shop.db, 'settle_finding((SELECT MAX(id) FROM order_timeout_finding), NULL)');
    await withActions(shop, ['goodwill']);
    expect(await open(shop)).toEqual([]);
  });

  test('stops no sweep, however long it is', async () => {
    const shop = await createShop({
      schema: (sql) => sql.replaceAll('action VARCHAR(32)', 'action VARCHAR(500)'),
    });
    const action = 'x'.repeat(300);
    // More than it took: it is looked at in the same transaction.
    const order = await pendingOrder(shop, { coupon: 200 });
    await couponLedgerRow(shop, { ...order, change: 300, action });

    expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 0 });
    await reconcile(shop);
    expect(await open(shop)).toEqual([[order.orderId, action.slice(0, 255)]]);
  });

  test('is over when it is listed, and comes back when it is no longer', async () => {
    const [first] = await withActions(shop, ['goodwill'], ['goodwill']);
    await list(shop, 'goodwill');

    expect(await reconcile(shop)).toMatchObject({ opened: 0, closed: 1 });
    expect(await open(shop)).toEqual([]);
    await unlist(shop, 'goodwill');
    expect(await reconcile(shop)).toMatchObject({ opened: 1, closed: 0 });
    expect(await open(shop)).toEqual([[first, 'goodwill']]);
  });

  test.for([
    { orders: [['goodwill', 'zeal']], met: 0 },
    { orders: [['goodwill', 'zeal'], ['goodwill']], met: 1 },
  ])(
    'is told also when another one that was met with it is listed by now: $orders',
    async ({ orders, met }) => {
      const ids = await withActions(shop, ...orders);
      expect(await open(shop)).toContainEqual([ids[0], 'zeal']);
      await list(shop, 'zeal');

      await reconcile(shop);
      expect(await open(shop)).toEqual([[ids[met], 'goodwill']]);
    },
  );
});
