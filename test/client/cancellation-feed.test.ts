import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { expect, test } from 'vitest';
import {
  cancelExpiredOrder,
  cancelExpiredOrders,
  cancelOrder,
  type DatabasePool,
  followCancellations,
  type FeedPlace,
  type ReadCancellation,
  readCancellations,
} from '../../scripts';
import { createShop, openPool, pendingOrder, type Shop, shopOfFile, startProxy } from '../support';

const shop = shopOfFile();

test('each cancellation is read once, with who cancelled it, when, and what came back', async () => {
  const shop = await createShop({ clock: '+08:00' });
  const byUser = await pendingOrder(shop, { coupon: 1000, points: 5 });
  const byTimeout = await pendingOrder(shop, { coupon: 300, sourceType: 4 });
  await cancelOrder(shop.db, byUser.orderId, { userId: byUser.userId });
  const { runId } = await cancelExpiredOrders(shop.db);

  const read = await readCancellations(shop.db, { after: 'beginning' });

  expect(read).toEqual([
    {
      place: { position: read[0]?.position, orderId: String(byUser.orderId) },
      position: expect.stringMatching(/^\d{16}$/) as string,
      orderId: String(byUser.orderId),
      userId: String(byUser.userId),
      sourceType: '1',
      cause: 'user',
      runId: null,
      couponRefunded: '1000',
      pointsRefunded: '5',
      findings: null,
      returned: { coupon: '1000', points: '5' },
      cancelledAt: expect.any(Date) as Date,
    },
    expect.objectContaining({
      orderId: String(byTimeout.orderId),
      sourceType: '4',
      cause: 'timeout',
      runId,
      couponRefunded: '300',
    }),
  ]);
  for (const { cancelledAt } of read)
    expect(Math.abs(Date.now() - Number(cancelledAt))).toBeLessThan(60_000);
  expect(await readCancellations(shop.db, { after: lastOf(read) })).toEqual([]);
});

test('a page ends anywhere, also within a batch, and the next one goes on from there', async () => {
  for (let made = 0; made < 7; made++) await pendingOrder(shop, { ageMinutes: 60 - made });
  await cancelExpiredOrders(shop.db);

  const pages = await readAll(shop, 3);

  expect(pages.map((page) => page.length)).toEqual([3, 3, 1]);
  const ids = pages.flat().map(({ orderId }) => orderId);
  expect(new Set(ids).size).toBe(7);
});

test('a place survives JSON; a coupon that is missing is told; both with exact ids', async () => {
  const exact = '9007199254740993';
  await pendingOrder(shop, { orderId: BigInt(exact), coupon: 1000 });
  await shop.run(
    'INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount) VALUES (?, ?, 5)',
    [exact, exact],
  );
  const later = await pendingOrder(shop);
  await cancelExpiredOrder(shop.db, exact);
  await cancelExpiredOrder(shop.db, later.orderId);

  const [first] = await readCancellations(shop.db, { after: 'beginning', limit: 1 });
  const kept = JSON.parse(JSON.stringify(first?.place)) as FeedPlace;

  expect(first).toMatchObject({
    orderId: exact,
    findings: [{ kind: 'coupon', targetId: exact, what: 'missing_target' }],
  });
  expect(await readCancellations(shop.db, { after: kept })).toMatchObject([
    { orderId: String(later.orderId) },
  ]);
});

test('inside a transaction the feed is refused, as it could show what is rolled back', async () => {
  const connection = await shop.connect();
  await connection.beginTransaction();

  await expect(readCancellations(connection, { after: 'beginning' })).rejects.toMatchObject({
    code: 'IN_TRANSACTION',
  });
});

test('a transaction that commits late is not behind those that have read past it', async () => {
  const late = await pendingOrder(shop);
  const early = await pendingOrder(shop);
  const slow = await shop.connect();
  await slow.query('SET SESSION transaction_isolation = "READ-COMMITTED"');
  await slow.beginTransaction();
  await cancelExpiredOrder(slow, late.orderId);
  await cancelExpiredOrder(shop.db, early.orderId);

  const before = await readCancellations(shop.db, { after: 'beginning' });
  await slow.commit();
  const after = await readCancellations(shop.db, { after: lastOf(before) });

  expect(before.map(({ orderId }) => orderId)).toEqual([String(early.orderId)]);
  expect(after.map(({ orderId }) => orderId)).toEqual([String(late.orderId)]);
});

test('when all that was read has been purged, what comes next is still found behind it', async () => {
  const first = await pendingOrder(shop);
  await cancelExpiredOrder(shop.db, first.orderId);
  const read = await readCancellations(shop.db, { after: 'beginning' });
  await shop.run('UPDATE order_timeout_batch SET created_at = created_at - INTERVAL 1 YEAR');
  await cancelExpiredOrders(shop.db);

  const next = await pendingOrder(shop);
  await cancelExpiredOrder(shop.db, next.orderId);

  expect(await readCancellations(shop.db, { after: lastOf(read) })).toMatchObject([
    { orderId: String(next.orderId) },
  ]);
});

