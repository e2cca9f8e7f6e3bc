import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { Shop } from '../support';
import { type Outcome, type Scenario, type Step, TAKEN_ANEW } from './scenario';
import type { JournalRow, ShopData, When } from './shop-data';

/** A real shop in which any number of generated ones stand side by side, each with ids of its own. */
export interface Engine {
  /** Carries a scenario out with the engine, as `play()` does by rules. */
  play(scenario: Scenario, sweep: SweepBy): Promise<{ shop: ShopData; outcomes: Outcome[] }>;
}

/** The sweep itself, or a call for each order that a sweep would take. */
export type SweepBy = 'cancel_expired_orders' | 'cancel_expired_order';

const IDS_EACH = 1000;
const EARLIER = "'2020-01-01'";

export async function openEngine(shop: Shop): Promise<Engine> {
  const db = await shop.connect({ multipleStatements: true });
  // Neither the shop's clock nor the server's.
  await db.query("SET time_zone = '-05:00'");
  let made = 0;

  return {
    play: async ({ shop: data, steps }, sweepBy) => {
      const ids = new IdRange(++made * IDS_EACH);
      const now = `CONVERT_TZ(UTC_TIMESTAMP(3), '+00:00', '${shop.clock}')`;
      await db.query(insertStatements(data, ids, now));

      const outcomes: Outcome[] = [];
      for (const step of steps) outcomes.push(await carryOut(db, step, data, ids, sweepBy));
      const left = await read(db, data, ids, now);
      await db.query(leaveNothingDue(ids));
      return { shop: left, outcomes };
    },
  };
}

/** Local ids to the database's and back. What is not an id, such as 0 or -1, stays. */
class IdRange {
  constructor(private readonly base: number) {}

  readonly to = (id: number | null): number | null =>
    id === null || id <= 0 ? id : this.base + id;
  readonly from = (id: number): number => (id <= 0 ? id : id - this.base);
  /** A condition that this shop's rows meet. */
  readonly has = (column: string): string =>
    `${column} BETWEEN ${this.base + 1} AND ${this.base + IDS_EACH - 1}`;
}

function insertStatements(data: ShopData, ids: IdRange, now: string): string {
  const at = (when: When) => (when === null ? 'NULL' : EARLIER);
  const text = (value: string) => `'${value}'`;
  const insert = (table: string, columns: string, rows: (string | number | null)[][]) =>
    rows.length === 0
      ? ''
      : `INSERT INTO ${table} (${columns}) VALUES ${rows
          .map((row) => `(${row.map((value) => value ?? 'NULL').join(', ')})`)
          .join(', ')};`;
  return [
    insert(
      'orders',
      'id, order_no, user_id, source_type, status, coupon_id, points_amount, cancelled_at, created_at',
      data.orders.map((row) => [
        ids.to(row.id),
        String(ids.to(row.id)),
        ids.to(row.userId),
        row.sourceType,
        row.status,
        ids.to(row.couponId),
        row.pointsAmount,
        at(row.cancelledAt),
        `${now} - INTERVAL ${row.ageMinutes} MINUTE`,
      ]),
    ),
    insert(
      'order_coupons',
      'order_id, user_coupon_id, applied_amount',
      data.orderCoupons.map((row) => [
        ids.to(row.orderId),
        ids.to(row.couponId),
        row.appliedAmount,
      ]),
    ),
    insert(
      'user_coupons',
      'id, user_id, status, balance_amount, used_order_id, used_at',
      data.coupons.map((row) => [
        ids.to(row.id),
        ids.to(row.userId),
        row.status,
        row.balance,
        ids.to(row.usedOrderId),
        at(row.usedAt),
      ]),
    ),
    insert(
      'user_coupon_ledger',
      'user_id, user_coupon_id, change_amount, order_id, action, created_at',
      data.couponLedger.map((row) => [
        ids.to(row.userId),
        ids.to(row.couponId),
        row.change,
        ids.to(row.orderId),
        text(row.action),
        EARLIER,
      ]),
    ),
    insert(
      'user_points',
      'id, user_id, points, valid_end',
      data.points.map((row) => [ids.to(row.id), ids.to(row.userId), row.points, at(row.validEnd)]),
    ),
    insert(
      'user_points_ledger',
      'user_id, action, points, ref_table, ref_id, remark, created_at',
      data.pointsLedger.map((row) => [
        ids.to(row.userId),
        text(row.action),
        row.points,
        text(row.refTable),
        text(String(ids.to(row.refId))),
        text(row.remark),
        EARLIER,
      ]),
    ),
  ].join('\n');
}

