import Table from 'cli-table3';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { FRAMELESS } from '../../cli/output';
import { findDisagreements } from '../invariants';
import type { Example } from '../shop';

/** What is counted in a shop, by its own tables: its orders, and each kind of its file. */
const COUNTS: Readonly<Record<Example, Readonly<Record<string, string>>>> = {
  'built-in': {
    orders: 'SELECT COUNT(*) FROM orders',
    pending: 'SELECT COUNT(*) FROM orders WHERE status = 1',
    cancelled: 'SELECT COUNT(*) FROM orders WHERE status = 3',
    coupon: 'SELECT SUM(balance_amount) FROM user_coupons',
    points: 'SELECT SUM(points) FROM user_points',
  },
  litemall: {
    orders: 'SELECT COUNT(*) FROM litemall_order',
    pending: 'SELECT COUNT(*) FROM litemall_order WHERE order_status = 101',
    cancelled: 'SELECT COUNT(*) FROM litemall_order WHERE order_status = 103',
    stock: 'SELECT SUM(number) FROM litemall_goods_product',
    coupon: 'SELECT COUNT(*) FROM litemall_coupon_user WHERE status = 0',
  },
  mall: {
    orders: 'SELECT COUNT(*) FROM oms_order',
    pending: 'SELECT COUNT(*) FROM oms_order WHERE status = 0',
    cancelled: 'SELECT COUNT(*) FROM oms_order WHERE status = 4',
    // What is locked for an order can be sold again once it is not.
    stock: 'SELECT SUM(stock - lock_stock) FROM pms_sku_stock',
    coupon: 'SELECT COUNT(*) FROM sms_coupon_history WHERE use_status = 0',
    points: 'SELECT SUM(integration) FROM ums_member',
  },
};

type Counts = Readonly<Record<string, bigint>>;

/** One of the two coupons of user 9110 from which the old task lost money. */
interface Incident {
  readonly couponId: number;
  readonly orderId: number;
  readonly orderStatus: string;
  readonly couponStatus: string;
  /** In minor units. */
  readonly balance: number;
  readonly timeoutRefunds: number;
}

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
    counts: await countAll(db, COUNTS[example]),
    disagreements: isBuiltIn ? await findDisagreements(db) : [],
    incidents: isBuiltIn ? await readIncidents(db) : [],
  };
}

async function countAll(db: Connection, sql: Readonly<Record<string, string>>): Promise<Counts> {
  const counts: Record<string, bigint> = {};
  for (const [name, query] of Object.entries(sql)) counts[name] = await scalar(db, query);
  return counts;
}

export async function scalar(db: Connection, sql: string): Promise<bigint> {
  const [[row]] = await db.query<RowDataPacket[]>(sql);
  return BigInt(String(Object.values(row ?? {})[0] ?? 0));
}

