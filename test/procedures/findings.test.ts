import { describe, expect, onTestFinished, test } from 'vitest';
import { changesOf, couponLedgerRow, createShop, order, pendingOrder, type Shop } from '../support';
import { cancelExpiredOrder, sweep } from './calls';
import { holding } from './obstacles';
import { shopOfFile } from './shop-of-file';

const freshShop = shopOfFile();

async function rows(shop: Shop, sql: string, values: unknown[] = []) {
  const [set = []] = await shop.run(`CALL ${sql}`, values);
  return set as Record<string, unknown>[];
}

/** An order of which order_coupons says 700 and the ledger 1000, cancelled. */
async function withFinding(shop: Shop) {
  const built = await pendingOrder(shop, { coupon: 1000 });
  await shop.run('UPDATE order_coupons SET applied_amount = 700');
  await cancelExpiredOrder(shop.db, built);
  const [finding] = await rows(shop, 'list_findings(10)');
  return { built, finding };
}

test('order_money tells per kind and target what was taken, came back, is missing, and was found', async () => {
  const shop = await freshShop();
  const { built } = await withFinding(shop);
  const missed = await order(shop, { status: 'cancelled', points: 50, pointsLeft: null });

  const common = { owed: 0, missing: 0, finding: null };
  expect(await rows(shop, 'order_money(?)', [built.orderId])).toEqual([
    {
      ...common,
      kind: 'coupon',
      target_id: built.couponId,
      account_id: built.couponId,
      taken: 700,
      returned: 700,
      source: 'order_coupons',
      finding: 'ledger_differs',
    },
  ]);
  expect(await rows(shop, 'order_money(?)', [missed.orderId])).toEqual([
    {
      ...common,
      kind: 'points',
      target_id: 0,
      account_id: null,
      taken: 50,
      returned: 0,
      missing: 50,
      source: 'orders',
    },
  ]);
});

test('what came back to an account that was merged into another is no finding', async () => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { coupon: 1000, points: 50 });
  await cancelExpiredOrder(shop.db, built);
  const userId = shop.nextId('user');
  const tables = ['orders', 'user_coupons', 'user_coupon_ledger', 'user_points'];
  for (const table of [...tables, 'user_points_ledger'])
    await shop.run('UPDATE ?? SET user_id = ?', [table, userId]);

  expect(await rows(shop, 'reconcile_orders(NULL)')).toEqual([{ orders: 1, opened: 0, closed: 0 }]);
  expect(await shop.run('SELECT * FROM order_timeout_violation')).toEqual([]);
});

test('a finding is listed until somebody settles it, once, with a remark', async () => {
  const shop = await freshShop();
  const { built, finding } = await withFinding(shop);
  const settle = async (id: unknown) =>
    rows(shop, 'settle_finding(?, ?)', [id, 'the user keeps it']);

  expect(finding).toMatchObject({
    order_id: built.orderId,
    kind: 'coupon',
    target_id: built.couponId,
    what: 'ledger_differs',
    amount: 700,
    other_amount: 1000,
  });
  const id = finding?.finding_id;
  expect(await settle(id)).toEqual([{ finding_id: id, outcome: 'settled' }]);
  expect(await settle(id)).toEqual([{ finding_id: id, outcome: 'already_settled' }]);
  expect(await settle(4711)).toEqual([{ finding_id: 4711, outcome: 'not_found' }]);
  expect(await rows(shop, 'list_findings(10)')).toEqual([]);
  expect(await shop.run('SELECT remark FROM order_timeout_finding')).toEqual([
    { remark: 'the user keeps it' },
  ]);
});

test('a settled finding stays settled, unless its amounts change', async () => {
  const shop = await freshShop();
  const { finding } = await withFinding(shop);
  await rows(shop, 'settle_finding(?, NULL)', [finding?.finding_id]);

  expect(
    await changesOf(shop, async () => {
      expect(await rows(shop, 'reconcile_orders(NULL)')).toMatchObject([{ opened: 0 }]);
    }),
  ).toEqual({});
  await shop.run('UPDATE order_timeout_refund SET ledger_taken = 1100');
  expect(await rows(shop, 'reconcile_orders(NULL)')).toMatchObject([{ orders: 1, opened: 1 }]);
  expect(await rows(shop, 'list_findings(10)')).toMatchObject([
    { amount: 700, other_amount: 1100 },
  ]);
});

test('a missing refund is a finding until it is repaired', async () => {
  const shop = await freshShop();
  const built = await order(shop, { status: 'cancelled', coupon: 1000 });

  expect(await rows(shop, 'reconcile_orders(NULL)')).toEqual([{ orders: 1, opened: 1, closed: 0 }]);
  expect(await rows(shop, 'list_findings(10)')).toMatchObject([
    { order_id: built.orderId, what: 'missing_refund', amount: 1000 },
  ]);
  expect(await rows(shop, 'repair_missing_refund(?)', [built.orderId])).toMatchObject([
    { given: 1000 },
  ]);
  expect(await rows(shop, 'reconcile_orders(NULL)')).toEqual([{ orders: 1, opened: 0, closed: 1 }]);
  expect(await rows(shop, 'list_findings(10)')).toEqual([]);
});

