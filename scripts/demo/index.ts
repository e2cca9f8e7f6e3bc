import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';
import type { Connection } from 'mysql2/promise';
import picocolors from 'picocolors';
import { up } from '../migrate';
import { startServer } from '../server';
import { createShopTables, loadExampleShop, readBooks } from '../shop';
import { createDemoDatabase, type DemoDatabase } from './database';
import { listenForInterruption } from './interruption';
import { keepLines } from './keep';
import { countDue, readIncidents, readRuns, type RunReading } from './readings';
import { couponsTable, runLines, totalsTable, whole } from './text';
import { complaints, type Seen } from './verdict';

export interface DemoOptions {
  /** Leaves everything up until Ctrl-C. */
  readonly keep?: boolean;
  /** Takes one line, or a table. Default: standard output. */
  readonly log?: (text: string) => void;
}

const pc = picocolors.createColors(isatty(1) && (process.env.NO_COLOR ?? '') === '');

/** The shop's clock in the demo. */
const CLOCK = '+08:00';
const ORDERS = 20_000;

/**
 * Loads the example shop into a MySQL (MYSQL_URL, or one of its own), deploys, and watches the event
 * cancel. Resolves with whether the shop's balances, its ledgers and the run agree. Leaves nothing
 * behind. Throws when it is interrupted, when the event doesn't come, and what startServer() and up() throw.
 */
export async function runDemo({ keep = false, log = print }: DemoOptions = {}): Promise<boolean> {
  const server = await startServer({ log, settings: NOT_FOR_THE_DISK });
  const { interrupted, stopListening } = listenForInterruption();
  let database: DemoDatabase | undefined;
  try {
    database = await createDemoDatabase(server);
    const agrees = await Promise.race([show(database, log), interrupted]);
    if (agrees === undefined) throw new Error('The demo was interrupted.');
    if (keep) {
      log('');
      for (const line of keepLines(database.url)) log(line);
      await interrupted;
    }
    return agrees;
  } finally {
    await (database?.dispose() ?? server.stop());
    stopListening();
  }
}

/** Nobody pulls the plug on a demo. */
const NOT_FOR_THE_DISK = { 'sync-binlog': '0', 'innodb-flush-log-at-trx-commit': '2' };

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function show(database: DemoDatabase, log: (text: string) => void): Promise<boolean> {
  const db = await database.connect();
  const heading = (text: string) => {
    log('');
    log(pc.bold(text));
  };
  try {
    await db.query('SET SESSION time_zone = ?', [CLOCK]);
    heading('The shop');
    await createShopTables(db);
    await loadExampleShop(db, { orders: ORDERS, clock: CLOCK });
    const before = await look(db);
    const { pendingOrders, paidOrders, cancelledOrders } = before.books;
    log(
      `  ${whole(pendingOrders + paidOrders + cancelledOrders)} orders in database ${database.name}: ` +
        `${whole(paidOrders)} paid, ${whole(cancelledOrders)} cancelled, ${whole(pendingOrders)} wait for payment, ` +
        `${whole(await countDue(db))} of them too long.`,
    );

    heading('User 9110, whose coupons the old task forgot: before');
    log(couponsTable(before.incidents));

    heading('Deployment');
    const { steps } = await up(database.url, { clock: CLOCK });
    log(`  order-timeout up: ${steps.length} steps, the last one the event order_timeout_tick.`);
    log('  From here on this demo only looks. The database works alone.');

    heading('The event');
    log('  It comes every minute, the first time when it is made.');
    const runs = await awaitEvent(db);
    for (const line of runLines(runs)) log(`  ${line}`);

    const after = await look(db);
    heading('User 9110: after');
    log(couponsTable(after.incidents));
    heading('All orders, all balances');
    log(totalsTable(before, after, runs));

    log('');
    const wrong = complaints(before, after, runs);
    for (const line of wrong) log(pc.red(line));
    if (wrong.length === 0) {
      log(pc.green('Every balance is the sum of its ledger, and the run says the same.'));
    }
    return wrong.length === 0;
  } finally {
    db.destroy();
  }
}

async function look(db: Connection): Promise<Seen> {
  return { books: await readBooks(db), incidents: await readIncidents(db) };
}

const PATIENCE_MS = 100_000;

/** Waits until the event has left nothing that is due. It comes every minute, the first time when it is made. */
async function awaitEvent(db: Connection): Promise<RunReading> {
  const giveUpAt = Date.now() + PATIENCE_MS;
  while (Date.now() < giveUpAt) {
    const runs = await readRuns(db);
    if (runs !== undefined && !runs.isAtWork && (await countDue(db)) === 0) return runs;
    await sleep(200);
  }
  throw new Error(
    `The event order_timeout_tick has not cancelled everything within ${PATIENCE_MS / 1000} s. ` +
      'Is the event scheduler on? SHOW VARIABLES LIKE "event_scheduler"; SHOW EVENTS; ' +
      'SELECT * FROM performance_schema.error_log ORDER BY logged DESC LIMIT 10.',
  );
}
