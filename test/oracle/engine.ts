import type { Connection, RowDataPacket } from 'mysql2/promise';
import { emptyTables } from '../support';
import { type CodeLists, openOracleShop } from './codes';
import { CALLERS_REMARK } from './reference';
import { type Call, isOwn, type Outcome, type OwnStep, REPAIRED } from './scenario';
import { type Step, TAKEN_ANEW } from './scenario';
import { emptyShop, type Kind, type ShopData, sumOf } from './shop-data';
import type { Finding, Told } from './told';

/** The session that makes a call. */
export interface Session {
  readonly timeZone: string;
  readonly isolation: string;
  readonly sqlMode: string;
  /** Outside a transaction with autocommit or without it, or joining a transaction of its own. */
  readonly transaction: 'none' | 'autocommit off' | 'joined';
}

const EARLIER = "'2020-01-01'";

export type Engine = Awaited<ReturnType<typeof openEngine>>;

/** A real shop that is filled with one generated shop after the other. */
export async function openEngine(codes: CodeLists) {
  const shop = await openOracleShop(codes);
  const options = { multipleStatements: true, timezone: 'Z' } as const;
  const db = await shop.connect(options);
  const caller = await shop.connect(options);
  // Neither the shop's clock nor the server's; zero dates are data like others.
  await db.query("SET time_zone = '-05:00', sql_mode = 'STRICT_ALL_TABLES'");
  const tables = { codes, now: `CONVERT_TZ(UTC_TIMESTAMP(3), '+00:00', '${shop.clock}')` };
  let filled = emptyShop();
  return {
    /** `nullForZero`: amounts of 0 are written as NULL, which counts as 0. */
    fill: async (given: ShopData, nullForZero: boolean) => {
      filled = given;
      await emptyTables(shop);
      await db.query(insertStatements(given, tables, nullForZero));
    },
    /** Carries a step out, as `play()` does by the rules. */
    carryOut: async (step: Step, session: Session): Promise<Outcome | null> => {
      if (!isOwn(step)) return await call(caller, step, session);
      await db.query(ownStatements(step, codes));
      return null;
    },
    read: () => read(db, filled, tables),
    /** What the engine says of the shop. */
    ask: () => ask(db, filled),
    /** What is open. */
    findings: () => findings(db),
    /** reconcile_orders(NULL): how many orders it looked at. */
    reconcile: async () => (await rowsOf(db, 'CALL reconcile_orders(NULL)'))[0]?.orders as number,
  };
}

/** The rows of a call's first result. */
async function rowsOf(db: Connection, sql: string): Promise<RowDataPacket[]> {
  const [sets] = await db.query<RowDataPacket[][]>(sql);
  return sets[0] ?? [];
}

/** The lists of ShopData: the table of each, and its fields; where a column has another name, `field:column`. */
const TABLES = {
  orders: [
    'orders',
    'id userId sourceType status couponId pointsAmount cancelledAt paidAt ageMinutes:created_at',
  ],
  orderCoupons: ['order_coupons', 'orderId couponId:user_coupon_id appliedAmount'],
  coupons: [
    'user_coupons',
    'id userId status balance:balance_amount usedOrderId usedAt isDead:deleted_at',
  ],
  couponLedger: [
    'user_coupon_ledger',
    'userId couponId:user_coupon_id change:change_amount orderId action createdAt',
  ],
  points: ['user_points', 'id userId points validEnd isDead:deleted'],
  pointsLedger: ['user_points_ledger', 'userId action points refTable refId remark createdAt'],
} as const;
const TABLE_LISTS = Object.keys(TABLES) as (keyof typeof TABLES)[];

const AMOUNT = /(amount|points)$/;
const TIME = /_(at|end)$/;

const columnOf = (field: string) =>
  field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const fieldsOf = (list: keyof typeof TABLES) =>
  TABLES[list][1].split(' ').map((text): [field: string, column: string] => {
    const [field = '', column = columnOf(field)] = text.split(':');
    return [field, column];
  });

interface Tables {
  readonly codes: CodeLists;
  /** The time in the shop's clock. */
  readonly now: string;
}

const codesOf = ({ codes }: Tables, list: keyof typeof TABLES) =>
  list === 'orders' ? codes.order : codes.coupon;

/** A status may have several codes: `nth` picks one. */
const codeOf = (codes: CodeLists['order'], status: number, nth: number) => {
  const all = codes[status] ?? [];
  return all[nth % all.length] ?? NaN;
};