test('what must never be is a finding that says what, until it is mended', async () => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { coupon: 1000, points: 50 });
  await sweep(shop.db);
  const again = async (change: number) =>
    couponLedgerRow(shop, { ...built, change, action: 'cancel_refund' });
  await again(1000);
  await shop.run("UPDATE user_points_ledger SET action = 'cancel_refund' WHERE points = 50");

  expect(await rows(shop, 'reconcile_orders(NULL)')).toMatchObject([{ opened: 2 }]);
  expect(await rows(shop, 'list_findings(10)')).toMatchObject([
    {
      what: 'broken_invariant',
      kind: 'coupon',
      amount: 1000,
      detail: `coupon ${built.couponId}: 2000 given back of 1000 taken`,
    },
    {
      what: 'broken_invariant',
      kind: 'points',
      amount: 50,
      detail: 'points 0: 50 given back with 0 rows in the ledger',
    },
  ]);
  await again(-1000);
  expect(await rows(shop, 'reconcile_orders(NULL)')).toMatchObject([{ opened: 0, closed: 1 }]);
  expect(await rows(shop, 'list_findings(10)')).toMatchObject([{ kind: 'points' }]);
});

test('what somebody holds locked is looked at by another sweep; this one does the rest of its work', async () => {
  const shop = await freshShop();
  const missed = await order(shop, { status: 'cancelled', coupon: 1000, ageMinutes: 120 });
  await shop.run(
    'UPDATE order_timeout_heartbeat SET reconciled_order_id = 0, reconciled_again_order_id = 0',
  );
  await pendingOrder(shop, { coupon: 300 });
  // The same finding, not yet committed.
  const holder = await holding(shop, [
    `INSERT INTO order_timeout_finding (order_id, kind, target_id, what, opened_at)
     VALUES (?, 'coupon', ?, 'missing_refund', NOW(3))`,
    [missed.orderId, missed.couponId],
  ]);

  expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 0 });
  await holder.query('ROLLBACK');
  expect(await rows(shop, 'list_findings(10)')).toEqual([]);
  await sweep(shop.db);
  expect(await rows(shop, 'list_findings(10)')).toMatchObject([
    { order_id: missed.orderId, what: 'missing_refund', amount: 1000 },
  ]);
});

test('what customers hold of an order with a finding keeps nobody from looking, nor is it locked', async () => {
  const shop = await freshShop();
  const { orderId } = await order(shop, { status: 'cancelled', coupon: 1000, points: 50 });
  await rows(shop, 'reconcile_orders(NULL)');
  await rows(shop, 'repair_missing_refund(?)', [orderId]);
  await shop.run('SET innodb_lock_wait_timeout = 1');
  onTestFinished(async () => {
    await shop.run('SET innodb_lock_wait_timeout = DEFAULT');
  });
  const tables = ['orders', 'user_coupons', 'user_coupon_ledger', 'user_points'];
  const customer = await holding(
    shop,
    ...tables.map((table): [string] => [`SELECT * FROM ${table} FOR UPDATE`]),
  );

  expect(await rows(shop, 'reconcile_orders(NULL)')).toMatchObject([{ orders: 1, closed: 2 }]);
  await customer.query('ROLLBACK');
});

describe('the sweep looks at orders by itself', () => {
  const MISSED = { status: 'cancelled', coupon: 1000 } as const;
  const DAY = 24 * 60;

  /** From the first order on, the newest of which is too young to be looked at. */
  async function fromTheFirst(shop: Shop) {
    await shop.run(
      'UPDATE order_timeout_heartbeat SET reconciled_order_id = 0, reconciled_again_order_id = 0',
    );
    await order(shop, { ...MISSED, ageMinutes: 89 });
    await sweep(shop.db);
    return (await rows(shop, 'list_findings(10)')).map(({ order_id }) => order_id);
  }

  test('an hour after the default timeout, in the order of their ids', async () => {
    const shop = await freshShop();
    const first = await order(shop, { ...MISSED, ageMinutes: 91 });

    expect(await fromTheFirst(shop)).toEqual([first.orderId]);
  });

  test('and is not stopped by one from the future', async () => {
    const shop = await freshShop();
    await order(shop, { ageMinutes: -2 * DAY });
    const next = await order(shop, { ...MISSED, ageMinutes: 91 });

    expect(await fromTheFirst(shop)).toEqual([next.orderId]);
  });

  test('once more reconcile_days after the longest timeout of a policy', async () => {
    const shop = await freshShop();
    await shop.run(
      'INSERT INTO order_timeout_policy (source_type, timeout_minutes) VALUES (4, ?)',
      [10 * DAY],
    );
    const seen = { sourceType: 4, status: 'cancelled', ageMinutes: 17 * DAY + 1 } as const;
    const first = await order(shop, seen);
    const second = await order(shop, { ...seen, ageMinutes: 17 * DAY - 1 });
    await fromTheFirst(shop);

    expect(
      await shop.run(
        'SELECT reconciled_again_order_id AS again, reconciled_order_id AS once FROM order_timeout_heartbeat',
      ),
    ).toEqual([{ again: first.orderId, once: second.orderId }]);
  });
});

