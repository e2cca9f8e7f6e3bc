import { type Connection, createPool, type Pool, type PoolConnection } from 'mysql2/promise';
import { expect, onTestFinished, test } from 'vitest';
import { cancelExpiredOrder, OutcomeUnknownError } from '../../scripts';
import { changesOf, createShop, lockWait, pendingOrder, sessionEnd, type Shop } from '../support';

test('a query killed in mid-call has an unknown outcome, and its connection never returns to the pool', async () => {
  const { shop, pool, orderId, blocker } = await callThatWaits();
  const victim = await idOf(pool);

  const call = cancelExpiredOrder(pool, orderId);
  call.catch(() => undefined);
  await lockWait(shop);
  await shop.run('KILL QUERY ?', [victim]);

  await expect(call).rejects.toThrow(OutcomeUnknownError);
  await blocker.rollback();
  expect(await idOf(pool)).not.toBe(victim);
  expect(await cancelExpiredOrder(pool, orderId)).toMatchObject({
    outcome: 'cancelled',
    couponRefunded: '1000',
  });
});

test('a connection lost in mid-call has an unknown outcome, and calling again is right', async () => {
  const { shop, pool, orderId, blocker } = await callThatWaits();
  const victim = await idOf(pool);

  const call = cancelExpiredOrder(pool, orderId);
  call.catch(() => undefined);
  await lockWait(shop);
  await shop.run('KILL ?', [victim]);

  await expect(call).rejects.toMatchObject({
    code: 'OUTCOME_UNKNOWN',
    cause: { code: 'PROTOCOL_CONNECTION_LOST' },
  });
  await blocker.rollback();
  expect(await cancelExpiredOrder(pool, orderId)).toMatchObject({
    outcome: 'cancelled',
    couponRefunded: '1000',
  });
});

test('a call that takes too long has an unknown outcome, and gives back nothing twice', async () => {
  const { shop, pool, orderId, couponId, blocker } = await callThatWaits();

  const call = cancelExpiredOrder(pool, orderId, { timeoutMs: 50 });
  await expect(call).rejects.toMatchObject({
    code: 'OUTCOME_UNKNOWN',
    cause: { code: 'PROTOCOL_SEQUENCE_TIMEOUT' },
  });
  await blocker.rollback();
  await cancelExpiredOrder(pool, orderId);

  expect(
    await shop.run('SELECT balance_amount FROM user_coupons WHERE id = ?', [couponId]),
  ).toEqual([{ balance_amount: 1000 }]);
});

test.each(['pool', 'connection'])(
  'timeoutMs bounds what the server waits too, and leaves the settings of a %s as they were',
  async (kind) => {
    const { shop, pool, orderId, couponId, blocker } = await callThatWaits();
    const db = kind === 'pool' ? pool : await shop.connect();
    const waits = async () =>
      (
        await db.query(
          'SELECT @@innodb_lock_wait_timeout, @@lock_wait_timeout, @order_timeout_row_wait',
        )
      )[0];
    const before = await waits();

    // MySQL's own answer comes before the time is up, and says that nothing was done.
    await expect(cancelExpiredOrder(db, orderId, { timeoutMs: 4_000 })).rejects.toMatchObject({
      errno: 1205,
    });
    expect(await waits()).toEqual(before);
    await expect(cancelExpiredOrder(db, orderId, { timeoutMs: 50 })).rejects.toThrow(
      OutcomeUnknownError,
    );
    expect(await waits()).toEqual(before);
    await blocker.rollback();
    await cancelExpiredOrder(db, orderId, { timeoutMs: 4_000 });

    expect(await waits()).toEqual(before);
    expect(
      await shop.run('SELECT balance_amount FROM user_coupons WHERE id = ?', [couponId]),
    ).toEqual([{ balance_amount: 1000 }]);
  },
);

test('a call on a pool is one round trip more than the CALL', async () => {
  const shop = await createShop();
  const pool = poolOf(shop);
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  const asked = async () => {
    const [rows] = await pool.query("SHOW SESSION STATUS LIKE 'Questions'");
    return Number((rows as { Value: string }[])[0]?.Value);
  };

  const before = await asked();
  await cancelExpiredOrder(pool, orderId);

  // The CALL, one more, and the second look itself.
  expect((await asked()) - before).toBe(3);
});

