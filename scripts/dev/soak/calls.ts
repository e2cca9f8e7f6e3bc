import type { Connection } from 'mysql2/promise';
import type { Random } from './random';
import { cancelWithoutRefund, placeOrders } from './shop';

/** A call that is going to be killed, and what it is about. */
export interface Case {
  readonly name: string;
  readonly sql: string;
  readonly orderIds: readonly number[];
  /** How the caller stands: with autocommit, without, or inside a transaction of his own. */
  readonly caller: Caller;
  /** Called again after a lost answer, it says what the first call did. */
  readonly isRepeatable: boolean;
}

export const CALLERS = [
  'autocommit',
  'autocommit off',
  'READ COMMITTED',
  'REPEATABLE READ',
] as const;
export type Caller = (typeof CALLERS)[number];

type Prepare = (db: Connection, random: Random) => Promise<Case>;

const DUE = 45;
const YOUNG = 5;

const cancel: Prepare = async (db, random) => {
  const [order] = await placeOrders(db, random, { ageMinutes: DUE });
  const { orderId = 0, userId = 0 } = order ?? {};
  return {
    name: 'cancel',
    sql: random.chance(0.7)
      ? `CALL cancel_expired_order(${orderId})`
      : `CALL cancel_order(${orderId}, ${userId}, 'soak')`,
    orderIds: [orderId],
    caller: random.pick(CALLERS),
    isRepeatable: true,
  };
};

const repair: Prepare = async (db, random) => {
  const [order] = await placeOrders(db, random, { ageMinutes: DUE * 4 });
  const { orderId = 0 } = order ?? {};
  await cancelWithoutRefund(db, orderId);
  return {
    name: 'repair',
    sql: `CALL repair_missing_refund(${orderId})`,
    orderIds: [orderId],
    caller: random.pick(CALLERS),
    isRepeatable: true,
  };
};

const hold: Prepare = async (db, random) => {
  const [order] = await placeOrders(db, random, { ageMinutes: YOUNG });
  const { orderId = 0 } = order ?? {};
  return {
    name: 'hold',
    sql: `CALL hold_order(${orderId}, 10, 'soak')`,
    orderIds: [orderId],
    caller: random.pick(CALLERS),
    isRepeatable: true,
  };
};

const sweep: Prepare = async (db, random) => {
  const placed = await placeOrders(db, random, { count: 8, ageMinutes: DUE });
  return {
    name: 'sweep',
    sql: 'CALL cancel_expired_orders()',
    orderIds: placed.map(({ orderId }) => orderId),
    caller: 'autocommit',
    isRepeatable: false,
  };
};

/** A part of the journal is older than it is kept, and due to be cleared away. */
const purge: Prepare = async (db, random) => {
  const placed = await placeOrders(db, random, { count: 2, ageMinutes: DUE });
  await db.query(
    'UPDATE order_timeout_batch SET created_at = created_at - INTERVAL 100 DAY ORDER BY id LIMIT 20',
  );
  await db.query('UPDATE order_timeout_heartbeat SET purged_at = NULL');
  return {
    name: 'purge',
    sql: 'CALL cancel_expired_orders()',
    orderIds: placed.map(({ orderId }) => orderId),
    caller: 'autocommit',
    isRepeatable: false,
  };
};

const KINDS: readonly (readonly [Prepare, number])[] = [
  [cancel, 5],
  [repair, 2],
  [hold, 1],
  [sweep, 3],
  [purge, 1],
];

export function prepareCase(db: Connection, random: Random): Promise<Case> {
  const all = KINDS.flatMap(([prepare, share]) => Array<Prepare>(share).fill(prepare));
  return random.pick(all)(db, random);
}