test('a finding that is over closes, however many older ones stay open', async () => {
  const shop = await freshShop();
  await shop.run(
    `INSERT INTO order_timeout_finding (order_id, kind, target_id, what, opened_at)
     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12)
     SELECT i, 'coupon', 1, 'short', NOW(3) FROM n`,
  );
  const { orderId } = await order(shop, { status: 'cancelled', coupon: 1000 });
  await rows(shop, 'reconcile_orders(NULL)');
  await rows(shop, 'repair_missing_refund(?)', [orderId]);
  const isOpen = async () =>
    (await rows(shop, 'list_findings(20)')).some(({ what }) => what === 'missing_refund');

  expect(await isOpen()).toBe(true);
  for (let minute = 0; minute < 60 && (await isOpen()); minute++) await sweep(shop.db);
  expect(await isOpen()).toBe(false);
});

describe('an action that is not listed', () => {
  /** What it means, until the test ends. */
  async function list(shop: Shop, action: string, meaning: string): Promise<void> {
    await shop.run('INSERT INTO order_timeout_ledger_action VALUES (?)', [
      ['coupon', action, meaning],
    ]);
    onTestFinished(async () => {
      await shop.run('DELETE FROM order_timeout_ledger_action WHERE action = ?', [action]);
    });
  }

  /** Orders that took 1000, got 300 back under each of these actions, and the rest by the sweep. */
  async function withActions(shop: Shop, ...orders: string[][]) {
    const built = [];
    for (const actions of orders) {
      const one = await pendingOrder(shop, { coupon: 1000 });
      for (const action of actions) await couponLedgerRow(shop, { ...one, change: 300, action });
      built.push(one);
    }
    await sweep(shop.db);
    return built;
  }

  const reconcile = (shop: Shop) => rows(shop, 'reconcile_orders(NULL)');
  const open = (shop: Shop) =>
    shop.run(
      "SELECT order_id, detail FROM order_timeout_finding WHERE is_open AND what = 'unknown_action'",
    );

  test('has one finding, with the first order on which it was met', async () => {
    const shop = await freshShop();
    const [first] = await withActions(shop, ['goodwill'], ['goodwill'], ['Goodwill']);

    await reconcile(shop);
    expect(await rows(shop, 'list_findings(10)')).toMatchObject([
      { order_id: first?.orderId, what: 'unknown_action', amount: 1000, other_amount: 1000 },
    ]);
    expect(await changesOf(shop, () => reconcile(shop))).toEqual({});
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
    expect(await open(shop)).toEqual([{ order_id: order.orderId, detail: action.slice(0, 255) }]);
  });

  test('that somebody has settled stays settled, on whatever order it is met', async () => {
    const shop = await freshShop();
    await withActions(shop, ['goodwill']);
    await reconcile(shop);
    await rows(shop, 'settle_finding((SELECT MAX(id) FROM order_timeout_finding), NULL)');
    await withActions(shop, ['goodwill']);

    expect(await changesOf(shop, () => reconcile(shop))).toEqual({});
  });

  test('is over when it is listed, and comes back when it is no longer', async () => {
    const shop = await freshShop();
    const [first] = await withActions(shop, ['goodwill'], ['goodwill']);
    await reconcile(shop);
    await list(shop, 'goodwill', 'return');

    expect(await reconcile(shop)).toMatchObject([{ opened: 0, closed: 1 }]);
    expect(await open(shop)).toEqual([]);
    await shop.run("DELETE FROM order_timeout_ledger_action WHERE action = 'goodwill'");
    expect(await reconcile(shop)).toMatchObject([{ opened: 1, closed: 0 }]);
    expect(await open(shop)).toEqual([{ order_id: first?.orderId, detail: 'goodwill' }]);
  });

  test('is told also when it was behind another one that is listed by now', async () => {
    const shop = await freshShop();
    const [both] = await withActions(shop, ['goodwill', 'zeal']);
    await reconcile(shop);
    expect(await open(shop)).toEqual([{ order_id: both?.orderId, detail: 'zeal' }]);
    await list(shop, 'zeal', 'return');

    await reconcile(shop);
    expect(await open(shop)).toEqual([{ order_id: both?.orderId, detail: 'goodwill' }]);
  });

  test('ends on an order when it is listed, though another order has another', async () => {
    const shop = await freshShop();
    const [, other] = await withActions(shop, ['goodwill', 'zeal'], ['goodwill']);
    await reconcile(shop);
    await list(shop, 'zeal', 'return');

    await reconcile(shop);
    expect(await open(shop)).toEqual([{ order_id: other?.orderId, detail: 'goodwill' }]);
  });
});
