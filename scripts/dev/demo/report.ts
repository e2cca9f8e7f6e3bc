import type { Connection, RowDataPacket } from 'mysql2/promise';
import pc from 'picocolors';
import { figure, toTable } from '../../cli/output';
import { selectColumn } from '../../deploy/connection';
import { findDisagreements } from '../invariants';
import type { Example } from '../shop';

/** What is counted in a shop, by its own tables: its orders, and each kind of its file. */
const COUNTS: Readonly<Record<Example, string>> = {
  'built-in': `
    SELECT COUNT(*) AS orders, SUM(status = 1) AS pending, SUM(status = 3) AS cancelled,
           (SELECT SUM(balance_amount) FROM user_coupons) AS coupon,
           (SELECT SUM(points) FROM user_points) AS points
      FROM orders`,
  litemall: `
    SELECT COUNT(*) AS orders, SUM(order_status = 101) AS pending, SUM(order_status = 103) AS cancelled,
           (SELECT SUM(number) FROM litemall_goods_product) AS stock,
           (SELECT COUNT(*) FROM litemall_coupon_user WHERE status = 0) AS coupon
      FROM litemall_order`,
  // What is locked for an order can be sold again once it is not.
  mall: `
    SELECT COUNT(*) AS orders, SUM(status = 0) AS pending, SUM(status = 4) AS cancelled,
           (SELECT SUM(stock - lock_stock) FROM pms_sku_stock) AS stock,
           (SELECT COUNT(*) FROM sms_coupon_history WHERE use_status = 0) AS coupon,
           (SELECT SUM(integration) FROM ums_member) AS points
      FROM oms_order`,
};

type Counts = Readonly<Record<string, bigint>>;

/** One of the two coupons of user 9110 from which the old task lost money, with its titles. */
type Incident = Readonly<Record<'coupon' | 'balance' | 'timeout_refund rows', string | number>>;

/** What a shop's own tables say. */
export interface Seen {
  readonly counts: Counts;
  /** Of the built-in shop alone, as the next ones: balances that are not the sum of their ledger. */
  readonly disagreements: readonly string[];
  readonly incidents: readonly Incident[];
}

export async function lookAt(db: Connection, example: Example): Promise<Seen> {
  const isBuiltIn = example === 'built-in';
  return {
    counts: await readCounts(db, COUNTS[example]),
    disagreements: isBuiltIn ? await findDisagreements(db) : [],
    incidents: isBuiltIn ? await readIncidents(db) : [],
  };
}

/** The only row of a query, a number for each name. */
async function readCounts(db: Connection, sql: string): Promise<Counts> {
  const [[row]] = await db.query<RowDataPacket[]>(sql);
  const counts = Object.entries(row ?? {}).map(([name, value]) => [name, BigInt(String(value))]);
  return Object.fromEntries(counts) as Counts;
}

async function readIncidents(db: Connection): Promise<Incident[]> {
  const [rows] = await db.query<(Incident & RowDataPacket)[]>(
    `SELECT user_coupons.id AS coupon, orders.id AS 'order',
            ELT(orders.status, 'waits for payment', 'paid', 'cancelled') AS 'the order',
            ELT(user_coupons.status, 'usable', 'used up', 'expired', 'held') AS 'the coupon',
            FORMAT(user_coupons.balance_amount / 100, 2) AS balance,
            (SELECT COUNT(*) FROM user_coupon_ledger
              WHERE user_coupon_id = user_coupons.id AND order_id = orders.id
                AND action = 'timeout_refund') AS 'timeout_refund rows'
       FROM orders
       JOIN user_coupons ON user_coupons.id = orders.coupon_id
      WHERE orders.user_id = 9110
      ORDER BY user_coupons.id DESC`,
  );
  return rows;
}

/** Everything the sweeps did, added up, and who called them. */
export interface Runs {
  readonly outcomes: string;
  readonly startedAt: string;
  readonly calledBy: string;
  readonly sums: Counts;
  /** What the journal has of each kind. */
  readonly returned: Counts;
}