async function readIncidents(db: Connection): Promise<Incident[]> {
  const [rows] = await db.query<(Incident & RowDataPacket)[]>(
    `SELECT user_coupons.id AS couponId, orders.id AS orderId,
            ELT(orders.status, 'waits for payment', 'paid', 'cancelled') AS orderStatus,
            ELT(user_coupons.status, 'usable', 'used up', 'expired', 'held') AS couponStatus,
            user_coupons.balance_amount AS balance,
            (SELECT COUNT(*) FROM user_coupon_ledger
              WHERE user_coupon_id = user_coupons.id AND order_id = orders.id
                AND action = 'timeout_refund') AS timeoutRefunds
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
  const [[row]] = await db.query<(RowDataPacket & Runs)[]>(
    `SELECT GROUP_CONCAT(DISTINCT outcome) AS outcomes, CAST(MIN(started_at) AS CHAR) AS startedAt,
            (SELECT GROUP_CONCAT(DISTINCT called_by) FROM order_timeout_batch) AS calledBy
       FROM order_timeout_run`,
  );
  const columns = ['cancelled', 'failed', 'put_off', 'duration_ms'];
  const sums = columns.map((name) => [name, `SELECT SUM(${name}) FROM order_timeout_run`]);
  const [refunds] = await db.query<RowDataPacket[]>(
    'SELECT kind, SUM(amount) AS amount FROM order_timeout_refund GROUP BY kind ORDER BY kind',
  );
  const returned = refunds.map(({ kind, amount }) => [kind, BigInt(String(amount))] as const);
  return {
    ...(row ?? { outcomes: '', startedAt: '', calledBy: '' }),
    sums: await countAll(db, Object.fromEntries(sums) as Record<string, string>),
    returned: Object.fromEntries(returned) as Counts,
  };
}

export const runLines = ({ startedAt, outcomes, calledBy, sums }: Runs) => [
  `Started ${startedAt} in the shop's clock, outcome ${outcomes}, ${whole(sums.duration_ms)} ms:`,
  `${whole(sums.cancelled)} orders cancelled, ${whole(sums.failed)} failed, ${whole(sums.put_off)} put off because somebody held a lock.`,
  `Called by ${calledBy}.`,
];

/** 123456: "1,234.56". Money is in minor units. */
export function money(minorUnits: number): string {
  return (minorUnits / 100).toLocaleString('en-US', { minimumFractionDigits: 2 });
}

export const whole = (value: bigint | undefined) => (value ?? 0n).toLocaleString('en-US');

export const incidentsTable = (incidents: readonly Incident[]) =>
  table(
    ['coupon', 'order', 'the order', 'the coupon', 'balance', 'timeout_refund rows'],
    incidents.map(({ couponId, orderId, orderStatus, couponStatus, balance, timeoutRefunds }) =>
      [couponId, orderId, orderStatus, couponStatus, money(balance), timeoutRefunds].map(String),
    ),
  );

const grew = (before: Seen, after: Seen, name: string) =>
  (after.counts[name] ?? 0n) - (before.counts[name] ?? 0n);

export const totalsTable = (before: Seen, after: Seen, { returned }: Runs) =>
  table(
    ['', 'before', 'after', 'difference', 'the journal says'],
    Object.entries(after.counts).map(([name, value]) => [
      name,
      whole(before.counts[name]),
      whole(value),
      whole(grew(before, after, name)),
      name in returned ? whole(returned[name]) : '',
    ]),
  );

/** What `order_money` says of an order that got most back. */
export async function orderMoneyTable(db: Connection): Promise<string> {
  const orderId = await scalar(
    db,
    'SELECT MAX(order_id) FROM (SELECT order_id FROM order_timeout_refund GROUP BY order_id ORDER BY COUNT(*) DESC LIMIT 1) AS rich',
  );
  const [[rows = []]] = await db.query<RowDataPacket[][]>('CALL order_money(?)', [orderId]);
  return table(
    Object.keys(rows[0] ?? {}),
    rows.map((row) => Object.values(row as object).map((value) => String(value ?? ''))),
  );
}

/** Columns without lines: the same on a terminal and in a file. */
function table(head: readonly string[], rows: readonly string[][]): string {
  const columns = new Table({
    head: [...head],
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    chars: FRAMELESS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 3, compact: true },
  });
  columns.push(...rows);
  return columns.toString().replaceAll(/^(.*?) *$/gm, '  $1');
}

const TAKEN = 1000;

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
  for (const { couponId, balance, timeoutRefunds } of after.incidents) {
    const was = before.incidents.find((one) => one.couponId === couponId)?.balance ?? 0;
    if (balance - was !== TAKEN || timeoutRefunds !== 1)
      yield `Coupon ${couponId} got ${balance - was} back in ${timeoutRefunds} rows; expected ${TAKEN} in one.`;
  }
  if (after.incidents.length !== before.incidents.length)
    yield `User 9110 has ${after.incidents.length} orders instead of ${before.incidents.length}.`;
}
