import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Shop } from '../../support';
import { call, createTables, deployFile, type Sweep, sweep } from '../example';
import { callAll } from './calls';
import { type Data, data, type End, endOf, lostBy, orderId, rowId, stateOf } from './rules';
import { CODES, fileOf, type Keys, keys, SCHEMA } from './shop';

/** How many shop files are generated, each deployed; ANY_SEED repeats a run. */
const FILES = Number(process.env.ANY_SHOPS ?? 6);
const SEED = Number(process.env.ANY_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** A quantity of NULL of a row that is missing, the lowest row dead, a floor without `shared`, a release that is seen. */
const ONCE_WRONG: Keys = {
  type: false,
  deadline: false,
  paidAt: false,
  only: false,
  codeByCause: false,
  stock: { verb: 'floor', given: 'ledger', targetOnly: true, lineOnly: false },
  points: { verb: 'floor', given: 'shared', targetOnly: true },
  gift: { verb: 'add', given: 'plain', targetOnly: false },
  bonus: { verb: 'add', given: 'ledger', targetOnly: false, open: true },
  coupon: { ledger: true, targetOnly: true, if: true },
  voucher: { ledger: false, targetOnly: true, if: false, journal: false },
};
const ORDERS_ONCE_WRONG: Data = {
  orders: (['sweep', 'timeout'] as const).map((by) => ({
    buyer: 1,
    type: null,
    isDue: true,
    status: CODES.pending,
    isPaid: false,
    gone: false,
    score: 70,
    bonus: 6,
    lines: [
      { key: 3, quantity: null, gift: false },
      { key: 1, quantity: 5, gift: false },
    ],
    coupons: [
      { used: true, gone: true },
      { used: true, gone: false },
    ],
    vouchers: [{ used: true, gone: false }],
    by,
  })),
  keys: [{ left: 4, spare: 0, gone: false }],
  buyers: [{ score: 30, gone: false }],
  wallets: [],
};

test(
  'whatever keys a shop file has: each order that is cancelled gives back what the file says, once',
  async () => {
    process.stdout.write(`Any shop: ${FILES} shop files, ANY_SEED=${SEED}\n`);
    const property = fc.asyncProperty(keys, data, async (shop, content) => {
      const made = await deployed(shop);
      try {
        await fill(made, shop, content);
        expect(await states(made)).toEqual(content.orders.map((order) => stateOf(shop, order)));
        await callAll(made, content);
        const told = await previewed(made);
        expect(told).toEqual((await sweepAll(made)).returned);
        await call(made, 'reconcile_orders', null);
        const end = endOf(shop, content);
        expect(await read(made)).toEqual(sorted(end));
        expect(await made.run('SELECT * FROM order_timeout_violation')).toEqual([]);

        // What others cancelled is audited where the rows name their order, and repaired once.
        const lost = lostBy(shop, content);
        expect(await audited(made)).toEqual(lost);
        for (const [nth] of content.orders.entries())
          await call(made, 'repair_missing_refund', orderId(nth));
        expect(await audited(made)).toEqual([]);
        const given = pick(await read(made));

        // What was cancelled and is opened again gets nothing a second time.
        const cancelled = (
          await made.run<{ id: number }>('SELECT order_id AS id FROM order_timeout_cancellation')
        ).map(({ id }) => id);
        if (cancelled.length > 0)
          await made.run('UPDATE `order` SET `status` = 0, paid_at = NULL WHERE id IN (?)', [
            cancelled,
          ]);
        for (const id of cancelled)
          expect(await call(made, 'cancel_order_as_admin', id, null)).toMatchObject([
            { outcome: 'cancelled' },
          ]);
        await sweepAll(made);
        expect(pick(await read(made))).toEqual(given);

        const waiting = content.orders.findIndex(
          (order) => stateOf(shop, order) === 'pending' && order.by === 'sweep',
        );
        if (waiting !== -1) {
          const paid = { order_id: orderId(waiting), outcome: 'accepted' };
          expect(await call(made, 'accept_payment', orderId(waiting), 'a payment')).toEqual([paid]);
          expect(await states(made)).toMatchObject({ [waiting]: 'paid' });
        }
      } finally {
        await made.drop();
      }
    });
    await fc.assert(property, {
      numRuns: FILES,
      seed: SEED,
      endOnFailure: true,
      examples: [[ONCE_WRONG, ORDERS_ONCE_WRONG]],
    });
  },
  60_000 + FILES * 10_000,
);

async function deployed(shop: Keys): Promise<Shop> {
  const made = await createTables(SCHEMA);
  await deployFile(made, fileOf(shop));
  return made;
}

async function fill(made: Shop, shop: Keys, content: Data): Promise<void> {
  const { orders, keys, buyers, wallets } = content;
  await made.run('INSERT INTO `key` (id, `left`, spare, gone) VALUES ?', [
    keys.map(({ left, spare, gone }, nth) => [nth + 1, left, spare, gone]),
  ]);
  await made.run('INSERT INTO buyer (id, score, gone) VALUES ?', [
    buyers.map(({ score, gone }, nth) => [nth + 1, score, gone]),
  ]);
  if (wallets.length > 0)
    await made.run('INSERT INTO wallet (id, bonus, gone) VALUES ?', [
      wallets.map(({ bonus, gone }, nth) => [nth + 1, bonus, gone]),
    ]);
  for (const [nth, order] of orders.entries()) {
    const { buyer, type, status, isPaid, gone, score, bonus } = order;
    const id = orderId(nth);
    // With a deadline the age says nothing, and without one the deadline does.
    const [age, left] = shop.deadline ? [0, order.isDue ? -1 : 1] : [order.isDue ? 31 : 29, 1];
    await made.run(
      `INSERT INTO \`order\` (id, buyer, \`type\`, \`status\`, paid_at, gone, score, bonus, template, made_at, pay_by)
       VALUES (?, NOW() - INTERVAL ? MINUTE, NOW() + INTERVAL ? HOUR)`.replace(
        '(?,',
        '(?, ?, ?, ?, IF(?, NOW(), NULL), ?, ?, ?, ?,',
      ),
      [id, buyer, type, status, isPaid, gone, score, bonus, order.coupons && id, age, left],
    );
    for (const { key, quantity, gift } of order.lines)
      await made.run('INSERT INTO line (`order`, `key`, quantity, gift) VALUES (?)', [
        [id, key, quantity, gift],
      ]);
    for (const [place, { used, gone }] of (order.coupons ?? []).entries())
      await made.run('INSERT INTO coupon (id, buyer, template, used, gone) VALUES (?)', [
        [rowId(nth, place), buyer, id, used, gone],
      ]);
    for (const [place, { used, gone }] of order.vouchers.entries())
      await made.run('INSERT INTO voucher (id, `order`, used, gone) VALUES (?)', [
        [rowId(nth, place), id, used, gone],
      ]);
  }
}

/** A sweep gives what is owed, also by itself. */
async function sweepAll(made: Shop) {
  const swept = await sweep(made);
  expect(swept).toMatchObject({ outcome: 'completed', failed: 0 });
  return swept;
}

/** What the next sweep would give back, kind by kind. */
async function previewed(made: Shop): Promise<Record<string, string>> {
  const sums: Record<string, number> = {
    stock: 0,
    points: 0,
    gift: 0,
    bonus: 0,
    coupon: 0,
    voucher: 0,
  };
  for (const { returned } of await call<Sweep>(made, 'preview_expired_orders', 100))
    for (const [kind, amount] of Object.entries(returned))
      sums[kind] = (sums[kind] ?? 0) + Number(amount);
  return Object.fromEntries(Object.entries(sums).map(([kind, sum]) => [kind, String(sum)]));
}

const audited = async (made: Shop) =>
  (
    await call<{ kind: string; target_id: number; missing: number }>(
      made,
      'audit_missing_refunds',
      null,
    )
  )
    .map(({ kind, target_id, missing }) => `${kind} ${target_id} ${missing}`)
    .sort();

async function states(made: Shop): Promise<string[]> {
  const ids = await made.run<{ ids: string }>('SELECT JSON_ARRAYAGG(id) AS ids FROM `order`');
  const rows = await call<{ order_id: number; state: string }>(
    made,
    'order_deadlines',
    JSON.stringify(ids[0]?.ids),
  );
  return rows.sort((one, other) => one.order_id - other.order_id).map(({ state }) => state);
}

const pick = ({ amounts, log }: End) => ({ amounts, log });

async function read(made: Shop): Promise<End> {
  const orders = await made.run<End['orders'][0]>('SELECT id, `status` FROM `order`');
  const ids = async (sql: string) => (await made.run<{ id: number }>(sql)).map(({ id }) => id);
  const texts = async (sql: string) => (await made.run<{ t: string }>(sql)).map(({ t }) => t);
  const amounts = (column: string, table: string) =>
    texts(`SELECT CONCAT(id, ' ', COALESCE(\`${column}\`, 'null')) AS t FROM \`${table}\``);
  return sorted({
    orders,
    amounts: {
      stock: await amounts('left', 'key'),
      gift: await amounts('spare', 'key'),
      points: await amounts('score', 'buyer'),
      bonus: await amounts('bonus', 'wallet'),
    },
    freed: {
      coupons: await ids("SELECT account_id AS id FROM order_timeout_refund WHERE kind = 'coupon'"),
      vouchers: await ids('SELECT id FROM voucher WHERE `order` IS NULL'),
    },
    log: await texts("SELECT CONCAT_WS(' ', kind, `order`, target, amount) AS t FROM log"),
    // The row that a finding is about: where an order has one only, it is its buyer's.
    belowFloor: await texts(
      `SELECT DISTINCT CONCAT_WS(' ', kind, IF(target_id = 0, buyer, target_id)) AS t
         FROM order_timeout_finding JOIN \`order\` AS o ON o.id = order_id WHERE what = 'below_floor'`,
    ),
    findings: await texts(
      `SELECT CONCAT_WS(' ', order_id, kind, target_id) AS t FROM order_timeout_finding WHERE what = 'missing_target'`,
    ),
  });
}

function sorted({ orders, amounts, freed, log, belowFloor, findings }: End): End {
  const { stock, gift, points, bonus } = amounts;
  return {
    orders: [...orders].sort((one, other) => one.id - other.id),
    amounts: {
      stock: [...stock].sort(),
      gift: [...gift].sort(),
      points: [...points].sort(),
      bonus: [...bonus].sort(),
    },
    freed: { coupons: [...freed.coupons].sort(), vouchers: [...freed.vouchers].sort() },
    log: [...log].sort(),
    belowFloor: [...belowFloor].sort(),
    findings: [...findings].sort(),
  };
}
