import type { Connection, RowDataPacket } from 'mysql2/promise';
import { emptyTables } from '../support';
import { type Codes, type OracleShop } from './codes';
import {
  CALLERS_REMARK,
  type Call,
  type Outcome,
  REPAIRED,
  type Step,
  TAKEN_ANEW,
} from './scenario';
import type { JournalRow, Kind, Order, ShopData, When } from './shop-data';
import type { Finding, Told } from './told';

/** A real shop that is filled with one generated shop after the other. */
export interface Engine {
  /** `nullForZero`: amounts of 0 are written as NULL, which counts as 0. */
  fill(data: ShopData, nullForZero: boolean): Promise<void>;
  /** Carries a step out, as `play()` does by the rules. */
  carryOut(step: Step, session: Session): Promise<Outcome | null>;
  read(): Promise<ShopData>;
  /** What the engine says of the shop. */
  ask(): Promise<Told>;
  /** What is open. */
  findings(): Promise<Finding[]>;
  /** reconcile_orders(NULL): how many orders it looked at. */
  reconcile(): Promise<number>;
}

/** The session that makes a call. */
export interface Session {
  readonly timeZone: string;
  readonly isolation: string;
  readonly sqlMode: string;
  /** Outside a transaction with autocommit or without it, or joining a transaction of its own. */
  readonly transaction: 'none' | 'autocommit off' | 'joined';
}

const EARLIER = "'2020-01-01'";

export async function openEngine({ shop, ...codes }: OracleShop): Promise<Engine> {
  const options = { multipleStatements: true, timezone: 'Z' } as const;
  const db = await shop.connect(options);
  const caller = await shop.connect(options);
  // Neither the shop's clock nor the server's; zero dates are data like others.
  await db.query("SET time_zone = '-05:00', sql_mode = 'STRICT_ALL_TABLES'");
  const now = `CONVERT_TZ(UTC_TIMESTAMP(3), '+00:00', '${shop.clock}')`;
  let filled: ShopData | undefined;
  const data = () => {
    if (filled === undefined) throw new Error('The shop was never filled');
    return filled;
  };

  return {
    fill: async (given, nullForZero) => {
      filled = given;
      await emptyTables(shop);
      await db.query(insertStatements(given, { codes, now, nullForZero }));
    },
    carryOut: async (step, session) => {
      if (step.do === 'merge') await merge(db, step.userId, step.into);
      else if (step.do === 'reopen') await reopen(db, step, codes);
      else if (step.do === 'pay') await pay(db, step.orderId, codes);
      else return await call(caller, step, session);
      return null;
    },
    read: () => read(db, data(), codes, now),
    ask: () => ask(db, data()),
    findings: () => findings(db),
    reconcile: async () => {
      const [answer] = await rowsOf(db, 'CALL reconcile_orders(NULL)');
      return Number(answer?.orders);
    },
  };
}

/** The rows of a call's first result. */
async function rowsOf(db: Connection, sql: string): Promise<RowDataPacket[]> {
  const [sets] = await db.query<RowDataPacket[][]>(sql);
  return sets[0] ?? [];
}

interface Writing {
  readonly codes: Codes;
  readonly now: string;
  readonly nullForZero: boolean;
}