test('a missing grant answers at once', async () => {
  const shop = await createShop();
  const connection = await shop.connect({
    uri: await shop.createAccount(`EXECUTE ON PROCEDURE \`${shop.name}\`.hold_order`),
  });
  const asked = () =>
    shop.run(
      `SELECT COUNT(*) AS calls
         FROM performance_schema.events_statements_history
         JOIN performance_schema.threads USING (thread_id)
        WHERE processlist_id = ? AND sql_text LIKE 'CALL cancel_expired_order(4711%'`,
      [connection.threadId],
    );

  await expect(cancelExpiredOrder(connection, 4711)).rejects.toMatchObject({ errno: 1370 });

  expect(await asked()).toEqual([{ calls: 1 }]);
});

test('after a killed query nothing half done is left on a connection without a transaction', async () => {
  const { shop, orderId, blocker } = await callThatWaits();
  const connection = await shop.connect();

  const changed = await changesOf(shop, async () => {
    const call = cancelExpiredOrder(connection, orderId);
    call.catch(() => undefined);
    await lockWait(shop);
    await shop.run('KILL QUERY ?', [connection.threadId]);
    await expect(call).rejects.toThrow(OutcomeUnknownError);
    // What commits a transaction that was left open.
    await connection.beginTransaction();
    await connection.commit();
  });
  await blocker.rollback();

  expect(changed).toEqual({});
});

const KILLED: Readonly<
  Record<string, (db: Pool | Connection, orderId: number) => Promise<unknown>>
> = {
  "mysql2's own query": (db, orderId) => db.query('CALL cancel_expired_order(?)', [orderId]),
  "mysql2's own execute": (db, orderId) => db.execute('CALL cancel_expired_order(?)', [orderId]),
  'the wrapper': cancelExpiredOrder,
};

test.each(Object.keys(KILLED).flatMap((how) => [`${how}, on a pool`, `${how}, on a connection`]))(
  'what is written after a killed call is not lost: %s',
  async (how) => {
    const [name = '', on] = how.split(', on a ');
    const { shop, pool, orderId, blocker } = await callThatWaits();
    const db = on === 'pool' ? pool : await shop.connect();
    const victim = await idOf(db);
    const session = async () =>
      (
        await db.query(
          `SELECT @@autocommit, @@time_zone, @@transaction_isolation, @@transaction_read_only, @@sql_mode,
                  @@sql_safe_updates, @@innodb_lock_wait_timeout, @@lock_wait_timeout`,
        )
      )[0];
    const before = await session();

    const call = KILLED[name]?.(db, orderId);
    call?.catch(() => undefined);
    await lockWait(shop);
    await shop.run('KILL QUERY ?', [victim]);
    await expect(call).rejects.toThrow('Query execution was interrupted');
    await db.query("UPDATE orders SET remark = 'written after it' WHERE id = ?", [orderId]);

    expect(await shop.run('SELECT status, remark FROM orders WHERE id = ?', [orderId])).toEqual([
      { status: 1, remark: 'written after it' },
    ]);
    expect(await session()).toEqual(before);
    await blocker.rollback();
  },
);

test('an application cannot kill its own call, as its thread is the definer’s', async () => {
  const { shop, orderId, blocker } = await callThatWaits();
  const uri = await shop.createAccount(`EXECUTE ON PROCEDURE ${shop.name}.cancel_expired_order`);
  const [caller, other] = [await shop.connect({ uri }), await shop.connect({ uri })];

  const call = cancelExpiredOrder(caller, orderId);
  await lockWait(shop);
  await expect(other.query('KILL QUERY ?', [caller.threadId])).rejects.toMatchObject({
    errno: 1095,
  });
  await blocker.rollback();

  expect(await call).toMatchObject({ outcome: 'cancelled' });
});

test('a pooled connection that died while it was idle is replaced, as nothing was called yet', async () => {
  const shop = await createShop();
  const pool = poolOf(shop);
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  // The call takes it before the pool hears of its end.
  const connection = await pool.getConnection();
  await shop.run('KILL ?', [connection.threadId]);
  await sessionEnd(shop, connection.threadId);
  connection.release();

  expect(await cancelExpiredOrder(pool, orderId)).toMatchObject({ outcome: 'cancelled' });
});