type Values = Record<string, string | number | boolean | null>;

function insertStatements(data: ShopData, tables: Tables, nullForZero: boolean): string {
  return TABLE_LISTS.flatMap((list) => {
    const literal = (row: Values, field: string, column: string): string => {
      const value = row[field] ?? null;
      if (field === 'status')
        return String(codeOf(codesOf(tables, list), Number(value), Number(row.id)));
      if (field === 'ageMinutes')
        return typeof value === 'number'
          ? `${tables.now} - INTERVAL ${value} MINUTE`
          : String(value);
      if (TIME.test(column)) return value === null || value === false ? 'NULL' : EARLIER;
      if (AMOUNT.test(column) && value === 0 && nullForZero) return 'NULL';
      return typeof value === 'string' ? `'${value}'` : String(value);
    };
    const fields = fieldsOf(list);
    const rows = (data[list] as unknown as Values[]).map(
      (row) => `(${fields.map(([field, column]) => literal(row, field, column)).join(', ')})`,
    );
    const columns = fields.map(([, column]) => column).join(', ');
    const into = `INSERT INTO ${TABLES[list][0]} (${columns})`;
    return rows.length === 0 ? [] : [`${into} VALUES ${rows.join(', ')}`];
  }).join(';');
}

/** What a column is read as: NULL for an amount is 0. */
function selected(tables: Tables, list: keyof typeof TABLES, field: string, column: string) {
  if (field === 'status') {
    const codes = codesOf(tables, list).map(
      (of, status) => `WHEN ${column} IN (${of.join()}) THEN ${status}`,
    );
    return `CASE ${codes.join(' ')} END`;
  }
  if (field === 'isDead') return `COALESCE(${column} <> 0, FALSE)`;
  if (AMOUNT.test(column)) return `COALESCE(${column}, 0)`;
  if (!TIME.test(column)) return column;
  // A time that is none of these comes back as it is, and no test expects that.
  return `CASE WHEN ${column} IS NULL THEN NULL
               WHEN ${column} = ${EARLIER} THEN 'earlier'
               WHEN ${column} BETWEEN ${tables.now} - INTERVAL 1 MINUTE AND ${tables.now} + INTERVAL 1 SECOND THEN 'now'
               ELSE CAST(${column} AS CHAR) END`;
}

type Row = Record<string, unknown>;

/** A row by the names of ShopData: of these columns, or of all. Yes and no come as 1 and 0. */
function named(row: Row, columns: readonly string[] = Object.keys(row)): Row {
  return Object.fromEntries(
    columns.map((column) => {
      const field = column.replaceAll(/_[a-z]/g, ([, letter = '']) => letter.toUpperCase());
      return [field, /^is[A-Z]/.test(field) ? row[column] === 1 : row[column]];
    }),
  );
}

async function read(db: Connection, data: ShopData, tables: Tables): Promise<ShopData> {
  const queries = TABLE_LISTS.map((list) => {
    const columns = fieldsOf(list).map(
      ([field, column]) => `${selected(tables, list, field, column)} AS \`${field}\``,
    );
    return `SELECT ${columns.join(', ')} FROM ${TABLES[list][0]}`;
  });
  const [results] = await db.query<RowDataPacket[][]>(
    [
      ...queries,
      `SELECT order_id, user_id, kind, target_id, account_id, amount, taken, COALESCE(ledger_taken, 0) AS ledger_taken, source, cause,
              (SELECT COUNT(*) FROM order_timeout_cancellation AS one
                WHERE one.order_id = refund.order_id AND one.batch_id <= refund.batch_id) AS nth
         FROM order_timeout_refund AS refund`,
      'SELECT order_id, cause FROM order_timeout_cancellation',
      'SELECT order_id FROM order_timeout_hold',
    ].join(';'),
  );
  const lists = [...TABLE_LISTS, 'journal', 'cancellations', 'holds'];
  const { holds = [], ...shop } = Object.fromEntries(
    lists.map((list, nth) => [list, (results[nth] ?? []).map((row) => named(row))]),
  );
  const isOpened = openedSince(data);
  const change = (list: keyof ShopData, of: (row: Row) => Row) => ({
    [list]: shop[list]?.map((row) => ({ ...row, ...of(row) })),
  });
  return {
    ...shop,
    ...change('orders', ({ id }) => ({
      isHeld: holds.some(({ orderId }) => orderId === id),
      ageMinutes: data.orders.find((one) => one.id === id)?.ageMinutes,
    })),
    ...change('points', ({ id }) => ({ id: isOpened(id) ? null : id })),
    ...change('journal', (row) => accountOf(row, data)),
  } as unknown as ShopData;
}

