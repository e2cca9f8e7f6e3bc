import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { Random } from './random';
import { cancelWithoutRefund, type Placed, placeOrder } from './shop';

/** How the caller stands: with autocommit, without, or inside a transaction of his own. */
const CALLERS = ['autocommit', 'autocommit off', 'READ COMMITTED', 'REPEATABLE READ'] as const;

/** A call that is going to be killed, and what it is about. */
export interface Case {
  readonly name: string;
  readonly sql: string;
  readonly orderIds: readonly number[];
  readonly caller: (typeof CALLERS)[number];
  /** A sweep commits batch by batch, under autocommit only. Any other call is one statement, and can be repeated. */
  readonly isSweep: boolean;
}

interface Kind {
  readonly name: string;
  /** How often, against the others. */
  readonly share: number;
  readonly ageMinutes: number;
  /** How many orders are placed for a sweep to find; none: it is a call about one. */
  readonly swept?: number;
  readonly prepare?: (db: Connection, order: Placed) => Promise<void>;
  readonly sql: (order: Placed, random: Random) => string;
}

const DUE = 45;
const YOUNG = 5;
const SWEEP = () => 'CALL cancel_expired_orders()';

const KINDS: readonly Kind[] = [
  {
    name: 'cancel',
    share: 5,
    ageMinutes: DUE,
    sql: ({ orderId, userId }, random) =>
      random.chance(0.7)
        ? `CALL cancel_expired_order(${orderId})`
        : `CALL cancel_order(${orderId}, ${userId}, 'soak')`,
  },
  {
    name: 'repair',
    share: 2,
    ageMinutes: DUE * 4,
    prepare: cancelWithoutRefund,
    sql: ({ orderId }) => `CALL repair_missing_refund(${orderId})`,
  },
  {
    name: 'hold',
    share: 1,
    ageMinutes: YOUNG,
    sql: ({ orderId }) => `CALL hold_order(${orderId}, 10, 'soak')`,
  },
  { name: 'sweep', share: 3, ageMinutes: DUE, swept: 8, sql: SWEEP },
  { name: 'purge', share: 1, ageMinutes: DUE, swept: 2, prepare: growOld, sql: SWEEP },
];

/** A part of the journal is older than it is kept, and due to be cleared away. */
async function growOld(db: Connection): Promise<void> {
  await db.query(
    'UPDATE order_timeout_batch SET created_at = created_at - INTERVAL 100 DAY ORDER BY id LIMIT 20',
  );
  await db.query('UPDATE order_timeout_heartbeat SET purged_at = NULL');
}

export async function prepareCase(db: Connection, random: Random): Promise<Case> {
  const kind = random.pick(KINDS.flatMap((one) => Array<Kind>(one.share).fill(one)));
  const { name, ageMinutes, swept = 0 } = kind;
  const order = await placeOrder(db, random, ageMinutes);
  const orderIds = [order.orderId];
  while (orderIds.length < swept) orderIds.push((await placeOrder(db, random, ageMinutes)).orderId);
  await kind.prepare?.(db, order);
  return {
    name,
    sql: kind.sql(order, random),
    orderIds,
    caller: swept > 0 ? 'autocommit' : random.pick(CALLERS),
    isSweep: swept > 0,
  };
}

/** The row that a procedure answers with. */
export async function answerOf(
  db: Connection,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Readonly<Record<string, unknown>>> {
  const [sets] = await db.query<RowDataPacket[][]>(sql, [...values]);
  return sets[0]?.[0] ?? {};
}
