import { type Connection, createConnection } from 'mysql2/promise';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { processContext } from '../../cli/context';
import { down, up } from '../../deploy';
import { selectColumn } from '../../deploy/connection';
import { type MysqlServer, startServer } from '../server';
import { createShopTables, type Example, loadExampleShop, shopFileOf } from '../shop';
import {
  complaints,
  lookAt,
  orderMoneyTable,
  readRuns,
  rowsTable,
  runLines,
  totalsTable,
  whole,
} from './report';

const { colors: pc, out: print } = processContext();

export interface DemoOptions {
  /** Leaves everything up until Ctrl-C. */
  readonly keep?: boolean;
  /** Whose tables. Default: built-in. */
  readonly shop?: Example;
  /** Takes one line, or a table. Default: standard output. */
  readonly log?: (text: string) => void;
}

/** The shop's clock in the demo. */
const CLOCK = '+08:00';
const ORDERS: Readonly<Record<Example, number>> = {
  'built-in': 20_000,
  litemall: 5_000,
  mall: 5_000,
};

/** Nobody pulls the plug on a demo. */
const NOT_FOR_THE_DISK = { 'sync-binlog': '0', 'innodb-flush-log-at-trx-commit': '2' };

/**
 * Loads an example shop into a MySQL (MYSQL_URL, or one of its own), deploys, and watches the event
 * cancel. Resolves with whether the shop's balances, its ledgers and the run agree. Leaves nothing
 * behind. Throws when it is interrupted, when the event doesn't come, and what startServer() and up() throw.
 */
export async function runDemo({
  keep = false,
  shop = 'built-in',
  log = print,
}: DemoOptions = {}): Promise<boolean> {
  const server = await startServer({ log, settings: NOT_FOR_THE_DISK });
  const ended = new AbortController();
  const interrupted = interruption(ended.signal);
  try {
    return await onDatabase(server, async (url) => {
      const agrees = await Promise.race([show(url, shop, log), interrupted]);
      if (agrees === undefined) throw new Error('The demo was interrupted.');
      if (keep) {
        log(`\nThe shop stays up: ${url}\n${TO_TRY}${shop === 'built-in' ? MORE_TO_TRY : ''}`);
        log('\nCtrl-C stops it and leaves nothing behind.');
        await interrupted;
      }
      return agrees;
    });
  } finally {
    await server.stop();
    ended.abort();
  }
}

/** Resolves at Ctrl-C and its like, and gives the signals back when the demo has ended. */
async function interruption(ended: AbortSignal): Promise<undefined> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  // Node ends a process that waits for signals only.
  const staysAwake = setInterval(() => undefined, 2 ** 30);
  try {
    await Promise.race(signals.map((name) => once(process, name, { signal: ended })));
  } catch {
    // It has ended.
  } finally {
    clearInterval(staysAwake);
  }
}

/** An empty database of its own, so that nothing on a server that somebody gave is touched. */
async function onDatabase<T>(server: MysqlServer, work: (url: string) => Promise<T>): Promise<T> {
  const isGiven = server.source === 'given';
  const name = isGiven ? `order_timeout_demo_${randomBytes(4).toString('hex')}` : 'shop';
  const url = `${server.url.replace(/\/$/, '')}/${name}`;
  const admin = await createConnection(server.url);
  try {
    await admin.query('CREATE DATABASE ?? DEFAULT CHARACTER SET utf8mb4', [name]);
    return await work(url);
  } finally {
    // With it goes the definer account, which is the server's and not the database's.
    if (isGiven) await down(url, { dropJournal: true, abandon: true }).catch(() => undefined);
    if (isGiven) await admin.query('DROP DATABASE IF EXISTS ??', [name]);
    admin.destroy();
  }
}

