import type { Connection, Pool, QueryOptions } from 'mysql2/promise';
import { describe, expect, test } from 'vitest';
import { cancelExpiredOrder, OutcomeUnknownError } from '../../scripts';
import {
  changesOf,
  createShop,
  lockWait,
  openPool,
  pendingOrder,
  type Proxy,
  sessionEnd,
  type Shop,
  shopOfFile,
  startProxy,
} from '../support';
import { expectAllBackOnce } from '../procedures/calls';
import { holding } from '../procedures/obstacles';

const shop = shopOfFile();

/** An order whose coupon somebody holds: a call for it waits. */
async function callThatWaits(shop: Shop) {
  const { orderId, couponId } = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const blocker = await holding(shop, 'SELECT id FROM user_coupons WHERE id = ? FOR UPDATE', [
    couponId,
  ]);
  return { pool: openPool(shop.url), blocker, orderId };
}

async function one(db: Pool | Connection, sql: string): Promise<unknown> {
  const [rows] = await db.query(sql);
  return (rows as unknown[])[0];
}

/** A pool of one connection, through a proxy; something happens there just before it sends this. */
async function poolWhere(proxy: Proxy, statement: string, happens: () => void) {
  const connection = await openPool(proxy.url).getConnection();
  const query = connection.query.bind(connection) as (options: QueryOptions) => Promise<unknown>;
  const noticed = (options: QueryOptions) => {
    if (options.sql.startsWith(statement)) happens();
    return query(options);
  };
  return {
    connection,
    getConnection: () => Promise.resolve(Object.assign(connection, { query: noticed })),
  };
}

const ID = 'SELECT CONNECTION_ID() AS id';
const idOf = async (db: Pool | Connection) => ((await one(db, ID)) as { id: number }).id;

test.for([
  ['KILL QUERY', { errno: 1317 }],
  ['KILL', { code: 'PROTOCOL_CONNECTION_LOST' }],
] as const)(
  'a call that %s ends has an unknown outcome, its connection never returns to the pool, and calling again is right',
  async ([kill, cause]) => {
    const { pool, orderId, blocker } = await callThatWaits(shop);
    const victim = await idOf(pool);

    const call = cancelExpiredOrder(pool, orderId);
    call.catch(() => undefined);
    await lockWait(shop);
    await shop.run(`${kill} ${victim}`);

    await expect(call).rejects.toThrow(OutcomeUnknownError);
    await expect(call).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN', cause });
    await blocker.rollback();
    expect(await idOf(pool)).not.toBe(victim);
    await cancelExpiredOrder(pool, orderId);
    await expectAllBackOnce(shop);
  },
);

test.for(['pool', 'connection'])(
  'timeoutMs bounds what the server waits too, and leaves the settings of a %s as they were',
  async (kind) => {
    const { pool, orderId, blocker } = await callThatWaits(shop);
    const db = kind === 'pool' ? pool : await shop.connect();
    const waits = () =>
      one(db, 'SELECT @@innodb_lock_wait_timeout, @@lock_wait_timeout, @order_timeout_row_wait');
    const before = await waits();

    // MySQL's own answer comes before the time is up, and says that nothing was done.
    await expect(cancelExpiredOrder(db, orderId, { timeoutMs: 4_000 })).rejects.toMatchObject({
      errno: 1205,
    });
    expect(await waits()).toEqual(before);
    await expect(cancelExpiredOrder(db, orderId, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      cause: { code: 'PROTOCOL_SEQUENCE_TIMEOUT' },
    });
    expect(await waits()).toEqual(before);
    await blocker.rollback();
    await cancelExpiredOrder(db, orderId, { timeoutMs: 4_000 });

    expect(await waits()).toEqual(before);
    await expectAllBackOnce(shop);
  },
);

const CALLS: Record<string, (db: Pool | Connection, orderId: number) => Promise<unknown>> = {
  "mysql2's own query": (db, orderId) => db.query('CALL cancel_expired_order(?)', [orderId]),
  "mysql2's own execute": (db, orderId) => db.execute('CALL cancel_expired_order(?)', [orderId]),
  'the wrapper': cancelExpiredOrder,
};

