import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { changesOf, order, pendingOrder, shopOfFile } from '../support';
import { configure, errorOf } from './calls';

const shop = shopOfFile();

const CHECK_VIOLATED = 3819;
/** Of an unsigned column. */
const OUT_OF_RANGE = 1264;

const [page = ''] = readFileSync(join(__dirname, '../../docs/settings.md'), 'utf8').split(
  '## Policy',
);
/** `column` | default | 1 to 100 | … */
const documented = [...page.matchAll(/^\| `(\w+)` \| `?([^`|]+)`? \| ([^|]+) \|/gm)].map(
  ([, column = '', byDefault = '', range = '']) => ({ column, byDefault, range }),
);
const ranges = documented.flatMap(({ column, range }) => {
  const [, least, most] = /^(\d+) to (\d+)$/.exec(range) ?? [];
  return least === undefined ? [] : [{ column, least: Number(least), most: Number(most) }];
});

describe('settings', () => {
  test('each column has its row in docs/settings.md, with its default', async () => {
    const columns = await shop.run<{ name: string; byDefault: string | null }>(
      `SELECT column_name AS name, column_default AS byDefault FROM information_schema.columns
        WHERE table_schema = ? AND table_name = 'order_timeout_setting' AND column_name <> 'id'
        ORDER BY ordinal_position`,
      [shop.name],
    );

    expect(documented.map(({ column, byDefault }) => [column, byDefault])).toEqual(
      columns.map(({ name, byDefault }) => [name, byDefault ?? 'NULL']),
    );
  });

  test.for(ranges)('$column takes $least to $most', async ({ column, least, most }) => {
    await configure(shop, { [column]: least });
    await configure(shop, { [column]: most });
    for (const refused of [least - 1, most + 1])
      expect((await errorOf(configure(shop, { [column]: refused })))?.errno).toBeOneOf([
        CHECK_VIOLATED,
        OUT_OF_RANGE,
      ]);
  });

  test.for(['-13:45', '+05:45', '+14:00'])('clock takes %s', async (clock) => {
    expect(await errorOf(configure(shop, { clock }))).toBeUndefined();
  });

  test.for([
    ...['+8:00', '+14:01', '-14:00', '+08:60', '+08:01', 'SYSTEM'].map((clock) => ({ clock })),
    { paused: 2 },
  ])('%o is refused, and the constraint named', async (settings) => {
    expect(await errorOf(configure(shop, settings))).toMatchObject({
      errno: CHECK_VIOLATED,
      message: expect.stringContaining(
        `order_timeout_setting_${Object.keys(settings)[0] ?? ''}`,
      ) as string,
    });
  });

  test.for([
    'INSERT INTO order_timeout_setting (id) VALUES (2)',
    'UPDATE order_timeout_policy SET enabled = 2',
    'UPDATE order_timeout_policy SET timeout_minutes = 0',
    'UPDATE order_timeout_policy SET timeout_minutes = 525601',
  ])('%s is refused', async (sql) => {
    expect(await errorOf(shop.run(sql))).toMatchObject({ errno: CHECK_VIOLATED });
  });
});

/** Without its settings, or with another clock than the one that is deployed, the engine decides nothing. */
const REFUSED: Record<string, [spoil: string, errno: number, message: string]> = {
  'a clock that was changed in the setting alone': [
    "UPDATE order_timeout_setting SET clock = '+08:00'",
    50006,
    'CLOCK_CHANGED: the setting clock is +08:00, the routines have +00:00: order-timeout up --clock +08:00',
  ],
  'settings that have lost their row': [
    'DELETE FROM order_timeout_setting',
    50003,
    'order_timeout_setting has lost its row',
  ],
};

describe.for(Object.entries(REFUSED))('%s', ([, [sql, errno, message]]) => {
  test.for([
    'cancel_expired_order(10001)',
    "cancel_order_as_admin(10001, 'x')",
    'cancel_expired_orders()',
    'repair_missing_refund(10002)',
    "hold_order(10001, 5, 'x')",
    "accept_payment(10001, 'x')",
    'preview_expired_orders(10)',
    'order_deadlines(JSON_ARRAY(10001))',
    'audit_missing_refunds(NULL)',
    'reconcile_orders(NULL)',
    'order_timeout_health()',
    ...(errno === 50003
      ? ['order_timeout_clock()', 'order_timeout_numbers()', 'explain_order_timeout(1)']
      : []),
  ])('is refused by %s, which says what is to be done', async (procedure) => {
    await pendingOrder(shop, { orderId: 10001, coupon: 1000 });
    await order(shop, { orderId: 10002, status: 'cancelled', coupon: 300 });
    await shop.run(sql);

    const changed = await changesOf(shop, async () => {
      expect(await errorOf(shop.run(`CALL ${procedure}`))).toMatchObject({
        errno,
        message: expect.stringContaining(message) as string,
      });
    });

    expect(changed).toEqual({});
  });
});