async function carryOut(
  db: Connection,
  step: Step,
  data: ShopData,
  ids: IdRange,
  sweepBy: SweepBy,
): Promise<Outcome> {
  switch (step.do) {
    case 'sweep':
      if (sweepBy === 'cancel_expired_order') {
        return sum(
          await calls(
            db,
            data.orders.map(({ id }) => timeOut(ids, id)),
          ),
        );
      }
      return sum(await calls(db, ['CALL cancel_expired_orders()']));
    case 'time out':
      return sum(await calls(db, [timeOut(ids, step.orderId)]));
    case 'cancel': {
      const userId = ids.to(step.userId) ?? 'NULL';
      const orderId = String(ids.to(step.orderId));
      return sum(await calls(db, [`CALL cancel_order(${orderId}, ${userId}, 'changed my mind')`]));
    }
    case 'reopen':
      await reopen(db, String(ids.to(step.orderId)), step.takesAnew);
      return sum([]);
  }
}

const timeOut = (ids: IdRange, orderId: number) =>
  `CALL cancel_expired_order(${String(ids.to(orderId))})`;

interface CallResult extends RowDataPacket {
  outcome: string;
  cancelled?: number;
  failed?: number;
  coupon_refunded: number;
  points_refunded: number;
}

/** Runs several calls in one round trip; each answers with one row. */
async function calls(db: Connection, statements: readonly string[]): Promise<CallResult[]> {
  const [results] = await db.query(`${statements.join(';')}; SELECT 1`);
  return (results as unknown[]).filter(isAnswer).flat();
}

function isAnswer(result: unknown): result is CallResult[] {
  return Array.isArray(result) && (result[0] as Partial<CallResult>).outcome !== undefined;
}

function sum(answers: readonly CallResult[]): Outcome {
  const failed = answers.find((answer) => answer.failed !== undefined && answer.failed > 0);
  if (failed !== undefined) throw new Error(`${String(failed.failed)} orders failed in the sweep`);
  const all = (of: (answer: CallResult) => number) =>
    answers.reduce((total, answer) => total + of(answer), 0);
  return {
    cancelled: all(({ cancelled, outcome }) => cancelled ?? (outcome === 'cancelled' ? 1 : 0)),
    coupons: all((answer) => answer.coupon_refunded),
    points: all((answer) => answer.points_refunded),
  };
}

async function reopen(db: Connection, orderId: string, takesAnew: boolean): Promise<void> {
  const [reopened] = await db.query(
    `UPDATE orders SET status = 1, cancelled_at = NULL WHERE id = ${orderId} AND status = 3`,
  );
  if (!takesAnew || (reopened as { affectedRows: number }).affectedRows === 0) return;
  await db.query(
    `INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
     SELECT orders.user_id, user_coupons.id, -${TAKEN_ANEW.coupon}, orders.id, 'reserve', ${EARLIER}
       FROM orders JOIN user_coupons ON user_coupons.id = orders.coupon_id
      WHERE orders.id = ${orderId};
     UPDATE orders JOIN user_coupons ON user_coupons.id = orders.coupon_id
        SET balance_amount = balance_amount - ${TAKEN_ANEW.coupon}, user_coupons.status = 4,
            used_order_id = orders.id, used_at = ${EARLIER}
      WHERE orders.id = ${orderId};
     INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id, remark, created_at)
     SELECT user_id, 'order_deduct', -${TAKEN_ANEW.points}, 'orders', CONCAT(id), '', ${EARLIER}
       FROM orders
      WHERE id = ${orderId} AND user_id IN (SELECT user_id FROM user_points);
     UPDATE orders
       JOIN user_points
         ON user_points.id = (SELECT MIN(id) FROM (SELECT id, user_id FROM user_points) AS mine
                               WHERE mine.user_id = orders.user_id)
        SET points = points - ${TAKEN_ANEW.points}
      WHERE orders.id = ${orderId}`,
  );
}

