import { type ConnectionOptions, createPool } from 'mysql2/promise';
import { expect, test } from 'vitest';
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

    expect(await cancelOrder(pool, orderId, { by: { userId }, remark: "不要 :了 ? '" })).toEqual({
      orderId: BigInt(orderId),
      outcome: 'cancelled',
      couponRefunded: 1000n,
      pointsRefunded: 5n,
      cancelledAt: expect.any(Date) as Date,
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
    const { orderId } = await pendingOrder(shop, { coupon: 1000 });
    const connection = await shop.connect();
    await connection.query('SET SESSION sql_mode = ?', [mode]);

    expect(
      await cancelOrder(connection, orderId, { by: 'admin', remark: "\\', NULL) -- " }),
    ).toMatchObject({
      outcome: 'cancelled',
    });
  },
);

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