describe.for(Object.entries(CALLS))('after a killed call by %s', ([, callBy]) => {
  test.for(['pool', 'connection'])(
    'nothing of it is left on a %s, and what is written next is not lost',
    async (on) => {
      const { pool, orderId, blocker } = await callThatWaits(shop);
      const db = on === 'pool' ? pool : await shop.connect();
      const victim = await idOf(db);
      const session = () =>
        one(
          db,
          `SELECT @@autocommit, @@time_zone, @@transaction_isolation, @@transaction_read_only, @@sql_mode,
                  @@sql_safe_updates, @@innodb_lock_wait_timeout, @@lock_wait_timeout`,
        );
      const before = await session();

      const call = callBy(db, orderId);
      call.catch(() => undefined);
      await lockWait(shop);
      await shop.run('KILL QUERY ?', [victim]);
      await expect(call).rejects.toThrow('Query execution was interrupted');
      await db.query("UPDATE orders SET remark = 'written after it' WHERE id = ?", [orderId]);

      expect(await shop.run('SELECT status, remark FROM orders')).toEqual([
        { status: 1, remark: 'written after it' },
      ]);
      expect(await session()).toEqual(before);
      await blocker.rollback();
    },
  );
});

test('an application cannot kill its own call, as its thread is the definer’s', async () => {
  const { orderId, blocker } = await callThatWaits(shop);
  const uri = await shop.createAccount(`EXECUTE ON PROCEDURE ${shop.name}.cancel_expired_order`);
  const [caller, other] = [await shop.connect({ uri }), await shop.connect({ uri })];

  const call = cancelExpiredOrder(caller, orderId);
  await lockWait(shop);
  const kill = other.query('KILL QUERY ?', [caller.threadId]);
  await expect(kill).rejects.toMatchObject({ errno: 1095 });
  await blocker.rollback();

  expect(await call).toMatchObject({ outcome: 'cancelled' });
});

describe('a call on a pool', () => {
  test('is one round trip more than the CALL', async () => {
    const pool = openPool(shop.url);
    const { orderId } = await pendingOrder(shop, { coupon: 1000 });
    const asked = async () =>
      Number(
        ((await one(pool, "SHOW SESSION STATUS LIKE 'Questions'")) as { Value: string }).Value,
      );

    const before = await asked();
    await cancelExpiredOrder(pool, orderId);

    // The CALL, one more, and the second look itself.
    expect((await asked()) - before).toBe(3);
  });

  test('replaces a connection that died while it was idle, as nothing was called yet', async () => {
    const pool = openPool(shop.url);
    const { orderId } = await pendingOrder(shop, { coupon: 1000 });
    // The call takes it before the pool hears of its end.
    const connection = await pool.getConnection();
    await shop.run('KILL ?', [connection.threadId]);
    await sessionEnd(shop, connection.threadId);
    connection.release();

    expect(await cancelExpiredOrder(pool, orderId)).toMatchObject({ outcome: 'cancelled' });
  });

  test('commits no transaction that somebody forgot there', async () => {
    const pool = openPool(shop.url);
    const { orderId } = await pendingOrder(shop, { coupon: 1000 });
    await pool.query('START TRANSACTION');
    await pool.query("UPDATE orders SET remark = 'forgotten'");

    expect(await cancelExpiredOrder(pool, orderId)).toMatchObject({ outcome: 'cancelled' });

    expect(await shop.run('SELECT status, remark FROM orders')).toEqual([
      { status: 3, remark: '' },
    ]);
  });

  test('with autocommit off has committed when it resolves', async () => {
    const pool = openPool(shop.url);
    await pool.query('SET autocommit = 0');
    const { orderId } = await pendingOrder(shop, { coupon: 1000 });

    const changed = await changesOf(shop, () => cancelExpiredOrder(pool, orderId));

    expect(changed.orders).toEqual([{ id: orderId, status: [1, 3], has_cancelled_at: [0, 1] }]);
  });

  test('that refuses its argument costs the pool no connection', async () => {
    const pool = openPool(shop.url);
    const before = await idOf(pool);
    await shop.run('DELETE FROM order_timeout_setting');
    const { orderId } = await pendingOrder(shop, { coupon: 1000 });

    await expect(cancelExpiredOrder(pool, orderId)).rejects.toMatchObject({ code: 'SETTING_LOST' });

    expect(await idOf(pool)).toBe(before);
  });
});