function insertStatements(data: ShopData, { codes, now, nullForZero }: Writing): string {
  const at = (when: When) => (when === null ? null : EARLIER);
  const text = (value: string) => `'${value}'`;
  const amount = (value: number) => (value === 0 && nullForZero ? null : value);
  const insert = (table: string, columns: string, rows: (string | number | null)[][]) =>
    rows.length === 0
      ? ''
      : `INSERT INTO ${table} (${columns}) VALUES ${rows
          .map((row) => `(${row.map((value) => value ?? 'NULL').join(', ')})`)
          .join(', ')};`;
  return [
    insert(
      'orders',
      'id, order_no, user_id, source_type, status, coupon_id, points_amount, cancelled_at, paid_at, created_at',
      data.orders.map((row) => [
        row.id,
        row.id,
        row.userId,
        row.sourceType,
        codes.order.write(row.status, row.id),
        row.couponId,
        amount(row.pointsAmount),
        at(row.cancelledAt),
        at(row.paidAt),
        typeof row.ageMinutes === 'number'
          ? `${now} - INTERVAL ${row.ageMinutes} MINUTE`
          : row.ageMinutes,
      ]),
    ),
    insert(
      'order_coupons',
      'order_id, user_coupon_id, applied_amount',
      data.orderCoupons.map((row) => [row.orderId, row.couponId, amount(row.appliedAmount)]),
    ),
    insert(
      'user_coupons',
      'id, user_id, status, balance_amount, used_order_id, used_at, deleted_at',
      data.coupons.map((row) => [
        row.id,
        row.userId,
        codes.coupon.write(row.status, row.id),
        amount(row.balance),
        row.usedOrderId,
        at(row.usedAt),
        row.isDead ? EARLIER : null,
      ]),
    ),
    insert(
      'user_coupon_ledger',
      'user_id, user_coupon_id, change_amount, order_id, action, created_at',
      data.couponLedger.map((row) => [
        row.userId,
        row.couponId,
        amount(row.change),
        row.orderId,
        text(row.action),
        EARLIER,
      ]),
    ),
    insert(
      'user_points',
      'id, user_id, points, valid_end, deleted',
      data.points.map((row) => [
        row.id,
        row.userId,
        amount(row.points),
        at(row.validEnd),
        row.isDead ? 1 : 0,
      ]),
    ),
    insert(
      'user_points_ledger',
      'user_id, action, points, ref_table, ref_id, remark, created_at',
      data.pointsLedger.map((row) => [
        row.userId,
        text(row.action),
        amount(row.points),
        text(row.refTable),
        text(String(row.refId)),
        text(row.remark),
        EARLIER,
      ]),
    ),
  ].join('\n');
}

async function call(
  db: Connection,
  step: Call,
  { timeZone, isolation, sqlMode, transaction }: Session,
): Promise<Outcome> {
  const isJoined = transaction === 'joined' && step.do !== 'sweep';
  await db.query(
    `SET SESSION TRANSACTION ISOLATION LEVEL ${isolation};
     SET time_zone = '${timeZone}', sql_mode = '${sqlMode}', autocommit = ${transaction === 'autocommit off' ? 0 : 1};
     ${isJoined ? 'START TRANSACTION; SELECT COUNT(*) FROM orders' : ''}`,
  );
  const rows = await rowsOf(db, `CALL ${procedureOf(step)}`);
  await db.query('COMMIT');
  if (step.do === 'repair') return repaired(rows);
  const [answer] = rows;
  if (answer === undefined || Number(answer.failed) > 0) throw new Error(JSON.stringify(rows));
  const outcome = String(answer.outcome);
  const coupons = Number(answer.coupon_refunded ?? 0);
  const points = Number(answer.points_refunded ?? 0);
  const returned = (answer.returned ?? { coupon: '0', points: '0' }) as Record<Kind, string>;
  if (returned.coupon !== String(coupons) || returned.points !== String(points))
    throw new Error(`It contradicts itself: ${JSON.stringify(answer)}`);
  const cancelled = Number(answer.cancelled ?? outcome === 'cancelled');
  return { outcome, cancelled, coupons, points };
}

function procedureOf(step: Call): string {
  switch (step.do) {
    case 'sweep':
      return 'cancel_expired_orders()';
    case 'time out':
      return `cancel_expired_order(${step.orderId})`;
    case 'hold':
      return `hold_order(${step.orderId}, 10080, NULL)`;
    case 'repair':
      return `repair_missing_refund(${step.orderId})`;
    case 'cancel':
      return step.userId === null
        ? `cancel_order_as_admin(${step.orderId}, '${CALLERS_REMARK}')`
        : `cancel_order(${step.orderId}, ${step.userId}, '${CALLERS_REMARK}')`;
  }
}

function repaired(rows: readonly RowDataPacket[]): Outcome {
  const of = (kind: Kind) =>
    rows
      .filter((row) => row.kind === kind && row.given === row.missing)
      .reduce((sum, row) => sum + Number(row.given), 0);
  return { outcome: REPAIRED, cancelled: 0, coupons: of('coupon'), points: of('points') };
}

const ACCOUNT_TABLES = ['orders', 'user_coupons', 'user_coupon_ledger', 'user_points'] as const;

async function merge(db: Connection, userId: number, into: number): Promise<void> {
  for (const table of [...ACCOUNT_TABLES, 'user_points_ledger'])
    await db.query(`UPDATE ${table} SET user_id = ${into} WHERE user_id = ${userId}`);
}

