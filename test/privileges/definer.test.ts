import type { Connection, RowDataPacket } from 'mysql2/promise';
import { describe, expect, test } from 'vitest';
import { readSource, up } from '../../scripts/deploy';
import { DEFINER_SQL, sayPrivilege } from '../../scripts/deploy/account';
import { neededPrivileges, revokeStatement } from '../../scripts/deploy/definer';
import { openSession } from '../../scripts/deploy/connection';
import { readShop } from '../../scripts/deploy/shop';
import { readState } from '../../scripts/deploy/state';
import { createShop, emptyTables, order, pendingOrder, type Shop, until } from '../support';

const EVERYTHING = 4_000_000_000_000_000_000n;

/** Calls each procedure once, over every path that opens a table. What it answers, or the first error's number. */
async function everyProcedure(shop: Shop, db: Connection): Promise<unknown> {
  const due = await pendingOrder(shop, { coupon: 1000, points: 50, pointsLeft: null });
  const young = await pendingOrder(shop, { coupon: 300, points: 7, ageMinutes: 1 });
  const single = await pendingOrder(shop, { coupon: 20 });
  const other = await pendingOrder(shop, { coupon: 1, ageMinutes: 1 });
  const bad = await pendingOrder(shop, { coupon: 5, couponBalance: 1 });
  const lost = await order(shop, { status: 'cancelled', coupon: 40, points: 3 });
  await shop.run('UPDATE user_coupons SET balance_amount = ? WHERE id = ?', [
    String(2n * EVERYTHING + EVERYTHING / 4n + 223_372_036_854_775_807n),
    bad.couponId,
  ]);
  await shop.run('INSERT INTO order_coupons (order_id, user_coupon_id) VALUES (?, 4711)', [
    due.orderId,
  ]);
  const answers: unknown[] = [];
  const call = async (sql: string, ...values: unknown[]) => {
    const [sets] = await db.query<RowDataPacket[][]>(`CALL ${sql}`, values);
    const outcome: unknown = sets[0]?.[0]?.outcome;
    if (outcome !== undefined) answers.push(outcome);
  };
  try {
    await call("hold_order(?, 5, 'twice')", young.orderId);
    await call("hold_order(?, 5, 'twice')", young.orderId);
    await call('release_order_hold(?)', young.orderId);
    await call('preview_expired_orders(1)');
    await call('cancel_expired_order(?)', single.orderId);
    await call("cancel_order(?, ?, '')", young.orderId, young.userId);
    await call("cancel_order_as_admin(?, '')", other.orderId);
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
    await call('order_money(?)', due.orderId);
    await call('reconcile_orders(NULL)');
    await call('list_findings(10)');
    const [finding] = await shop.run<{ id: number }>(
      'SELECT MIN(id) AS id FROM order_timeout_finding',
    );
    await call("settle_finding(?, 'seen')", finding?.id);
    // A view for people: its reader needs SELECT on it, and it reads the others as the definer.
    await shop.run('SELECT COUNT(*) FROM order_timeout_violation');
    const [failure] = await shop.run(
      'SELECT COUNT(*) AS orders, MAX(attempts) AS attempts FROM order_timeout_failure',
    );
    await shop.run('UPDATE orders SET status = 2 WHERE id = ?', [bad.orderId]);
    await call('cancel_expired_orders()');
    return { answers: answers.join(' '), failure };
  } catch (error) {
    return (error as { errno: number }).errno;
  } finally {
    // A sweep that failed for a privilege may have left its locks.
    await db.query('ROLLBACK');
    await emptyTables(shop);
  }
}

const SOUND = {
  answers:
    'held held released cancelled cancelled cancelled completed retrying completed settled completed',
  failure: { orders: 1, attempts: 1 },
};

const isSound = (outcome: unknown) => JSON.stringify(outcome) === JSON.stringify(SOUND);

/**
 * Whether something fails. MySQL asks for the privilege to lock what is behind a view from the second execution of a
 * routine's statement on, and each routine that is created anywhere on the server has all of them parsed anew.
 */
async function somethingFails(shop: Shop, db: Connection): Promise<boolean> {
  for (let left = TRIES; left > 0; left -= 1)
    if (!isSound(await everyProcedure(shop, db))) return true;
  return false;
}
const TRIES = 20;

function grantAgain(revoke: string): string {
  return revoke.replace(/^REVOKE/, 'GRANT').replace(' FROM ', ' TO ');
}

describe('the definer account', () => {
  test(
    'needs every privilege that it has on the tables of the shop: without any one of them something fails',
    { timeout: 180_000 },
    async () => {
      const shop = await createShop();
      const application = await shop.connect({
        uri: await shop.createAccount(`EXECUTE ON \`${shop.name}\`.*`),
      });
      const source = readSource();
      const session = await openSession(shop.url);
      const blueprint = await readShop(session, source, await readState(session, source));
      session.destroy();
      const privileges = neededPrivileges(blueprint, shop.name).filter(
        ({ schema, table }) => schema === shop.name && !/^order_timeout_|^\*$/.test(table),
      );
      expect(privileges.length).toBeGreaterThan(15);
      expect(await everyProcedure(shop, application)).toEqual(SOUND);

      const unneeded: string[] = [];
      for (const privilege of privileges) {
        const revoke = revokeStatement(privilege, false);
        await shop.run(revoke);
        if (!(await somethingFails(shop, application))) unneeded.push(sayPrivilege(privilege));
        await shop.run(grantAgain(revoke));
      }

      expect(unneeded).toEqual([]);
      expect(await everyProcedure(shop, application)).toEqual(SOUND);
    },
  );

  test('needs EVENT: without it the server runs no event of its', async () => {
    const shop = await createShop();
    const revoke = revokeStatement({ name: 'EVENT', schema: shop.name, table: '*' }, false);
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
    expect(await shop.column('SELECT beat_at FROM order_timeout_heartbeat')).toEqual([null]);

    await shop.run(grantAgain(revoke));
    await until(async () => {
      const [heartbeat] = await shop.run('SELECT beat_at FROM order_timeout_heartbeat');
      return heartbeat?.beat_at !== null;
    });
  });

  test('needs to see the members of a group', async () => {
    const shop = await createShop({ deploy: false });
    const members = 'SELECT ON performance_schema.replication_group_members';
    const url = await shop.createAccount(
      `ALL ON \`${shop.name}\`.*`,
      members,
      'SELECT ON performance_schema.replication_connection_configuration',
      'SELECT ON performance_schema.global_variables',
    );
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
      db.query("CALL order_timeout_require_id('p', ?)", [orderId]),
    ).rejects.toMatchObject({ errno: 1370 });
    for (const table of ['orders', 'user_coupons', 'order_timeout_refund', 'order_timeout_state'])
      await expect(db.query('SELECT * FROM ??', [table])).rejects.toMatchObject({ errno: 1142 });
    await expect(db.query('UPDATE orders SET status = 3')).rejects.toMatchObject({ errno: 1142 });

    const [sets] = await db.query<RowDataPacket[][]>("CALL cancel_order(?, ?, '')", [
      orderId,
      userId,
    ]);
    expect(sets[0]).toMatchObject([{ outcome: 'cancelled', coupon_refunded: 1000 }]);
  });
});
