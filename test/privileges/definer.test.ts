import type { Connection, RowDataPacket } from 'mysql2/promise';
import { describe, expect, test } from 'vitest';
import { readSource, up } from '../../scripts/migrate';
import { DEFINER_SQL } from '../../scripts/migrate/definer';
import {
  expectedPrivileges,
  revokeStatement,
  TABLE_GRANTS,
  usedViews,
  viewGrant,
} from '../../scripts/migrate/grants';
import { SHOP_TABLES } from '../../scripts/migrate/tables';
import { createShop, order, pendingOrder, type Shop, until } from '../support';

const EVERYTHING = 4_000_000_000_000_000_000n;

/** Calls each procedure once, over every path that opens a table. What it answers, or the first error's number. */
async function everyProcedure(shop: Shop, db: Connection): Promise<unknown> {
  const due = await pendingOrder(shop, { coupon: 1000, points: 50, pointsLeft: null });
  const young = await pendingOrder(shop, { coupon: 300, points: 7, ageMinutes: 1 });
  const single = await pendingOrder(shop, { coupon: 20 });
  const bad = await pendingOrder(shop, { coupon: 5, couponBalance: 1 });
  const lost = await order(shop, { status: 'cancelled', coupon: 40, points: 3 });
  await shop.run('UPDATE user_coupons SET balance_amount = ? WHERE id = ?', [
    String(2n * EVERYTHING + EVERYTHING / 4n + 223_372_036_854_775_807n),
    bad.couponId,
  ]);
  await shop.run('INSERT INTO order_coupons (order_id, user_coupon_id) VALUES (?, 4711)', [
    due.orderId,
  ]);
  // What a call that was cut short leaves: claimed and not given.
  await shop.run(
    `INSERT INTO order_timeout_batch (cause, called_by, order_ids, created_at)
     VALUES ('timeout', '', JSON_ARRAY(?), NOW(3))`,
    [due.orderId],
  );
  await shop.run(
    `INSERT INTO order_timeout_refund
            (order_id, kind, target_id, batch_id, user_id, account_id, amount, source, cause, refunded_at)
     SELECT ?, 'coupon', ?, MAX(id), ?, ?, 1000, 'order_coupons', 'timeout', NOW(3) FROM order_timeout_batch`,
    [due.orderId, due.couponId, due.userId, due.couponId],
  );

  const answers: unknown[] = [];
  const call = async (sql: string, ...values: unknown[]) => {
    const [sets] = await db.query<RowDataPacket[][]>(`CALL ${sql}`, values);
    const [row] = sets[0] ?? [];
    answers.push(row?.outcome ?? sets[0]?.length);
  };
  try {
    await call("hold_order(?, 5, 'twice')", young.orderId);
    await call("hold_order(?, 5, 'twice')", young.orderId);
    await call('release_order_hold(?)', young.orderId);
    await call('preview_expired_orders(1)');
    await call('cancel_expired_order(?)', single.orderId);
    await call("cancel_order(?, ?, '')", young.orderId, young.userId);
    await call('cancel_expired_orders()');
    await call('retry_failed_order(?)', bad.orderId);
    await call('cancel_expired_orders()');
    await call('explain_order_timeout(?)', due.orderId);
    await call('audit_missing_refunds(NULL)');
    await call('repair_missing_refund(?)', lost.orderId);
    await call('read_cancellations(0, 0, 1)');
    await call('order_timeout_clock()');
    await call('order_timeout_health()');
    await call('order_timeout_numbers()');
    // A view for people: its reader needs SELECT on it, and it reads the others as the definer.
    await shop.run('SELECT COUNT(*) FROM order_timeout_violation');
    const [failure] = await shop.run('SELECT attempts FROM order_timeout_failure');
    await shop.run('UPDATE orders SET status = 2 WHERE id = ?', [bad.orderId]);
    await call('cancel_expired_orders()');
    return { answers: answers.filter((answer) => typeof answer === 'string'), failure };
  } catch (error) {
    return (error as { errno: number }).errno;
  } finally {
    for (const table of TABLES_TO_EMPTY) await shop.run('DELETE FROM ??', [table]);
    await shop.run("DELETE FROM order_timeout_run WHERE outcome = 'failed'");
  }
}

const TABLES_TO_EMPTY = [
  ...SHOP_TABLES,
  'order_timeout_batch',
  'order_timeout_cancellation',
  'order_timeout_refund',
  'order_timeout_failure',
];