async function show(url: string, example: Example, log: (text: string) => void): Promise<boolean> {
  const db = await createConnection(url);
  const isBuiltIn = example === 'built-in';
  const section = (heading: string, ...lines: string[]) => {
    log(['', pc.bold(heading), ...lines].join('\n'));
  };
  try {
    await db.query('SET SESSION time_zone = ?', [CLOCK]);
    await createShopTables(db, undefined, example);
    await loadExampleShop(db, { example, orders: ORDERS[example], clock: CLOCK });
    const before = await lookAt(db, example);
    const { orders, pending } = before.counts;
    section(
      isBuiltIn ? 'The shop' : `The shop, with the tables of ${example}`,
      `  ${whole(orders)} orders in database ${new URL(url).pathname.slice(1)}: ${whole(pending)} wait for payment.`,
    );
    if (isBuiltIn)
      section('User 9110, whose coupons the old task forgot: before', rowsTable(before.incidents));

    const { steps, remarks } = await up(url, {
      ...(isBuiltIn ? {} : { shop: shopFileOf(example) }),
      clock: CLOCK,
      // The example's orders were all made at once, and end some time ago.
      clockIsRight: true,
    });
    const command = `order-timeout up${isBuiltIn ? '' : ` --shop sql/shops/${example}.yaml`}`;
    section(
      'Deployment',
      ...remarks.map(({ text }) => `  ${text}`),
      `  ${command}: ${steps.length} steps, the last one the event order_timeout_tick.`,
      '  From here on this demo only looks. The database works alone.',
    );

    section('The event', '  It comes every minute, the first time when it is made.');
    await nothingLeft(db);
    const runs = await readRuns(db);
    for (const line of runLines(runs)) log(`  ${line}`);

    const after = await lookAt(db, example);
    if (isBuiltIn) section('User 9110: after', rowsTable(after.incidents));
    section('What the shop has, by its own tables', totalsTable(before, after, runs));
    section('One order: CALL order_money(?), what support is asked for', await orderMoneyTable(db));
    const wrong = [...complaints(before, after, runs)];
    const verdict = pc.green('The shop, its ledgers and the runs agree.');
    log(`\n${wrong.map(pc.red).join('\n') || verdict}`);
    return wrong.length === 0;
  } finally {
    db.destroy();
  }
}

const PATIENCE_MS = 150_000;

/** Waits until the event has left nothing that is due or owed. */
async function nothingLeft(db: Connection): Promise<void> {
  const giveUpAt = Date.now() + PATIENCE_MS;
  while (Date.now() < giveUpAt) {
    const [left] = await selectColumn(
      db,
      `SELECT (SELECT COUNT(*) FROM order_timeout_owed) + (SELECT COALESCE(SUM(due_orders), 0) FROM order_timeout_backlog)
            + (SELECT COUNT(*) FROM order_timeout_run WHERE finished_at IS NULL)
            + (SELECT COUNT(*) = 0 FROM order_timeout_run)`,
    );
    if (Number(left) === 0) return;
    await sleep(200);
  }
  throw new Error(
    `After ${PATIENCE_MS / 1000} s the event order_timeout_tick has something left to do. ` +
      'Is the event scheduler on? SHOW VARIABLES LIKE "event_scheduler"; SHOW EVENTS; ' +
      'SELECT * FROM performance_schema.error_log ORDER BY logged DESC LIMIT 10.',
  );
}

/** What `--keep` prints. */
const TO_TRY = `
To try, in any MySQL client:

  More unpaid orders. Within a minute the event has them:
    CALL generate_orders('due', 1000, 7);
    SELECT * FROM order_timeout_run ORDER BY id DESC LIMIT 3;
`;

const MORE_TO_TRY = `
  Set an order back to pending. It is cancelled again, and nothing is given back twice:
    UPDATE orders SET status = 1 WHERE id = 28229;
    CALL cancel_expired_order(28229);
    SELECT * FROM user_coupon_ledger WHERE user_coupon_id = 1690;

  Cancel in a transaction of your own, and change your mind:
    START TRANSACTION;
    CALL cancel_order_as_admin((SELECT MAX(id) FROM orders WHERE status = 1), 'a try');
    ROLLBACK;
`;