test.for([0, -5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '500', null])(
  'a timeoutMs of %s, which a timer takes for none, is refused before anything is called',
  async (timeoutMs) => {
    const { orderId } = await pendingOrder(shop, { coupon: 1000 });
    const options = { timeoutMs: timeoutMs as number };
    for (const db of [openPool(shop.url), await shop.connect()])
      await expect(cancelExpiredOrder(db, orderId, options)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
    expect(await shop.column('SELECT status FROM orders')).toEqual([1]);
  },
);

test.for(['pool', 'connection'])(
  'timeoutMs also bounds the wait for a %s that is in use, which can be used afterwards',
  async (kind) => {
    const { orderId } = await pendingOrder(shop, { coupon: 1000 });
    const pool = openPool(shop.url);
    const inUse = await pool.getConnection();
    const blocker = await holding(shop, 'SELECT id FROM orders FOR UPDATE');
    const before = inUse.query("UPDATE orders SET remark = 'before it'");
    await lockWait(shop);

    await expect(
      cancelExpiredOrder(kind === 'pool' ? pool : inUse, orderId, { timeoutMs: 50 }),
    ).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    await blocker.rollback();
    await before;
    inUse.release();

    // The pool's only one.
    await cancelExpiredOrder(pool, orderId);
    await expectAllBackOnce(shop);
  },
);

test('timeoutMs also bounds the wait for the COMMIT of a pool with autocommit off', async () => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  const proxy = await startProxy(shop.url);
  // As when the server that is to acknowledge it is gone.
  const pool = await poolWhere(proxy, 'COMMIT', proxy.fallSilent);
  await pool.connection.query('SET autocommit = 0');

  await expect(cancelExpiredOrder(pool, orderId, { timeoutMs: 2_000 })).rejects.toMatchObject({
    code: 'OUTCOME_UNKNOWN',
  });
  await cancelExpiredOrder(shop.db, orderId);
  await expectAllBackOnce(shop);
});

test.for(['pool', 'connection'])(
  'a call on a %s that was done says so, though its timeoutMs can not be taken back, as behind a proxy that resets sessions',
  async (kind) => {
    const shop = await createShop();
    const { orderId } = await pendingOrder(shop, { coupon: 1000 });
    await shop.run(
      'CREATE TRIGGER forget BEFORE UPDATE ON orders FOR EACH ROW SET @order_timeout_row_wait = ""',
    );
    const pool = openPool(shop.url);
    const before = await idOf(pool);
    const db = kind === 'pool' ? pool : await shop.connect();

    const { outcome } = await cancelExpiredOrder(db, orderId, { timeoutMs: 30_000 });

    expect(outcome).toBe('cancelled');
    // The pool doesn't hand its settings on.
    expect((await idOf(pool)) === before).toBe(kind === 'connection');
  },
);

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

test('no server and a closed connection are no unknown outcome: nothing was called', async () => {
  const pool = openPool('mysql://root@127.0.0.1:1/shop');
  const connection = await shop.connect();
  await connection.end();

  await expect(cancelExpiredOrder(pool, 1)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await expect(cancelExpiredOrder(connection, 1)).rejects.not.toThrow(OutcomeUnknownError);
});

test('a connection cut while the answer travels: the outcome is unknown, and calling again is safe', async () => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const proxy = await startProxy(shop.url);
  const pool = await poolWhere(proxy, 'CALL', proxy.cutAnswers);

  await expect(cancelExpiredOrder(pool, orderId)).rejects.toThrow(OutcomeUnknownError);
  await sessionEnd(shop, pool.connection.threadId);
  await cancelExpiredOrder(shop.db, orderId);

  await expectAllBackOnce(shop);
});