export async function readRuns(db: Connection): Promise<Runs> {
  const [[run]] = await db.query<(RowDataPacket & Runs)[]>(
    `SELECT GROUP_CONCAT(DISTINCT outcome) AS outcomes, CAST(MIN(started_at) AS CHAR) AS startedAt,
            (SELECT GROUP_CONCAT(DISTINCT called_by) FROM order_timeout_batch) AS calledBy
       FROM order_timeout_run`,
  );
  const [refunds] = await db.query<RowDataPacket[]>(
    'SELECT kind, SUM(amount) AS amount FROM order_timeout_refund GROUP BY kind ORDER BY kind',
  );
  const returned = refunds.map(({ kind, amount }) => [kind, BigInt(String(amount))] as const);
  return {
    ...(run ?? { outcomes: '', startedAt: '', calledBy: '' }),
    sums: await readCounts(
      db,
      `SELECT SUM(cancelled) AS cancelled, SUM(failed) AS failed, SUM(put_off) AS put_off, SUM(duration_ms) AS duration_ms
         FROM order_timeout_run`,
    ),
    returned: Object.fromEntries(returned) as Counts,
  };
}

export const whole = (value: bigint | undefined) => figure(value ?? 0n);

export const runLines = ({ startedAt, outcomes, calledBy, sums }: Runs) => [
  `Started ${startedAt} in the shop's clock, outcome ${outcomes}, ${whole(sums.duration_ms)} ms:`,
  `${whole(sums.cancelled)} orders cancelled, ${whole(sums.failed)} failed, ${whole(sums.put_off)} put off because somebody held a lock.`,
  `Called by ${calledBy}.`,
];

const grew = (before: Seen, after: Seen, name: string) =>
  (after.counts[name] ?? 0n) - (before.counts[name] ?? 0n);

export const totalsTable = (before: Seen, after: Seen, { returned }: Runs) =>
  rowsTable(
    Object.entries(after.counts).map(([name, value]) => ({
      '': name,
      before: whole(before.counts[name]),
      after: whole(value),
      difference: whole(grew(before, after, name)),
      'the journal says': name in returned ? whole(returned[name]) : '',
    })),
  );

/** What `order_money` says of an order that got most back. */
export async function orderMoneyTable(db: Connection): Promise<string> {
  const rich = 'SELECT order_id FROM order_timeout_refund GROUP BY order_id ORDER BY COUNT(*) DESC';
  const [orderId = 0] = await selectColumn(db, `${rich}, order_id DESC LIMIT 1`);
  const [[rows = []]] = await db.query<RowDataPacket[][]>('CALL order_money(?)', [orderId]);
  return rowsTable(rows);
}

/** Rows under the names of their columns. */
export const rowsTable = (rows: readonly Readonly<Record<string, string | number | null>>[]) =>
  toTable(
    rows,
    Object.fromEntries(
      Object.keys(rows[0] ?? {}).map((name) => [name, (row) => String(row[name] ?? '')]),
    ),
    pc,
  ).replaceAll(/^/gm, '  ');

/** What doesn't agree, a line each. Empty: the shop's balances, its ledgers, the journal and the runs say the same. */
export function* complaints(before: Seen, after: Seen, runs: Runs): Generator<string> {
  const { cancelled, failed } = runs.sums;
  const more = grew(before, after, 'cancelled');
  if (more !== cancelled) yield `Orders cancelled: ${more}, but the runs say ${cancelled ?? 0n}.`;
  if (failed !== 0n) yield `Orders that failed: ${failed ?? 0n}, but expected none.`;
  for (const [kind, amount] of Object.entries(runs.returned))
    if (grew(before, after, kind) !== amount)
      yield `${kind}: grew by ${grew(before, after, kind)}, but the journal says ${amount}.`;
  yield* after.disagreements.slice(0, 10);
  for (const [nth, { coupon, balance, ...now }] of after.incidents.entries()) {
    // 10.00 was taken from each.
    const got = Number(balance) - Number(before.incidents[nth]?.balance);
    if (got !== 10 || now['timeout_refund rows'] !== 1)
      yield `Coupon ${coupon} got ${got} back in ${now['timeout_refund rows']} rows; expected 10 in one.`;
  }
  if (after.incidents.length !== before.incidents.length)
    yield `User 9110 has ${after.incidents.length} orders instead of ${before.incidents.length}.`;
}