async function pay(db: Connection, orderId: number, { order }: Codes): Promise<void> {
  await db.query(
    `UPDATE orders SET status = ${order.write(2, orderId)} WHERE id = ${orderId} AND status IN (${order.all(1)}, ${order.all(3)})`,
  );
}

async function reopen(
  db: Connection,
  { orderId, takesAnew }: Extract<Step, { do: 'reopen' }>,
  codes: Codes,
): Promise<void> {
  const [reopened] = await db.query(
    `UPDATE orders SET status = ${codes.order.write(1, orderId)}, cancelled_at = NULL
      WHERE id = ${orderId} AND status IN (${codes.order.all(3)})`,
  );
  if (!takesAnew || (reopened as { affectedRows: number }).affectedRows === 0) return;
  await db.query(
    `INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
     SELECT orders.user_id, user_coupons.id, -${TAKEN_ANEW.coupon}, orders.id, 'reserve', ${EARLIER}
       FROM orders JOIN user_coupons ON user_coupons.id = orders.coupon_id
      WHERE orders.id = ${orderId};
     UPDATE orders JOIN user_coupons ON user_coupons.id = orders.coupon_id
        SET balance_amount = COALESCE(balance_amount, 0) - ${TAKEN_ANEW.coupon},
            user_coupons.status = ${codes.coupon.write(4, 0)}, used_order_id = orders.id, used_at = ${EARLIER}
      WHERE orders.id = ${orderId};
     INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id, remark, created_at)
     SELECT user_id, 'order_deduct', -${TAKEN_ANEW.points}, 'orders', CONCAT(id), '', ${EARLIER}
       FROM orders
      WHERE id = ${orderId} AND user_id IN (SELECT user_id FROM user_points);
     UPDATE orders
       JOIN user_points
         ON user_points.id = (SELECT MIN(id) FROM (SELECT id, user_id FROM user_points) AS mine
                               WHERE mine.user_id = orders.user_id)
        SET points = COALESCE(points, 0) - ${TAKEN_ANEW.points}
      WHERE orders.id = ${orderId}`,
  );
}

/** The tables, column by column as ShopData has them; NULL for an amount is 0. */
async function read(db: Connection, data: ShopData, codes: Codes, now: string): Promise<ShopData> {
  // A time that is none of these comes back as it is, and no test expects that.
  const when = (column: string) =>
    `CASE WHEN ${column} IS NULL THEN NULL
          WHEN ${column} = ${EARLIER} THEN 'earlier'
          WHEN ${column} BETWEEN ${now} - INTERVAL 1 MINUTE AND ${now} + INTERVAL 1 SECOND THEN 'now'
          ELSE CAST(${column} AS CHAR) END`;
  const [results] = await db.query<RowDataPacket[][]>(
    `SELECT id, user_id AS userId, source_type AS sourceType, status, coupon_id AS couponId,
            COALESCE(points_amount, 0) AS pointsAmount, ${when('cancelled_at')} AS cancelledAt,
            ${when('paid_at')} AS paidAt,
            EXISTS (SELECT 1 FROM order_timeout_hold WHERE order_id = orders.id) AS isHeld
       FROM orders;
     SELECT order_id AS orderId, user_coupon_id AS couponId, COALESCE(applied_amount, 0) AS appliedAmount
       FROM order_coupons;
     SELECT id, user_id AS userId, status, COALESCE(balance_amount, 0) AS balance, used_order_id AS usedOrderId,
            ${when('used_at')} AS usedAt, deleted_at IS NOT NULL AS isDead
       FROM user_coupons;
     SELECT user_id AS userId, user_coupon_id AS couponId, COALESCE(change_amount, 0) AS \`change\`, order_id AS orderId,
            action, ${when('created_at')} AS createdAt
       FROM user_coupon_ledger;
     SELECT id, user_id AS userId, COALESCE(points, 0) AS points, ${when('valid_end')} AS validEnd, deleted AS isDead
       FROM user_points;
     SELECT user_id AS userId, action, COALESCE(points, 0) AS points, ref_table AS refTable, ref_id + 0 AS refId, remark,
            ${when('created_at')} AS createdAt
       FROM user_points_ledger;
     SELECT order_id AS orderId, kind, target_id AS targetId, account_id AS accountId, amount, taken,
            COALESCE(ledger_taken, 0) AS ledgerTaken, source, cause,
            (SELECT COUNT(*) FROM order_timeout_cancellation AS one
              WHERE one.order_id = refund.order_id AND one.batch_id <= refund.batch_id) AS nth
       FROM order_timeout_refund AS refund;
     SELECT order_id AS orderId, cause FROM order_timeout_cancellation`,
  );
  const [orders = [], orderCoupons, coupons = [], couponLedger, points = [], ...others] = results;
  const [pointsLedger, journal = [], cancellations] = others;
  const isNew = (id: unknown) => !data.points.some((row) => row.id === id);
  const isYes = (value: unknown) => value === 1;
  return {
    orders: orders.map((row) => ({
      ...(row as Order),
      status: codes.order.read(Number(row.status)),
      isHeld: isYes(row.isHeld),
      ageMinutes: data.orders.find(({ id }) => id === row.id)?.ageMinutes ?? NaN,
    })),
    coupons: coupons.map((row) => ({
      ...(row as ShopData['coupons'][number]),
      status: codes.coupon.read(Number(row.status)),
      isDead: isYes(row.isDead),
    })),
    points: points.map((row) => ({
      ...(row as ShopData['points'][number]),
      id: isNew(row.id) ? null : Number(row.id),
      isDead: isYes(row.isDead),
    })),
    journal: journal.map((row) => ({
      ...(row as JournalRow),
      accountId: row.kind === 'points' && isNew(row.accountId) ? 0 : Number(row.accountId),
    })),
    ...({ orderCoupons, couponLedger, pointsLedger, cancellations } as unknown as Pick<
      ShopData,
      'orderCoupons' | 'couponLedger' | 'pointsLedger' | 'cancellations'
    >),
  };
}