const SOUND = {
  answers: [
    'held',
    'held',
    'released',
    'cancelled',
    'cancelled',
    'completed',
    'retrying',
    'completed',
    'completed',
  ],
  failure: { attempts: 1 },
};

function grantAgain(revoke: string): string {
  return revoke.replace(/^REVOKE/, 'GRANT').replace(' FROM ', ' TO ');
}

describe('the definer account', () => {
  test(
    'needs every privilege that it has: without any one of them something fails',
    { timeout: 180_000 },
    async () => {
      const shop = await createShop();
      const application = await shop.connect({
        uri: await shop.createAccount(`EXECUTE ON \`${shop.name}\`.*`),
      });
      const source = await readSource();
      const privileges = expectedPrivileges(shop.name, [
        ...TABLE_GRANTS,
        ...usedViews(source.objects).map(viewGrant),
      ]).filter(
        // One is the server's and would be taken from other shops, one the event's: see below.
        (privilege) => !/ performance_schema\.|^EVENT /.test(privilege),
      );
      expect(privileges.length).toBeGreaterThan(30);
      expect(await everyProcedure(shop, application)).toEqual(SOUND);

      const unneeded: string[] = [];
      for (const privilege of privileges) {
        const revoke = revokeStatement(shop.name, privilege);
        await shop.run(revoke);
        const outcome = await everyProcedure(shop, application);
        await shop.run(grantAgain(revoke));
        if (typeof outcome === 'object') unneeded.push(privilege);
      }

      expect(unneeded).toEqual([]);
      expect(await everyProcedure(shop, application)).toEqual(SOUND);
    },
  );

  test('needs EVENT: without it the server runs no event of its', async () => {
    const shop = await createShop();
    const revoke = revokeStatement(shop.name, `EVENT ${shop.name}.*`);
    await shop.run(revoke);
    await shop.run(
      `ALTER DEFINER = ${DEFINER_SQL} EVENT order_timeout_tick ON SCHEDULE EVERY 1 SECOND ENABLE`,
    );
    await until(async () => {
      const refused = await shop.run(
        'SELECT 1 FROM performance_schema.error_log WHERE data LIKE ? AND error_code = ?',
        [`%${shop.name}%`, 'MY-010448'],
      );
      return refused.length > 0;
    });
    expect(await shop.run('SELECT beat_at FROM order_timeout_heartbeat')).toEqual([
      { beat_at: null },
    ]);

    await shop.run(grantAgain(revoke));
    await until(async () => {
      const [heartbeat] = await shop.run('SELECT beat_at FROM order_timeout_heartbeat');
      return heartbeat?.beat_at !== null;
    });
  });

  test('needs to see the members of a group', async () => {
    const shop = await createShop({ deploy: false });
    const members = 'SELECT ON performance_schema.replication_group_members';
    const url = await shop.createAccount(`ALL ON \`${shop.name}\`.*`, members);
    await up(url, { clock: '+00:00' });
    await shop.run(`REVOKE ${members} FROM ?`, [new URL(url).username]);

    await expect(shop.run('CALL cancel_expired_orders()')).rejects.toMatchObject({ errno: 1142 });
  });
});

describe('the account of the application', () => {
  test('needs nothing but EXECUTE, and only on what it calls', async () => {
    const shop = await createShop();
    const { orderId, userId } = await pendingOrder(shop, { coupon: 1000, points: 50 });
    const db = await shop.connect({
      uri: await shop.createAccount(
        `EXECUTE ON PROCEDURE \`${shop.name}\`.cancel_expired_order`,
        `EXECUTE ON PROCEDURE \`${shop.name}\`.cancel_order`,
      ),
    });

    await expect(db.query('CALL cancel_expired_orders()')).rejects.toMatchObject({ errno: 1370 });
    await expect(
      db.query("CALL order_timeout_settle_one(?, NULL, 'admin', '', @v, @b)", [orderId]),
    ).rejects.toMatchObject({ errno: 1370 });
    for (const table of [
      'orders',
      'user_coupons',
      'order_timeout_refund',
      'order_timeout_half_done',
    ])
      await expect(db.query('SELECT * FROM ??', [table])).rejects.toMatchObject({ errno: 1142 });
    await expect(db.query('UPDATE orders SET status = 3')).rejects.toMatchObject({ errno: 1142 });

    const [sets] = await db.query<RowDataPacket[][]>("CALL cancel_order(?, ?, '')", [
      orderId,
      userId,
    ]);
    expect(sets[0]).toMatchObject([{ outcome: 'cancelled', coupon_refunded: 1000 }]);
  });
});