test.each(['restored from a backup', 'deployed anew'])(
  'in a database that was %s a reader goes on from its place, and misses nothing that is cancelled afterwards',
  async (how) => {
    const orders = [];
    for (let made = 0; made < 5; made++) orders.push((await pendingOrder(shop)).orderId);
    const [kept = 0, ...lost] = orders.slice(0, 3);
    const afterwards = orders.slice(3);
    await cancelExpiredOrder(shop.db, kept);
    await readCancellations(shop.db, { after: 'beginning' });
    for (const orderId of lost) await cancelExpiredOrder(shop.db, orderId);
    const { position, orderId } = lastOf(await readCancellations(shop.db, { after: 'beginning' }));

    const gone = how === 'deployed anew' ? orders : lost;
    for (const table of ['cancellation', 'refund'])
      await shop.run(`DELETE FROM order_timeout_${table} WHERE order_id IN (?)`, [gone]);
    await shop.run(
      'DELETE FROM order_timeout_batch WHERE id NOT IN (SELECT batch_id FROM order_timeout_cancellation)',
    );
    expect(await readCancellations(shop.db, { after: { position, orderId } })).toEqual([]);
    for (const orderId of afterwards) {
      await cancelExpiredOrder(shop.db, orderId);
      await readCancellations(shop.db, { after: 'beginning' });
    }

    const read = await readCancellations(shop.db, { after: { position, orderId } });
    expect(read.map((one) => one.orderId)).toEqual(afterwards.map(String));
  },
);

test('nothing is given a place behind a reader that is ahead of this server’s clock', async () => {
  const { orderId } = await pendingOrder(shop);
  await cancelExpiredOrder(shop.db, orderId);
  const ahead = { position: Number.MAX_SAFE_INTEGER, orderId: 1 };
  await expect(readCancellations(shop.db, { after: ahead })).rejects.toMatchObject({
    errno: 50004,
  });
  expect(await shop.column('SELECT position FROM order_timeout_batch')).toEqual([null]);
});

test('many sessions cancel, are killed half-way and sweep; readers miss none, repeat none, and nothing appears behind them', async () => {
  const ORDERS = 240;
  const orderIds: number[] = [];
  for (let made = 0; made < ORDERS; made++) {
    const { orderId } = await pendingOrder(shop, { coupon: 100, points: 1, ageMinutes: 45 + made });
    orderIds.push(orderId);
  }
  await shop.run('UPDATE order_timeout_setting SET batch_size = 7');
  const work = { isOver: false };

  const cancelling = Array.from({ length: 6 }, async (_, worker) => {
    for (const orderId of orderIds.filter((id) => id % 6 === worker)) {
      const connection = await shop.connect();
      const isJoined = orderId % 4 === 0;
      if (isJoined) await connection.beginTransaction();
      const call = cancelExpiredOrder(connection, orderId);
      call.catch(() => undefined);
      if (orderId % 3 === 0) {
        await sleep(Math.random() * 4);
        await shop.run('KILL QUERY ?', [connection.threadId]).catch(() => undefined);
      }
      await call.catch(() => undefined);
      if (isJoined) {
        await sleep(Math.random() * 20);
        // A killed call may have left half its work: some applications commit that.
        await connection.query(orderId % 8 === 0 ? 'COMMIT' : 'ROLLBACK').catch(() => undefined);
      }
      connection.destroy();
    }
  });
  const sweeping = (async () => {
    while (!work.isOver) {
      await cancelExpiredOrders(shop.db);
      await sleep(30);
    }
  })();
  const reading = Array.from({ length: 3 }, async (_, reader) => {
    const seen: ReadCancellation[] = [];
    for (let isLast = false; ;) {
      const after = seen.length === 0 ? 'beginning' : lastOf(seen);
      const page = await readCancellations(shop.db, { after, limit: 5 + reader });
      seen.push(...page);
      if (isLast && page.length === 0) return seen;
      isLast = work.isOver;
      await sleep(Math.random() * 10);
    }
  });

  await Promise.all(cancelling);
  for (const orderId of orderIds) await cancelExpiredOrder(shop.db, orderId);
  work.isOver = true;
  await sweeping;
  const everything = (await readAll(shop, 1000)).flat();

  expect(everything.map(({ orderId }) => orderId).sort(bySize)).toEqual(orderIds.map(String));
  for (const seen of await Promise.all(reading)) expect(seen).toEqual(everything);
});

test('a follower gets what comes, goes on from its place, and ends when it is told to', async () => {
  const [first, second] = [await pendingOrder(shop), await pendingOrder(shop)];
  const ending = new AbortController();
  const seen: ReadCancellation[] = [];
  await cancelExpiredOrder(shop.db, first.orderId);

  for await (const one of followCancellations(shop.db, {
    from: 'beginning',
    pollMs: 20,
    signal: ending.signal,
  })) {
    seen.push(one);
    if (seen.length === 1) setTimeout(() => void cancelExpiredOrder(shop.db, second.orderId), 50);
    else
      setTimeout(() => {
        ending.abort();
      }, 50);
  }

  expect(seen.map(({ orderId }) => orderId)).toEqual([first, second].map((o) => String(o.orderId)));
  expect(await firstFollowed(shop.db, { from: seen[0]?.place ?? 'beginning' })).toEqual(seen[1]);
});

