import { expect, test } from 'vitest';
import { changesOf, createShop, pendingOrder, type Shop } from '../support';
import { cancelOrder, errorOf, rowOf, sweep } from './calls';
import { cancelled } from './cancelled';
import { failWhen } from './obstacles';
import { shopOfFile } from './shop-of-file';

const freshShop = shopOfFile();

const REMARKS = {
  quotes: `it's "so" \`quoted\` ''`,
  injection: `'); UPDATE orders SET status = 2; -- `,
  backslashes: 'C:\\new\\table \\0 \\\\ \\',
  NUL: 'before\0after',
  emoji: '退款 👩‍👩‍👧‍👦 🧾 ﷽',
  'line breaks': 'one\r\ntwo\tthree\u2028four',
  'JSON and patterns': '{"a": [1]} %_% $[0] ${x} ?',
  empty: '',
  spaces: '   ',
  '255 characters': '长'.repeat(255),
};

test.each(Object.entries(REMARKS))(
  'a remark with %s goes as it is to the journal and the points ledger',
  async (_, remark) => {
    const shop = await freshShop();
    const order = await pendingOrder(shop, { coupon: 1000, points: 50 });

    const changed = await changesOf(shop, () => cancelOrder(shop.db, order, order.userId, remark));

    expect(changed).toEqual(
      cancelled({
        order,
        cause: 'user',
        coupons: [{ amount: 1000 }],
        points: 50,
        remark,
      }),
    );
  },
);

async function strict(shop: Shop, mode: string) {
  const db = await shop.connect();
  await db.query('SET sql_mode = ?', [mode]);
  return db;
}

test('10,000 characters are refused in a strict session, with nothing changed', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const db = await strict(shop, 'STRICT_ALL_TABLES');

  const changed = await changesOf(shop, async () => {
    expect(await errorOf(cancelOrder(db, order, undefined, '🧾'.repeat(10_000)))).toMatchObject({
      errno: 1406,
    });
  });

  expect(changed).toEqual({});
});

test('10,000 characters are cut to the 255 that fit in another session', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const db = await strict(shop, '');

  const changed = await changesOf(shop, () =>
    cancelOrder(db, order, undefined, '🧾'.repeat(10_000)),
  );

  expect(changed).toEqual(
    cancelled({
      order,
      cause: 'admin',
      coupons: [{ amount: 1000 }],
      points: 50,
      remark: '🧾'.repeat(255),
    }),
  );
});

test('a points ledger with less room takes what fits; the journal takes all', async () => {
  const shop = await createShop({
    schema: (sql) =>
      sql.replace(
        /(CREATE TABLE user_points_ledger \([^]*?remark VARCHAR)\(255\)/,
        '$1(10) CHARACTER SET latin1',
      ),
  });
  const order = await pendingOrder(shop, { points: 50 });
  const remark = 'déjà vu 🧾 and then some';

  const changed = await changesOf(shop, () => cancelOrder(shop.db, order, undefined, remark));

  expect(changed).toMatchObject(
    cancelled({ order, cause: 'admin', remark, points: { amount: 50, remark: 'déjà vu ? ' } }),
  );
});

test('a database whose character set knows no emoji takes the remark all the same', async () => {
  const shop = await createShop({
    schema: (sql) =>
      `ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_swedish_ci;\n${sql.replaceAll('CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci', 'CHARACTER SET latin1')}`,
  });
  const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const remark = '退款 🧾';

  const changed = await changesOf(shop, () => cancelOrder(shop.db, order, undefined, remark));

  expect(changed).toMatchObject(
    cancelled({
      order,
      cause: 'admin',
      coupons: [{ amount: 1000 }],
      remark,
      points: { amount: 50, remark: '?? ?' },
    }),
  );
});

test('the text of an error is recorded whole in such a database too', async () => {
  const shop = await createShop({
    schema: (sql) => `ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_swedish_ci;\n${sql}`,
  });
  await pendingOrder(shop, { coupon: 1000 });
  await failWhen(shop, 'orders', 'UPDATE', 'TRUE', 'no way – 不行');

  expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', failed: 1 });

  expect(await rowOf(shop, 'SELECT error_message FROM order_timeout_failure')).toEqual({
    error_message: 'no way – 不行',
  });
});

test('text where an id belongs cancels nothing that it does not name', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { orderId: 5, coupon: 1000 });
  const db = await strict(shop, 'STRICT_ALL_TABLES');

  const changed = await changesOf(shop, async () => {
    for (const id of ['5abc', '5 OR 1=1', "5'; --", '']) {
      expect(await errorOf(cancelOrder(db, id))).toMatchObject({
        errno: expect.toBeOneOf([1265, 1366]) as number,
      });
    }
  });

  expect(changed).toEqual({});
  expect(order.orderId).toBe(5);
});
