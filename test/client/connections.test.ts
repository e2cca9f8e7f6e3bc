import type { ConnectionOptions } from 'mysql2/promise';
import { describe, expect, test } from 'vitest';
import {
  acceptPayment,
  cancelExpiredOrder,
  cancelOrder,
  cancelOrderAsAdmin,
  explainOrderTimeout,
  settleLatePayment,
} from '../../scripts';
import { openPool, pendingOrder, shopOfFile } from '../support';

const shop = shopOfFile();

/** How an application may have configured its connections; and the sql_mode that it has set in them. */
const ODD: Record<string, ConnectionOptions & { sqlMode?: string }> = {
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
  'the sql_mode NO_BACKSLASH_ESCAPES': { sqlMode: 'NO_BACKSLASH_ESCAPES' },
  'the sql_mode ANSI_QUOTES': { sqlMode: 'ANSI_QUOTES' },
  'an empty sql_mode': { sqlMode: '' },
};

test.for(Object.entries(ODD))('a connection may have %s', async ([, { sqlMode, ...options }]) => {
  const { orderId, userId } = await pendingOrder(shop, { coupon: 1000, points: 5 });
  const remark = "不要 :了 ? ' \\', NULL) -- ";
  const pool = openPool(shop.url, options);
  // The application's own query first, so that what mysql2 remembers of it is in place.
  await pool.query('CALL cancel_expired_order(1)');
  if (sqlMode !== undefined) await pool.query(`SET SESSION sql_mode = '${sqlMode}'`);

  expect(await cancelOrder(pool, orderId, { userId, remark })).toEqual({
    orderId: String(orderId),
    outcome: 'cancelled',
    couponRefunded: '1000',
    pointsRefunded: '5',
    cancelledAt: expect.any(Date) as Date,
    expiresAt: null,
    returned: { coupon: '1000', points: '5' },
  });
  const sql = "SELECT remark FROM user_points_ledger WHERE action = 'cancel_refund'";
  expect(await shop.column(sql)).toEqual([remark]);
});

test.for([
  ['UTF8MB4_0900_AI_CI', '不要了 é 😀'],
  ['GBK_CHINESE_CI', '不要了'],
  ['GB18030_CHINESE_CI', '不要了 é'],
  ['BIG5_CHINESE_CI', '支付'],
  ['LATIN1_SWEDISH_CI', 'é'],
] as const)('a connection with %s reads what it can write: %s', async ([charset, told]) => {
  const { orderId } = await pendingOrder(shop);
  await cancelOrderAsAdmin(shop.db, orderId);
  await acceptPayment(shop.db, orderId, told);
  const db = await shop.connect({ charset });

  const settled = await settleLatePayment(db, told, { remark: told });
  const explained = await explainOrderTimeout(db, orderId);

  expect(settled).toEqual({ reference: told, outcome: 'settled' });
  expect(explained.find(({ step }) => step === 'payment')?.detail).toMatch(
    new RegExp(`^Payment ${told} .*: ${told}\\.$`),
  );
  expect((await cancelOrderAsAdmin(db, orderId)).returned).toEqual({ coupon: '0', points: '0' });
});

describe('what is no connection is refused before the CALL is sent, with what to hand in', () => {
  const asked: string[] = [];
  /** As TypeORM answers: with the rows alone. */
  const query = ({ sql }: { sql: string }) => {
    asked.push(sql);
    return Promise.resolve([{ order_id: 1 }]);
  };

  test.for([
    ["TypeORM's DataSource", { createQueryRunner: () => 0, query }, 'queryRunner.connect()'],
    ['Sequelize', { getQueryInterface: () => 0, query }, 'transaction.connection'],
    ['what answers otherwise', { execute: () => 0, query }, "of 'mysql2/promise'"],
    ['nothing', undefined, ''],
  ] as const)('%s', async ([, db, words]) => {
    await expect(cancelExpiredOrder(db as never, 1)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(words) as string,
    });
    expect(asked).not.toContainEqual(expect.stringContaining('CALL'));
  });

  test('a pool without promises', async () => {
    await expect(cancelExpiredOrder(shop.db.pool as never, 1)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('db.promise()') as string,
    });
  });
});