test.each([
  ['an AbortController instead of its signal', { signal: new AbortController() as never }],
  ['a pollMs of NaN', { pollMs: Number.NaN }],
  ['a pollMs of -1', { pollMs: -1 }],
])('a follower with %s ends with an error: it would ask without a pause', async (_, options) => {
  const shop = await createShop();
  const follow = async () => {
    for await (const one of followCancellations(shop.db, { from: 'beginning', ...options }))
      expect(one).toBeUndefined();
  };
  await expect(follow()).rejects.toThrow(/signal|pollMs/);
});

test('a follower waits while the database is away, and throws what waiting does not mend', async () => {
  const { orderId } = await pendingOrder(shop);
  await cancelExpiredOrder(shop.db, orderId);
  let tries = 0;
  const away: DatabasePool = {
    getConnection: () => {
      if (++tries < 4) return Promise.reject(Object.assign(new Error(), { code: 'ECONNREFUSED' }));
      return shop.db.getConnection();
    },
  };

  expect((await firstFollowed(away)).orderId).toBe(String(orderId));
  const lost = { position: Number.MAX_SAFE_INTEGER, orderId: 1 };
  await expect(followCancellations(shop.db, { from: lost }).next()).rejects.toMatchObject({
    code: 'INVALID_NUMBER',
  });
  await expect(
    followCancellations((await shop.connect()) as never, { from: 'beginning' }).next(),
  ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});

test('a follower waits while its account has no connection left, and while the server is offline', async () => {
  const shop = await createShop();
  const { orderId } = await pendingOrder(shop);
  await cancelExpiredOrder(shop.db, orderId);
  const uri = await shop.createAccount(`EXECUTE ON PROCEDURE \`${shop.name}\`.read_cancellations`);
  await shop.run('ALTER USER ? WITH MAX_USER_CONNECTIONS 1', [new URL(uri).username]);
  const other = await createConnection(uri);
  const pool = openPool(uri);
  const offline = Object.assign(new Error(), {
    code: 'ER_SERVER_OFFLINE_MODE',
    errno: 3032,
    sqlState: 'HY000',
  });
  const errors: unknown[] = [offline];
  const away: DatabasePool = {
    getConnection: async () => {
      if (errors.length === 1) {
        errors.push(offline);
        throw offline;
      }
      return pool.getConnection().catch(async (error: unknown) => {
        errors.push(error);
        await other.end();
        throw error;
      });
    },
  };

  expect((await firstFollowed(away)).orderId).toBe(String(orderId));
  expect(errors.slice(2)).toContainEqual(expect.objectContaining({ errno: 1226 }));
});

test('a follower goes on when its connection has died without a word, as in a failover', async () => {
  const { orderId } = await pendingOrder(shop);
  const proxy = await startProxy(shop.url);
  const pool = openPool(proxy.url, { connectionLimit: 2 });
  await pool.query('DO 0');
  proxy.fallSilent();
  await cancelExpiredOrder(shop.db, orderId);

  const { orderId: told } = await firstFollowed(pool, { timeoutMs: 1_000 });
  expect(told).toBe(String(orderId));
});

test('a follower ends when it is told to, also while it waits for a connection or an answer', async () => {
  const pool = openPool(shop.url);
  const inUse = await pool.getConnection();
  const ending = new AbortController();
  const next = followCancellations(pool, { from: 'beginning', signal: ending.signal }).next();
  ending.abort();

  expect(await next).toEqual({ done: true, value: undefined });
  inUse.release();
});

test('a follower waits while all of a pool’s connections are in use', async () => {
  const { orderId } = await pendingOrder(shop);
  await cancelExpiredOrder(shop.db, orderId);
  const pool = openPool(shop.url, { waitForConnections: false });
  const inUse = await pool.getConnection();
  let tries = 0;
  const busy: DatabasePool = {
    getConnection: () => {
      if (++tries === 3) inUse.release();
      return pool.getConnection();
    },
  };

  expect((await firstFollowed(busy)).orderId).toBe(String(orderId));
  expect(tries).toBe(3);
});

async function firstFollowed(
  db: DatabasePool,
  options: Partial<Parameters<typeof followCancellations>[1]> = {},
): Promise<ReadCancellation> {
  for await (const one of followCancellations(db, { from: 'beginning', pollMs: 1, ...options }))
    return one;
  throw new Error('nothing was read');
}

async function readAll(shop: Shop, limit: number): Promise<ReadCancellation[][]> {
  const pages: ReadCancellation[][] = [];
  for (let after: FeedPlace | 'beginning' = 'beginning'; ;) {
    const page = await readCancellations(shop.db, { after, limit });
    if (page.length === 0) return pages;
    pages.push(page);
    after = lastOf(page);
  }
}

function lastOf(read: readonly ReadCancellation[]): FeedPlace {
  const last = read.at(-1);
  if (last === undefined) throw new Error('nothing was read');
  return last.place;
}

function bySize(one: string, other: string): number {
  return Number(one) - Number(other);
}
