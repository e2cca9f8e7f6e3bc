import type { Connection } from 'mysql2/promise';
import { beforeEach, describe, expect, test } from 'vitest';
import { behind, type BuiltOrder, changesOf, lockWait, pendingOrder, shopOfFile } from '../support';
import {
  call,
  cancelExpiredOrder,
  cancelOrder,
  expectAllBackOnce,
  lockWaitTimeouts,
  outcomeOf,
  pay,
  sweep,
} from '../procedures/calls';

const shop = shopOfFile();

let order: BuiltOrder;
let payer: Connection;
let engine: Connection;
let another: Connection;

beforeEach(async () => {
  order = await pendingOrder(shop, { coupon: 1000, points: 50 });
  [payer, engine, another] = await Promise.all([shop.connect(), shop.connect(), shop.connect()]);
});

/** The order was paid, nothing else has happened to it. */
const paid = () => ({
  orders: [{ id: order.orderId, status: [1, 2] }],
});

describe('a payment that came first wins', () => {
  test('over the sweep, which does not wait for it', async () => {
    const changed = await changesOf(shop, async () => {
      await payer.beginTransaction();
      expect(await pay(payer, order)).toBe(1);

      expect(await sweep(engine)).toMatchObject({ outcome: 'completed', cancelled: 0, failed: 0 });
      expect(await lockWaitTimeouts(engine)).toBe(0);
      await payer.commit();
      expect(await sweep(engine)).toMatchObject({ outcome: 'completed', cancelled: 0 });
    });

    expect(changed).toEqual(paid());
  });

  test.for(['cancel_expired_order(?)', "cancel_order_as_admin(?, '')"])(
    'over %s, which waits for its end',
    async (procedure) => {
      const changed = await changesOf(shop, async () => {
        await payer.beginTransaction();
        await pay(payer, order);
        const answer = outcomeOf(call(engine, procedure, order.orderId));
        await lockWait(shop);
        await payer.commit();

        expect(await answer).toBe('not_pending');
      });

      expect(changed).toEqual(paid());
    },
  );

  test('unless it is rolled back: who waited cancels', async () => {
    await payer.beginTransaction();
    await pay(payer, order);
    const answer = outcomeOf(cancelExpiredOrder(engine, order));
    await lockWait(shop);
    await payer.rollback();

    expect(await answer).toBe('cancelled');
    await expectAllBackOnce(shop);
  });
});

describe('a payment that comes second finds no pending order', () => {
  const CALLS = {
    'the sweep': () => sweep(engine),
    'the call': () => cancelExpiredOrder(engine, order),
    "the user's cancel": () => cancelOrder(engine, order, order.userId),
  };
  test.for(Object.keys(CALLS) as (keyof typeof CALLS)[])(
    'between claim and settlement of %s',
    async (who) => {
      const [cancelled, paid] = await behind(shop, CALLS[who], () => pay(payer, order));

      expect(paid).toBe(0);
      expect(['completed', 'cancelled']).toContain(cancelled.outcome);
      await expectAllBackOnce(shop);
    },
  );

  test.for([
    ['commits', 'COMMIT', 0],
    ['is rolled back: then it is paid, and nothing has come back', 'ROLLBACK', 1],
  ] as const)('after a cancel in an open transaction, once that %s', async ([, end, rows]) => {
    const changed = await changesOf(shop, async () => {
      await engine.beginTransaction();
      await cancelExpiredOrder(engine, order);
      const payment = pay(payer, order);
      await lockWait(shop);
      await engine.query(end);

      expect(await payment).toBe(rows);
    });

    if (rows === 1) expect(changed).toEqual(paid());
    else await expectAllBackOnce(shop);
  });
});

describe('a hold', () => {
  const hold = (db: Connection) => outcomeOf(call(db, "hold_order(?, 10, '')", order.orderId));

  test('that came first keeps the order from the sweep, also before it is committed', async () => {
    await payer.beginTransaction();
    expect(await hold(payer)).toBe('held');
    expect(await sweep(engine)).toMatchObject({ outcome: 'completed', cancelled: 0 });
    const answer = outcomeOf(cancelExpiredOrder(another, order));
    await lockWait(shop);
    await payer.commit();

    expect(await answer).toBe('on_hold');
    expect(await sweep(engine)).toMatchObject({ outcome: 'completed', cancelled: 0 });
    expect(await shop.column('SELECT status FROM orders')).toEqual([1]);
  });

  test('that comes while the sweep is at the order finds it cancelled', async () => {
    const [swept, held] = await behind(
      shop,
      () => sweep(engine),
      () => hold(payer),
    );

    expect(held).toBe('not_pending');
    expect(swept).toMatchObject({ cancelled: 1 });
    expect(await shop.run('SELECT * FROM order_timeout_hold')).toEqual([]);
  });
});
