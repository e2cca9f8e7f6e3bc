import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ConnectionOptions, createPool } from 'mysql2/promise';
import { expect, onTestFinished, test } from 'vitest';
import { cancelExpiredOrder, cancelOrder } from '../../scripts';
import { createShop, pendingOrder } from '../support';

const ODD: Record<string, ConnectionOptions> = {
  rowsAsArray: { rowsAsArray: true },
  nestTables: { nestTables: true },
  'nestTables with a separator': { nestTables: '_' },
  namedPlaceholders: { namedPlaceholders: true },
  decimalNumbers: { decimalNumbers: true, supportBigNumbers: true, bigNumberStrings: true },
  'a typeCast of its own': { typeCast: () => 'something else' },
  'no typeCast': { typeCast: false },
  dateStrings: { dateStrings: ['DATETIME'], timezone: '+08:00' },
  'no FOUND_ROWS': { flags: ['-FOUND_ROWS', '-IGNORE_SPACE'] },
  multipleStatements: { multipleStatements: true },
  'another charset': { charset: 'LATIN1_SWEDISH_CI' },
  disableEval: { disableEval: true },
};

test.each(Object.keys(ODD))('a connection may be configured with %s', async (name) => {
  const shop = await createShop();
  const { orderId, userId } = await pendingOrder(shop, { coupon: 1000, points: 5 });
  const pool = createPool({ uri: shop.url, connectionLimit: 1, ...ODD[name] });
  try {
    // The application's own query first, so that what mysql2 remembers of it is in place.
    await pool.query('CALL cancel_expired_order(1)');

    expect(await cancelOrder(pool, orderId, { userId, remark: "不要 :了 ? '" })).toEqual({
      orderId: String(orderId),
      outcome: 'cancelled',
      couponRefunded: '1000',
      pointsRefunded: '5',
      cancelledAt: expect.any(Date) as Date,
      expiresAt: null,
      returned: { coupon: '1000', points: '5' },
    });
    expect(
      await shop.run('SELECT remark FROM user_points_ledger WHERE points = 5 AND action <> ?', [
        'grant',
      ]),
    ).toEqual([{ remark: "不要 :了 ? '" }]);
  } finally {
    await pool.end();
  }
});

test.each(['NO_BACKSLASH_ESCAPES', 'ANSI_QUOTES', ''])(
  'a session may have the sql_mode "%s"',
  async (mode) => {
    const shop = await createShop();
    const { orderId, userId } = await pendingOrder(shop, { coupon: 1000 });
    const connection = await shop.connect();
    await connection.query('SET SESSION sql_mode = ?', [mode]);

    expect(
      await cancelOrder(connection, orderId, { userId, remark: "\\', NULL) -- " }),
    ).toMatchObject({
      outcome: 'cancelled',
    });
  },
);

test.each<[string, object, string]>([
  ["TypeORM's DataSource", { createQueryRunner: () => 0 }, 'queryRunner.connect()'],
  ['Sequelize', { getQueryInterface: () => 0 }, 'transaction.connection'],
  ['what answers otherwise', { execute: () => 0 }, "of 'mysql2/promise'"],
])('%s is refused before the CALL is sent, with what to hand in', async (_, like, words) => {
  const asked: unknown[] = [];
  // As TypeORM answers: with the rows alone.
  const query = (options: { sql: string }) => {
    asked.push(options.sql);
    return Promise.resolve([{ order_id: 1 }]);
  };

  await expect(cancelExpiredOrder({ ...like, query } as never, 1)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining(words) as string,
  });
  expect(asked).not.toContainEqual(expect.stringContaining('CALL'));
});

test('a result is as exact in JSON', async () => {
  const shop = await createShop();
  const orderId = 2n ** 60n + 1n;
  await pendingOrder(shop, { orderId, coupon: 1000 });
  const app = createServer((_, response) => {
    void cancelExpiredOrder(shop.db, orderId).then((result) =>
      response.end(JSON.stringify(result)),
    );
  }).listen(0);
  onTestFinished(() => void app.close());

  const answer = await fetch(`http://127.0.0.1:${(app.address() as AddressInfo).port}`);

  expect(await answer.json()).toMatchObject({
    orderId: '1152921504606846977',
    couponRefunded: '1000',
    cancelledAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
  });
});

test('a connection without promises is refused with what to give instead', async () => {
  const shop = await createShop({ deploy: false });

  await expect(cancelExpiredOrder(shop.db.pool as never, 1)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('db.promise()') as string,
  });
  await expect(cancelExpiredOrder(undefined as never, 1)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
});
