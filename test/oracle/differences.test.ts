import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { BUILT_IN, openOracleShop } from './codes';
import { type Difference, differenceNames, engineRules } from './differences';
import { type Engine, openEngine } from './engine';
import { playAll, type Step } from './scenario';
import {
  type Coupon,
  type CouponLedgerRow,
  emptyShop,
  type Order,
  type PointsLedgerRow,
  type PointsRow,
  type ShopData,
} from './shop-data';

let engine: Engine;

beforeAll(async () => {
  engine = await openEngine(await openOracleShop(BUILT_IN));
});

const order = (values: Partial<Order> = {}): Order => ({
  id: 1,
  userId: 1,
  sourceType: 1,
  status: 1,
  couponId: 0,
  pointsAmount: 0,
  ageMinutes: 45,
  cancelledAt: null,
  paidAt: null,
  isHeld: false,
  ...values,
});
const coupon = (values: Partial<Coupon> = {}): Coupon => ({
  id: 1,
  userId: 1,
  status: 2,
  balance: 0,
  usedOrderId: null,
  usedAt: null,
  isDead: false,
  ...values,
});
const ledgerRow = (values: Partial<CouponLedgerRow>): CouponLedgerRow => ({
  userId: 1,
  couponId: 1,
  change: -1000,
  orderId: 1,
  action: 'usage',
  createdAt: 'earlier',
  ...values,
});
const pointsRow = (values: Partial<PointsRow> = {}): PointsRow => ({
  id: 1,
  userId: 1,
  points: 0,
  validEnd: null,
  isDead: false,
  ...values,
});
const pointsLedgerRow = (values: Partial<PointsLedgerRow>): PointsLedgerRow => ({
  userId: 1,
  action: 'order_deduct',
  points: -50,
  refTable: 'orders',
  refId: 1,
  remark: '',
  createdAt: 'earlier',
  ...values,
});

interface Example {
  readonly shop: Partial<ShopData>;
  /** Default: one sweep. */
  readonly steps?: readonly Step[];
  /** Each coupon as "balance status", the points of user 1: by the engine, and without the difference. */
  readonly engine: Ending;
  readonly reference: Ending;
}

interface Ending {
  readonly coupons?: readonly string[];
  readonly points?: number;
  readonly pointsRows?: readonly string[];
}