test("a transaction that somebody forgot on a pooled connection is not the call's to commit", async () => {
  const shop = await createShop();
  const pool = poolOf(shop);
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  await pool.query('START TRANSACTION');
  await pool.query("UPDATE orders SET remark = 'forgotten' WHERE id = ?", [orderId]);

  expect(await cancelExpiredOrder(pool, orderId)).toMatchObject({ outcome: 'cancelled' });

  expect(await shop.run('SELECT status, remark FROM orders WHERE id = ?', [orderId])).toEqual([
    { status: 3, remark: '' },
  ]);
});

test('a pool with autocommit off has committed when the call resolves', async () => {
  const shop = await createShop();
  const pool = poolOf(shop);
  await pool.query('SET autocommit = 0');
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });

  const changed = await changesOf(shop, () => cancelExpiredOrder(pool, orderId));

  expect(changed.orders).toEqual([{ id: orderId, status: [1, 3], has_cancelled_at: [0, 1] }]);
});

test.each([0, -5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '500', null])(
  'a timeoutMs of %s, which a timer takes for none, is refused before anything is called',
  async (timeoutMs) => {
    const shop = await createShop();
    const { orderId } = await pendingOrder(shop, { coupon: 1000 });
    const options = { timeoutMs: timeoutMs as number };
    for (const db of [poolOf(shop), await shop.connect()])
      await expect(cancelExpiredOrder(db, orderId, options)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
    expect(await shop.run('SELECT status FROM orders')).toEqual([{ status: 1 }]);
  },
);

test('a refused argument costs the pool no connection', async () => {
  const shop = await createShop();
  const pool = poolOf(shop);
  const before = await idOf(pool);
  await shop.run('DELETE FROM order_timeout_setting');
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });

  await expect(cancelExpiredOrder(pool, orderId)).rejects.toMatchObject({ code: 'SETTING_LOST' });

  expect(await idOf(pool)).toBe(before);
});

test('a routine that is just being deployed anew is called again', async () => {
  const shop = await createShop();
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  const [routine] = await shop.run<{ 'Create Procedure': string }>(
    'SHOW CREATE PROCEDURE cancel_expired_order',
  );
  await shop.run('DROP PROCEDURE cancel_expired_order');

  const call = cancelExpiredOrder(shop.db, orderId);
  call.catch(() => undefined);
  await shop.run('DO SLEEP(0.05)');
  await shop.run(routine?.['Create Procedure'] ?? '');

  expect(await call).toMatchObject({ outcome: 'cancelled' });
});

test('no server is no unknown outcome: nothing was called', async () => {
  const pool = createPool({ uri: 'mysql://root@127.0.0.1:1/shop' });
  onTestFinished(() => pool.end());

  await expect(cancelExpiredOrder(pool, 1)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('a closed connection is no unknown outcome: nothing was called', async () => {
  const shop = await createShop({ deploy: false });
  const connection = await shop.connect();
  await connection.end();

  await expect(cancelExpiredOrder(connection, 1)).rejects.not.toThrow(OutcomeUnknownError);
});

test('inside an XA transaction nothing is committed', async () => {
  const shop = await createShop();
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  const connection = await shop.connect();
  await connection.query("XA START 'cancel'");

  const changed = await changesOf(shop, () => cancelExpiredOrder(connection, orderId));
  await connection.query("XA END 'cancel'");
  await connection.query("XA ROLLBACK 'cancel'");

  expect(changed).toEqual({});
});

/** An order whose coupon somebody holds: a call for it waits. */
async function callThatWaits() {
  const shop = await createShop();
  const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const blocker = await shop.connect();
  await blocker.beginTransaction();
  await blocker.query('SELECT id FROM user_coupons WHERE id = ? FOR UPDATE', [order.couponId]);
  return { shop, pool: poolOf(shop), blocker, ...order };
}

function poolOf(shop: Shop): Pool {
  const pool = createPool({ uri: shop.url, connectionLimit: 1 });
  pool.on('connection', (connection: PoolConnection) => {
    connection.on('error', () => undefined);
  });
  onTestFinished(() => pool.end());
  return pool;
}

async function idOf(db: Pool | Connection): Promise<unknown> {
  const [rows] = await db.query('SELECT CONNECTION_ID() AS id');
  return (rows as { id: number }[])[0]?.id;
}