async function ask(db: Connection, data: ShopData): Promise<Told> {
  const ids = data.orders.map(({ id }) => id);
  const [results] = await db.query<RowDataPacket[][]>(
    [
      'CALL preview_expired_orders(1000)',
      'CALL audit_missing_refunds(NULL)',
      `CALL order_deadlines('${JSON.stringify(ids)}')`,
      ...ids.map((id) => `CALL explain_order_timeout(${id})`),
      ...ids.map((id) => `CALL order_money(${id})`),
    ].join(';'),
  );
  // Each call is followed by its end, which has no rows.
  const [preview = [], audit = [], states = [], ...each] = results.filter((result) =>
    Array.isArray(result),
  );
  const missing = (row: RowDataPacket) => ({
    kind: row.kind as Kind,
    targetId: Number(row.target_id),
    taken: Number(row.taken),
    returned: Number(row.returned),
    missing: Number(row.missing),
    source: row.source as JournalRow['source'],
  });
  const isNew = (id: unknown) => !data.points.some((row) => row.id === id);
  return {
    preview: preview.map((row) => ({
      orderId: Number(row.order_id),
      coupons: Number(row.coupon_refund),
      points: Number(row.points_refund),
    })),
    audit: audit.map((row) => ({ orderId: Number(row.order_id), ...missing(row) })),
    verdicts: states.map((row, nth) => ({
      orderId: Number(row.order_id),
      verdict: String(each[nth]?.[0]?.verdict),
      state: String(row.state),
    })),
    money: ids.flatMap((orderId, nth) =>
      (each[ids.length + nth] ?? []).map((row) => ({
        orderId,
        accountId:
          row.kind === 'points' && isNew(row.account_id) ? 0 : (row.account_id as number | null),
        ...missing(row),
      })),
    ),
  };
}

async function findings(db: Connection): Promise<Finding[]> {
  return (await rowsOf(db, 'CALL list_findings(1000)')).map((row) => {
    // Which order an action was met at first is as it comes.
    const isAction = row.what === 'unknown_action';
    return {
      orderId: isAction ? 0 : Number(row.order_id),
      kind: row.kind as Kind | '',
      targetId: isAction ? 0 : Number(row.target_id),
      what: String(row.what),
      amount: isAction ? 0 : Number(row.amount),
      otherAmount: isAction ? 0 : Number(row.other_amount),
      detail: String(row.detail),
    };
  });
}
