import { expect, test } from 'vitest';
import { changesOf, createShop, pendingOrder, shopOfFile } from '../support';
import { cancelOrder, errorOf, rowsOf } from './calls';
import { cancelled } from './cancelled';

const shop = shopOfFile();
const BACK = { coupons: [{ amount: 1000 }], points: 50 };

const REMARKS: Record<string, string | null> = {
  quotes: `it's "so" \`quoted\` ''`,
  injection: `'); UPDATE orders SET status = 2; -- `,
  backslashes: 'C:\\new\\table \\0 \\\\ \\',
  NUL: 'before\0after',
  emoji: '退款 👩‍👩‍👧‍👦 🧾 ﷽',
  'line breaks': 'one\r\ntwo\tthree\u2028four',
  'JSON and patterns': '{"a": [1]} %_% $[0] ${x} ?',
  'nothing in it': '',
  spaces: '   ',
  '255 characters': '长'.repeat(255),
  NULL: null,
};

test.for(Object.entries(REMARKS))(
  'a remark with %s goes as it is to the journal and the points ledger',
  async ([, remark]) => {
    const order = await pendingOrder(shop, { coupon: 1000, points: 50 });

    const changed = await changesOf(shop, () => cancelOrder(shop.db, order, order.userId, remark));

    // NULL is none, and then it says what was done.
    const written = remark ?? 'order_cancel';
    expect(changed).toEqual(cancelled({ order, cause: 'user', ...BACK, remark: written }));
  },
);

test.for([
  { mode: 'STRICT_ALL_TABLES', what: 'refused, with nothing changed' },
  { mode: '', what: 'cut to the 255 that fit' },
])('10,000 characters are $what in a session with sql_mode "$mode"', async ({ mode }) => {
  const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const db = await shop.connect();
  await db.query('SET sql_mode = ?', [mode]);

  const changed = await changesOf(shop, async () => {
    const error = await errorOf(cancelOrder(db, order, undefined, '🧾'.repeat(10_000)));
    expect(error?.errno).toBe(mode === '' ? undefined : 1406);
  });

  const remark = '🧾'.repeat(255);
  expect(changed).toEqual(mode === '' ? cancelled({ order, cause: 'admin', ...BACK, remark }) : {});
});

test.for([
  {
    what: 'a points ledger with less room takes what fits',
    schema: (sql: string) =>
      sql.replace(
        /(CREATE TABLE user_points_ledger \([^]*?remark VARCHAR)\(255\)/,
        '$1(10) CHARACTER SET latin1',
      ),
    remark: 'déjà vu 🧾 and then some',
    inLedger: 'déjà vu ? ',
  },
  {
    what: 'a database whose character set knows no emoji takes the remark without it',
    schema: (sql: string) =>
      `ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_swedish_ci;\n${sql.replaceAll('CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci', 'CHARACTER SET latin1')}`,
    remark: '退款 🧾',
    inLedger: '?? ?',
  },
])('$what; the journal takes all', async ({ schema, remark, inLedger }) => {
  const shop = await createShop({ schema });
  const order = await pendingOrder(shop, { coupon: 1000, points: 50 });

  const changed = await changesOf(shop, () => cancelOrder(shop.db, order, undefined, remark));

  const points = { amount: 50, remark: inLedger };
  expect(changed).toEqual(cancelled({ order, cause: 'admin', ...BACK, remark, points }));
});

test('text where an id belongs cancels nothing that it does not name', async () => {
  await pendingOrder(shop, { orderId: 5, coupon: 1000 });
  const db = await shop.connect();
  await db.query("SET sql_mode = 'STRICT_ALL_TABLES'");

  const changed = await changesOf(shop, async () => {
    for (const id of ['5abc', '5 OR 1=1', "5'; --", '']) {
      expect(await errorOf(cancelOrder(db, id))).toMatchObject({
        errno: expect.toBeOneOf([1265, 1366]) as number,
      });
    }
  });

  expect(changed).toEqual({});
});

test.for(['binary', 'utf16'])(
  'a database whose default character set is %s is told in text all the same',
  async (charset) => {
    const shop = await createShop({
      schema: (sql) => `ALTER DATABASE CHARACTER SET ${charset};\n${sql}`,
    });
    const [first, second, third, lost] = [
      await pendingOrder(shop, { coupon: 1000, points: 50 }),
      await pendingOrder(shop, { coupon: 1000 }),
      await pendingOrder(shop, { coupon: 1000 }),
      await pendingOrder(shop, { coupon: 1000 }),
    ];
    await shop.run(
      'DELETE FROM user_coupons WHERE id = (SELECT coupon_id FROM orders WHERE id = ?)',
      [lost.orderId],
    );
    const answers: Record<string, unknown>[][] = [];
    for (const sql of [
      `cancel_order_as_admin(${first.orderId}, 'x')`,
      `cancel_expired_order(${second.orderId})`,
      `cancel_order_as_admin(${lost.orderId}, 'x')`,
      `hold_order(${third.orderId}, 5, 'x')`,
      'preview_expired_orders(10)',
      `release_order_hold(${third.orderId})`,
      `accept_payment(${third.orderId}, 'ref')`,
      `accept_payment(${second.orderId}, 'late')`,
      `order_deadlines('[${third.orderId}]')`,
      `explain_order_timeout(${third.orderId})`,
      `order_money(${first.orderId})`,
      'cancel_expired_orders()',
      'reconcile_orders(NULL)',
      'audit_missing_refunds(NULL)',
      'list_findings(10)',
      'list_late_payments(10)',
      `settle_late_payment('late', 'x')`,
      'read_cancellations(0, 0, 10)',
      'order_timeout_health()',
      'order_timeout_numbers()',
    ])
      answers.push(await rowsOf(shop.db, sql));

    const values = answers.flat().flatMap((row) => Object.values(row));
    expect(values.filter((value) => Buffer.isBuffer(value))).toEqual([]);
    expect(answers.slice(0, 2)).toMatchObject([
      [{ outcome: 'cancelled' }],
      [{ outcome: 'cancelled' }],
    ]);
  },
);