const examples: Record<Difference, Example> = {
  'a pending order with a paid time is left alone': {
    shop: {
      orders: [order({ couponId: 1, paidAt: 'earlier' })],
      coupons: [coupon()],
      couponLedger: [ledgerRow({})],
    },
    engine: { coupons: ['0 used up'] },
    reference: { coupons: ['1000 usable'] },
  },
  'a dead coupon gets nothing': {
    shop: {
      orders: [order({ couponId: 1 })],
      coupons: [coupon({ isDead: true })],
      couponLedger: [ledgerRow({})],
    },
    engine: { coupons: ['0 used up'] },
    reference: { coupons: ['1000 usable'] },
  },
  'every coupon of an order comes back': {
    shop: {
      orders: [order({ couponId: 1 })],
      coupons: [coupon(), coupon({ id: 2 })],
      orderCoupons: [
        { orderId: 1, couponId: 1, appliedAmount: 1000 },
        { orderId: 1, couponId: 2, appliedAmount: 300 },
      ],
    },
    engine: { coupons: ['1000 usable', '300 usable'] },
    reference: { coupons: ['1000 usable', '0 used up'] },
  },
  'of two rows for one coupon the larger counts': {
    shop: {
      orders: [order({ couponId: 1 })],
      coupons: [coupon()],
      orderCoupons: [
        { orderId: 1, couponId: 1, appliedAmount: 1000 },
        { orderId: 1, couponId: 1, appliedAmount: 400 },
      ],
    },
    engine: { coupons: ['1000 usable'] },
    reference: { coupons: ['400 usable'] },
  },
  'a ledger row counts whoever its user is': {
    shop: {
      orders: [order({ couponId: 1 })],
      coupons: [coupon()],
      couponLedger: [ledgerRow({ userId: 2 })],
    },
    engine: { coupons: ['1000 usable'] },
    reference: { coupons: ['0 used up'] },
  },
  'coupon money that came back earlier is subtracted': {
    shop: {
      orders: [order({ couponId: 1 })],
      coupons: [coupon({ balance: 300 })],
      couponLedger: [ledgerRow({}), ledgerRow({ change: 300, action: 'cancel_refund' })],
    },
    engine: { coupons: ['1000 usable'] },
    reference: { coupons: ['1300 usable'] },
  },
  'points that came back earlier are subtracted': {
    shop: {
      orders: [order({ pointsAmount: 50 })],
      points: [pointsRow({ points: 50 })],
      pointsLedger: [
        pointsLedgerRow({}),
        pointsLedgerRow({ action: 'timeout_refund', points: 50 }),
      ],
    },
    engine: { points: 50 },
    reference: { points: 100 },
  },
  'a part that came back is just that part': {
    shop: {
      orders: [order({ couponId: 1 })],
      coupons: [coupon({ balance: 300 })],
      couponLedger: [ledgerRow({}), ledgerRow({ change: 300, action: 'timeout_refund' })],
    },
    engine: { coupons: ['1000 usable'] },
    reference: { coupons: ['300 used up'] },
  },
  'points go back to a row that can be spent': {
    shop: {
      orders: [order({ pointsAmount: 50 })],
      points: [pointsRow({ points: 5, validEnd: 'earlier' }), pointsRow({ id: 2, points: 7 })],
    },
    engine: { pointsRows: ['5', '57'] },
    reference: { pointsRows: ['55', '7'] },
  },
  'nothing is given twice for an order that is reopened': {
    shop: {
      orders: [order({ couponId: 1 })],
      coupons: [coupon({ balance: 500 })],
      couponLedger: [ledgerRow({})],
    },
    steps: [
      { do: 'cancel', orderId: 1, userId: 1 },
      { do: 'reopen', orderId: 1, takesAnew: true },
      { do: 'sweep' },
    ],
    engine: { coupons: ['1430 usable'] },
    reference: { coupons: ['1500 usable'] },
  },
  'a coupon held for another pending order stays held': {
    shop: {
      orders: [order({ couponId: 1 }), order({ id: 2, couponId: 1, ageMinutes: 5 })],
      coupons: [coupon({ status: 4, usedOrderId: 2, usedAt: 'earlier' })],
      orderCoupons: [{ orderId: 1, couponId: 1, appliedAmount: 1000 }],
    },
    engine: { coupons: ['1000 held'] },
    reference: { coupons: ['1000 usable'] },
  },
  'a coupon held for the order is set free without an amount': {
    shop: {
      orders: [order({ couponId: 1 })],
      coupons: [coupon({ status: 4, balance: 800, usedOrderId: 1, usedAt: 'earlier' })],
    },
    engine: { coupons: ['800 usable'] },
    reference: { coupons: ['800 held'] },
  },
};

test.each(differenceNames)('a difference from the reference: %s', async (difference) => {
  const example = examples[difference];
  const shop = { ...emptyShop(), ...example.shop };
  const steps = example.steps ?? [{ do: 'sweep' as const }];

  await engine.fill(shop, false);
  for (const step of steps) await engine.carryOut(step, PLAIN);
  expect(ending(await engine.read())).toMatchObject(example.engine);
  const without = playAll({ shop, steps }, engineRules({ without: difference }));
  expect(ending(without)).toMatchObject(example.reference);
});

const PLAIN = {
  timeZone: '-05:00',
  isolation: 'REPEATABLE READ',
  sqlMode: 'STRICT_ALL_TABLES',
  transaction: 'none',
} as const;

test('each difference has its reason in docs/differences.md, and no other is there', async () => {
  const page = await readFile(join(__dirname, '../../docs/differences.md'), 'utf8');
  const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading?.toLowerCase());

  expect(headings).toEqual(differenceNames);
});

const COUPON_STATUS = ['', 'usable', 'used up', 'expired', 'held'];

function ending({ coupons, points }: ShopData): Required<Ending> {
  return {
    coupons: coupons.map(({ balance, status }) => `${balance} ${COUPON_STATUS[status] ?? ''}`),
    points: points
      .filter(({ userId }) => userId === 1)
      .reduce((total, row) => total + row.points, 0),
    pointsRows: points.map((row) => String(row.points)),
  };
}