/** The tables, column by column as ShopData has them. */
async function read(db: Connection, data: ShopData, ids: IdRange, now: string): Promise<ShopData> {
  // A time that is none of these comes back as it is, and no test expects that.
  const when = (column: string) =>
    `CASE WHEN ${column} IS NULL THEN NULL
          WHEN ${column} = ${EARLIER} THEN 'earlier'
          WHEN ${column} BETWEEN ${now} - INTERVAL 1 MINUTE AND ${now} + INTERVAL 1 SECOND THEN 'now'
          ELSE CAST(${column} AS CHAR) END`;
  const [results] = await db.query<RowDataPacket[][]>(
    `SELECT id, user_id AS userId, source_type AS sourceType, status, coupon_id AS couponId,
            points_amount AS pointsAmount, ${when('cancelled_at')} AS cancelledAt
       FROM orders WHERE ${ids.has('id')};
     SELECT order_id AS orderId, user_coupon_id AS couponId, applied_amount AS appliedAmount
       FROM order_coupons WHERE ${ids.has('order_id')};
     SELECT id, user_id AS userId, status, balance_amount AS balance, used_order_id AS usedOrderId,
            ${when('used_at')} AS usedAt
       FROM user_coupons WHERE ${ids.has('id')};
     SELECT user_id AS userId, user_coupon_id AS couponId, change_amount AS \`change\`, order_id AS orderId,
            action, ${when('created_at')} AS createdAt
       FROM user_coupon_ledger WHERE ${ids.has('user_coupon_id')};
     SELECT id, user_id AS userId, points, ${when('valid_end')} AS validEnd
       FROM user_points WHERE ${ids.has('user_id')};
     SELECT user_id AS userId, action, points, ref_table AS refTable, ref_id + 0 AS refId, remark,
            ${when('created_at')} AS createdAt
       FROM user_points_ledger WHERE ${ids.has('user_id')};
     SELECT order_id AS orderId, kind, target_id AS targetId, amount
       FROM order_timeout_refund WHERE ${ids.has('order_id')}`,
  );
  const [orders = [], orderCoupons = [], coupons = [], couponLedger = [], ...others] = results;
  const [points = [], pointsLedger = [], journal = []] = others;

  const local = <T>(rows: RowDataPacket[], ...columns: string[]): T[] =>
    rows.map((row) => {
      const translated = columns.map((column): [string, number | null] => {
        const id = row[column] as number | null;
        return [column, id === null ? null : ids.from(id)];
      });
      return { ...row, ...Object.fromEntries(translated) } as T;
    });
  const age = (id: number) => data.orders.find((one) => one.id === id)?.ageMinutes;
  return {
    orders: local<ShopData['orders'][number]>(orders, 'id', 'userId', 'couponId').map((row) => ({
      ...row,
      ageMinutes: age(row.id) ?? NaN,
    })),
    orderCoupons: local(orderCoupons, 'orderId', 'couponId'),
    coupons: local(coupons, 'id', 'userId', 'usedOrderId'),
    couponLedger: local(couponLedger, 'userId', 'couponId', 'orderId'),
    points: local<ShopData['points'][number]>(points, 'id', 'userId').map((row) => ({
      ...row,
      id: data.points.some(({ id }) => id === row.id) ? row.id : null,
    })),
    pointsLedger: local(pointsLedger, 'userId', 'refId'),
    journal: local<JournalRow>(journal, 'orderId', 'targetId'),
  };
}

/** Orders that get too old while the tests run belong to nobody's sweep. */
const leaveNothingDue = (ids: IdRange) =>
  `UPDATE orders SET status = 2 WHERE status = 1 AND ${ids.has('id')}`;