/** Of rows of points, whether one was opened since the shop was filled. */
const openedSince =
  ({ points }: ShopData) =>
  (id: unknown) =>
    !points.some((row) => row.id === id);

const accountOf = ({ kind, accountId }: Row, data: ShopData) => ({
  accountId: kind === 'points' && openedSince(data)(accountId) ? 0 : accountId,
});

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
    sumOf(
      rows.filter((row) => row.kind === kind && row.given === row.missing),
      (row) => Number(row.given),
    );
  return { outcome: REPAIRED, cancelled: 0, coupons: of('coupon'), points: of('points') };
}

/** A step of the shop's own. */
function ownStatements(step: OwnStep, { order, coupon }: CodeLists): string {
  if (step.do === 'merge')
    return ['orders', 'user_coupons', 'user_coupon_ledger', 'user_points', 'user_points_ledger']
      .map((table) => `UPDATE ${table} SET user_id = ${step.into} WHERE user_id = ${step.userId}`)
      .join(';');
  const [pending, , cancelled] = [1, 2, 3].map((status) => String(order[status]));
  const { orderId } = step;
  if (step.do === 'pay')
    return `UPDATE orders SET status = ${codeOf(order, 2, orderId)}
             WHERE id = ${orderId} AND status IN (${pending}, ${cancelled})`;
  const { coupon: amount, points } = TAKEN_ANEW;
  const takenAnew = `
    SET @reopened = IF(ROW_COUNT() > 0, ${orderId}, NULL);
    INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
    SELECT orders.user_id, user_coupons.id, -${amount}, orders.id, 'reserve', ${EARLIER}
      FROM orders JOIN user_coupons ON user_coupons.id = orders.coupon_id
     WHERE orders.id = @reopened;
    UPDATE orders JOIN user_coupons ON user_coupons.id = orders.coupon_id
       SET balance_amount = COALESCE(balance_amount, 0) - ${amount},
           user_coupons.status = ${codeOf(coupon, 4, 0)}, used_order_id = orders.id, used_at = ${EARLIER}
     WHERE orders.id = @reopened;
    INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id, remark, created_at)
    SELECT user_id, 'order_deduct', -${points}, 'orders', CONCAT(id), '', ${EARLIER}
      FROM orders
     WHERE id = @reopened AND user_id IN (SELECT user_id FROM user_points);
    UPDATE user_points
       SET points = COALESCE(points, 0) - ${points}
     WHERE user_id = (SELECT user_id FROM orders WHERE id = @reopened) ORDER BY id LIMIT 1`;
  return `UPDATE orders SET status = ${codeOf(order, 1, orderId)}, cancelled_at = NULL
           WHERE id = ${orderId} AND status IN (${cancelled})${step.takesAnew ? `;${takenAnew}` : ''}`;
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
  const money = ['kind', 'target_id', 'taken', 'returned', 'missing', 'source'];
  return {
    preview: preview.map((row) => named(row, ['order_id', 'coupon_refund', 'points_refund'])),
    audit: audit.map((row) => named(row, ['order_id', ...money])),
    verdicts: states.map((row, nth) => ({
      ...named(row, ['order_id', 'state']),
      verdict: each[nth]?.[0]?.verdict as string,
    })),
    money: ids.flatMap((orderId, nth) =>
      (each[ids.length + nth] ?? []).map((row) => {
        const told = named(row, [...money, 'account_id']);
        return { orderId, ...told, ...accountOf(told, data) };
      }),
    ),
  } as unknown as Told;
}

async function findings(db: Connection): Promise<Finding[]> {
  const columns = ['order_id', 'kind', 'target_id', 'what', 'amount', 'other_amount', 'detail'];
  return (await rowsOf(db, 'CALL list_findings(1000)')).map((row) => ({
    ...(named(row, columns) as unknown as Finding),
    // Which order an action was met at first is as it comes.
    ...(row.what === 'unknown_action' && { orderId: 0, targetId: 0, amount: 0, otherAmount: 0 }),
    // The time is as it comes, too.
    ...(row.what === 'second_take' && { detail: String(row.detail).replace(/ at .*/, '') }),
  }));
}
