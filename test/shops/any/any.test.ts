import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Shop } from '../../support';
import { type Answer, call, cancelAsAdmin, createDeployed, sweep } from '../example';
import { callAll } from './calls';
import { AMOUNT_KINDS, type Data, data, eachPart, type End } from './rules';
import { endOf, lostBy, orderId, rowId, stateOf } from './rules';
import { CODES, fileOf, type Keys, keys, schemaOf, statusOf } from './shop';

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
  status: 'number',
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
      const made = await createDeployed(schemaOf(shop), fileOf(shop));
      try {
        await fill(made, shop, content);
        expect(await states(made)).toEqual(content.orders.map((order) => stateOf(shop, order)));
        await callAll(made, content);
        const told = await previewed(made);
        expect(told).toEqual((await sweepAll(made)).returned);
        await call(made, 'reconcile_orders', null);
        expect(await read(made)).toEqual(sorted(endOf(shop, content)));
        expect(await made.run('SELECT * FROM order_timeout_violation')).toEqual([]);

        // What others cancelled is audited where the rows name their order, and repaired once.
        const lost = lostBy(shop, content);
        expect(await audited(made)).toEqual(lost);
        for (const [nth] of content.orders.entries())
          await call(made, 'repair_missing_refund', orderId(nth));
        expect(await audited(made)).toEqual([]);
        const once = await given(made);
        expect(await misstated(made)).toEqual([]);

        // What was cancelled and is opened again gets nothing a second time.
        const cancelled = await made.column('SELECT order_id FROM order_timeout_cancellation');
        for (const id of cancelled)
          await made.run('UPDATE `order` SET ?, paid_at = NULL WHERE id = ?', [
            statusOf(shop, CODES.pending),
            id,
          ]);
        for (const id of cancelled)
          expect(await cancelAsAdmin(made, Number(id))).toMatchObject({ outcome: 'cancelled' });
        await sweepAll(made);
        expect(await given(made)).toEqual(once);

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

async function fill(made: Shop, shop: Keys, content: Data): Promise<void> {
  const insert = (table: string, row: object) => made.run('INSERT INTO ?? SET ?', [table, row]);
  const { orders, keys, buyers, wallets } = content;
  for (const [table, rows] of Object.entries({ key: keys, buyer: buyers, wallet: wallets }))
    for (const [nth, row] of rows.entries()) await insert(table, { id: nth + 1, ...row });
  for (const [nth, order] of orders.entries()) {
    const { lines, coupons, vouchers, isPaid, isDue } = order;
    const { buyer, type, gone, score, bonus } = order;
    const id = orderId(nth);
    // With a deadline the age says nothing, and without one the deadline does.
    const [age, left] = shop.deadline ? [0, isDue ? -1 : 1] : [isDue ? 31 : 29, 1];
    await made.run(
      `INSERT INTO \`order\`
          SET ?, paid_at = IF(?, NOW(), NULL), made_at = NOW() - INTERVAL ? MINUTE, pay_by = NOW() + INTERVAL ? HOUR`,
      [
        {
          id,
          buyer,
          type,
          ...statusOf(shop, order.status),
          gone,
          score,
          bonus,
          template: coupons && id,
        },
        isPaid,
        age,
        left,
      ],
    );
    for (const line of lines) await insert('line', { order: id, ...line });
    for (const [place, coupon] of (coupons ?? []).entries())
      await insert('coupon', { id: rowId(nth, place), buyer, template: id, ...coupon });
    for (const [place, voucher] of vouchers.entries())
      await insert('voucher', { id: rowId(nth, place), order: id, ...voucher });
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
  const kinds = [...AMOUNT_KINDS, 'coupon', 'voucher'];
  const told = await call<Answer>(made, 'preview_expired_orders', 100);
  const sum = (kind: string) =>
    told.reduce((total, { returned }) => total + Number(returned[kind]), 0);
  return Object.fromEntries(kinds.map((kind) => [kind, String(sum(kind))]));
}

async function audited(made: Shop): Promise<string[]> {
  const missing = await call<Record<string, string>>(made, 'audit_missing_refunds', null);
  return missing.map((row) => `${row.kind} ${row.target_id} ${row.missing}`).sort();
}

async function states(made: Shop): Promise<string[]> {
  const ids = await made.column('SELECT id FROM `order`');
  const rows = await call<{ order_id: number; state: string }>(
    made,
    'order_deadlines',
    JSON.stringify(ids),
  );
  return rows.sort((one, other) => one.order_id - other.order_id).map(({ state }) => state);
}

const amounts = (column: string, table: string) =>
  `SELECT CONCAT(id, ' ', COALESCE(\`${column}\`, 'null')) FROM \`${table}\``;

const QUERIES: Record<keyof End, string> = {
  orders: "SELECT CONCAT(id, ' ', `status`) FROM `order`",
  stock: amounts('left', 'key'),
  gift: amounts('spare', 'key'),
  points: amounts('score', 'buyer'),
  bonus: amounts('bonus', 'wallet'),
  coupons: "SELECT CONCAT(account_id) FROM order_timeout_refund WHERE kind = 'coupon'",
  vouchers: 'SELECT CONCAT(id) FROM voucher WHERE `order` IS NULL',
  log: "SELECT CONCAT_WS(' ', kind, `order`, target, amount) FROM log",
  // The row that a finding is about: where an order has one only, it is its buyer's.
  belowFloor: `SELECT DISTINCT CONCAT_WS(' ', kind, IF(target_id = 0, buyer, target_id))
                 FROM order_timeout_finding JOIN \`order\` AS o ON o.id = order_id WHERE what = 'below_floor'`,
  findings: `SELECT CONCAT_WS(' ', order_id, kind, target_id)
               FROM order_timeout_finding WHERE what = 'missing_target'`,
};

async function read(made: Shop): Promise<End> {
  const rows: Record<string, unknown[]> = {};
  for (const [part, sql] of Object.entries(QUERIES)) rows[part] = await made.column(sql);
  return sorted(rows as End);
}

/** What the ledger says last of a row is what the row has. */
async function misstated(made: Shop): Promise<unknown[]> {
  const rows: Record<(typeof AMOUNT_KINDS)[number], [string, string]> = {
    stock: ['key', 'left'],
    gift: ['key', 'spare'],
    points: ['buyer', 'score'],
    bonus: ['wallet', 'bonus'],
  };
  const found = AMOUNT_KINDS.map((kind) =>
    made.run(
      `SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY target ORDER BY id DESC) AS nth FROM log WHERE kind = ?) AS last
         JOIN ?? AS told ON told.id = last.target
        WHERE last.nth = 1 AND NOT last.balance <=> told.??`,
      [kind, ...rows[kind]],
    ),
  );
  return (await Promise.all(found)).flat();
}

/** What was given of it. */
async function given(made: Shop) {
  const { stock, points, gift, bonus, log } = await read(made);
  return { stock, points, gift, bonus, log };
}

const sorted = (end: End): End => eachPart((part) => [...end[part]].sort());
