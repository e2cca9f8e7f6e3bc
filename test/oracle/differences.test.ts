import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { BUILT_IN } from './codes';
import { type Difference, differenceNames, engineRules } from './differences';
import { type Engine, openEngine } from './engine';
import { playAll, type Step } from './scenario';
import { emptyShop, type ShopData } from './shop-data';

let engine: Engine;

beforeAll(async () => {
  engine = await openEngine(BUILT_IN);
});

/** A row of a list with what matters in an example, and the rest as it is in most of them. */
const rowOf =
  <Row>(usual: Row) =>
  (values: Partial<Row> = {}): Row => ({ ...usual, ...values });

const order = rowOf<ShopData['orders'][number]>({
  ...{ id: 1, userId: 1, sourceType: 1, status: 1, couponId: 1, pointsAmount: 0, ageMinutes: 45 },
  ...{ cancelledAt: null, paidAt: null, isHeld: false },
});
const coupon = rowOf<ShopData['coupons'][number]>({
  ...{ id: 1, userId: 1, status: 2, balance: 0, usedOrderId: null, usedAt: null, isDead: false },
});
const line = rowOf<ShopData['orderCoupons'][number]>({
  ...{ orderId: 1, couponId: 1, appliedAmount: 1000 },
});
const ledgerRow = rowOf<ShopData['couponLedger'][number]>({
  ...{ userId: 1, couponId: 1, change: -1000, orderId: 1, action: 'usage', createdAt: 'earlier' },
});
const pointsRow = rowOf<ShopData['points'][number]>({
  ...{ id: 1, userId: 1, points: 0, validEnd: null, isDead: false },
});
const pointsLedgerRow = rowOf<ShopData['pointsLedger'][number]>({
  ...{ userId: 1, action: 'order_deduct', points: -50, refTable: 'orders', refId: '1' },
  ...{ remark: '', createdAt: 'earlier' },
});

interface Example {
  /** Default: order 1 took 1000 from coupon 1, as the ledger says. */
  readonly shop: Partial<ShopData>;
  /** Default: one sweep. */
  readonly steps?: readonly Step[];
  /** Each coupon as "balance status", each row of points as its points: by the engine, and without the difference. */
  readonly engine: readonly string[];
  readonly reference: readonly string[];
}

const examples: Record<Difference, Example> = {
  'a pending order with a paid time is left alone': {
    shop: { orders: [order({ paidAt: 'earlier' })] },
    engine: ['0 used up'],
    reference: ['1000 usable'],
  },
  'a dead coupon gets nothing': {
    shop: { coupons: [coupon({ isDead: true })] },
    engine: ['0 used up'],
    reference: ['1000 usable'],
  },
  'every coupon of an order comes back': {
    shop: {
      coupons: [coupon(), coupon({ id: 2 })],
      orderCoupons: [line(), line({ couponId: 2, appliedAmount: 300 })],
    },
    engine: ['1000 usable', '300 usable'],
    reference: ['1000 usable', '0 used up'],
  },
  'of two rows for one coupon the larger counts': {
    shop: { orderCoupons: [line(), line({ appliedAmount: 400 })] },
    engine: ['1000 usable'],
    reference: ['400 usable'],
  },
  'a ledger row counts whoever its user is': {
    shop: { couponLedger: [ledgerRow({ userId: 2 })] },
    engine: ['1000 usable'],
    reference: ['0 used up'],
  },
  'coupon money that came back earlier is subtracted': {
    shop: {
      coupons: [coupon({ balance: 300 })],
      couponLedger: [ledgerRow(), ledgerRow({ change: 300, action: 'cancel_refund' })],
    },
    engine: ['1000 usable'],
    reference: ['1300 usable'],
  },
  'points that came back earlier are subtracted': {
    shop: {
      orders: [order({ couponId: 0, pointsAmount: 50 })],
      points: [pointsRow({ points: 50 })],
      pointsLedger: [pointsLedgerRow(), pointsLedgerRow({ action: 'timeout_refund', points: 50 })],
    },
    engine: ['0 used up', '50'],
    reference: ['0 used up', '100'],
  },
  'a part that came back is just that part': {
    shop: {
      coupons: [coupon({ balance: 300 })],
      couponLedger: [ledgerRow(), ledgerRow({ change: 300, action: 'timeout_refund' })],
    },
    engine: ['1000 usable'],
    reference: ['300 used up'],
  },
  'points go back to a row that can be spent': {
    shop: {
      orders: [order({ couponId: 0, pointsAmount: 50 })],
      points: [pointsRow({ points: 5, validEnd: 'earlier' }), pointsRow({ id: 2, points: 7 })],
    },
    engine: ['0 used up', '5', '57'],
    reference: ['0 used up', '55', '7'],
  },
  'nothing is given twice for an order that is reopened': {
    shop: { coupons: [coupon({ balance: 500 })] },
    steps: [
      { do: 'cancel', orderId: 1, userId: 1 },
      { do: 'reopen', orderId: 1, takesAnew: true },
      { do: 'sweep' },
    ],
    engine: ['1430 usable'],
    reference: ['1500 usable'],
  },
  'a coupon held for another pending order stays held': {
    shop: {
      orders: [order(), order({ id: 2, ageMinutes: 5 })],
      coupons: [coupon({ status: 4, usedOrderId: 2, usedAt: 'earlier' })],
    },
    engine: ['1000 held'],
    reference: ['1000 usable'],
  },
  'a coupon held for the order is set free without an amount': {
    shop: {
      coupons: [coupon({ status: 4, balance: 800, usedOrderId: 1, usedAt: 'earlier' })],
      couponLedger: [],
    },
    engine: ['800 usable'],
    reference: ['800 held'],
  },
};

test.each(differenceNames)('a difference from the reference: %s', async (difference) => {
  const { steps = [{ do: 'sweep' as const }], ...example } = examples[difference];
  const took = { orders: [order()], coupons: [coupon()], couponLedger: [ledgerRow()] };
  const shop = { ...emptyShop(), ...took, ...example.shop };

  await engine.fill(shop, false);
  for (const step of steps) await engine.carryOut(step, PLAIN);
  expect(ending(await engine.read())).toEqual(example.engine);
  const without = playAll({ shop, steps }, engineRules({ without: difference }));
  expect(ending(without)).toEqual(example.reference);
});

const PLAIN = {
  timeZone: '-05:00',
  isolation: 'REPEATABLE READ',
  sqlMode: 'STRICT_ALL_TABLES',
  transaction: 'none',
} as const;

const COUPON_STATUS = ['', 'usable', 'used up', 'expired', 'held'];

const ending = ({ coupons, points }: ShopData) => [
  ...coupons.map(({ balance, status }) => `${balance} ${COUPON_STATUS[status] ?? ''}`),
  ...points.map((row) => String(row.points)),
];

test('each difference has its reason in docs/differences.md, and no other is there', async () => {
  const page = await readFile(join(__dirname, '../../docs/differences.md'), 'utf8');
  const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading?.toLowerCase());

  expect(headings).toEqual(differenceNames);
});
