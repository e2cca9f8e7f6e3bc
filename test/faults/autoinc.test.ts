import type { Connection } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { takeBaseline } from '../../scripts/dev/invariants';
import { loadExampleShop } from '../../scripts/dev/shop';
import { call, sweep, violations } from '../procedures/calls';
import { closeGate, createShop, sharedShop, until } from '../support';

// With innodb_autoinc_lock_mode = 1 an INSERT … SELECT keeps the counter of its table to the end of its
// statement: of ours that is the whole settlement.

const shop = sharedShop(
  async () => {
    const made = await createShop({
      settings: { 'innodb-autoinc-lock-mode': '1', 'sync-binlog': '0' },
    });
    const mix = { paid: 20, cancelled: 10, due: 50, young: 10, excluded: 10 };
    await loadExampleShop(await made.connect(), { orders: 2_000, mix, incidents: 'none' });
    return made;
  },
  () => Promise.resolve(),
);

const shopWrites = (db: Connection) =>
  db.query(
    "INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, action) VALUES (1, 1, 0, 'note')",
  );

test('the shop’s own row waits for the end of a settlement, not for that of the caller’s transaction', async () => {
  const [caller, writer] = [await shop.connect(), await shop.connect()];
  const [order] = await shop.run(
    'SELECT id FROM orders WHERE status = 1 AND source_type = 1 AND coupon_id > 0 AND created_at < NOW() - INTERVAL 1 HOUR LIMIT 1',
  );
  const gate = await closeGate(shop, 'UPDATE ON orders');
  const waitsFor = (what: string) =>
    until(async () => {
      const rows = await shop.run(
        `SELECT 1 FROM performance_schema.data_locks WHERE lock_mode = 'AUTO_INC' AND lock_status = '${what}'`,
      );
      return rows.length > 0;
    });

  await caller.beginTransaction();
  const answer = call(caller, 'cancel_expired_order(?)', order?.id);
  await waitsFor('GRANTED');
  let isWritten = false;
  const written = shopWrites(writer).then(() => (isWritten = true));
  await waitsFor('WAITING');
  expect(isWritten).toBe(false);
  await gate.open();

  expect(await answer).toMatchObject({ outcome: 'cancelled' });
  await written;
  await caller.rollback();
  await shop.run('DROP TRIGGER gate');
});

test('a sweep, calls that join and the shop’s own rows at once: all comes back, once', async () => {
  const baseline = await takeBaseline(shop.db);
  const due = `status = 1 AND source_type = 1 AND created_at < NOW() - INTERVAL 1 HOUR`;
  const orders = await shop.run(`SELECT id FROM orders WHERE ${due} ORDER BY id`);
  expect(orders.length).toBeGreaterThan(100);
  let isOver = false;
  const [joining, writing, sweeping] = (await Promise.all(
    Array.from({ length: 3 }, () => shop.connect()),
  )) as [Connection, Connection, Connection];
  const joined = async () => {
    for (const { id } of orders.slice(0, 20)) {
      await joining.query('SET TRANSACTION ISOLATION LEVEL READ COMMITTED');
      await joining.beginTransaction();
      await call(joining, 'cancel_expired_order(?)', id);
      await joining.commit();
    }
    // The other sweep may still be at work, and has passed over what a call here held.
    await until(async () => {
      const { outcome, run_id } = await sweep(joining);
      return outcome === 'completed' && run_id === null;
    });
    isOver = true;
  };
  const written = async () => {
    while (!isOver) await shopWrites(writing);
  };

  await Promise.all([joined(), sweep(sweeping), written()]);

  expect(await shop.run(`SELECT id FROM orders WHERE ${due}`)).toEqual([]);
  expect(
    await shop.run(
      `SELECT order_id FROM order_timeout_refund JOIN order_timeout_due_coupon USING (order_id, target_id)
        WHERE kind = 'coupon' AND due <> 0`,
    ),
  ).toEqual([]);
  expect(await violations(shop.db, baseline)).toEqual([]);
});
