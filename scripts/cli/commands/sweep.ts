import type { Connection } from 'mysql2/promise';
import {
  cancelExpiredOrders,
  type CancelExpiredOrdersResult,
  type ExpiredOrder,
  type Health,
  type HealthStatus,
  orderTimeoutClock,
  orderTimeoutHealth,
  previewExpiredOrders,
} from '../../index';
import type { ShopClock } from '../../client/shop-time';
import { select } from '../../deploy/connection';
import { type DatabaseOptions, databaseCommand, withConnection } from '../connection';
import type { Colors, Context } from '../context';
import { EXIT, type ExitCode } from '../errors';
import { answer } from '../frame';
import { count, sayReturned, toTable } from '../output';
import { describeDuration, describeInstant } from '../../operate/words';
import { wholeNumber } from '../values';

export const runCommand = (context: Context) =>
  databaseCommand(
    'run',
    'Run one sweep now, as the event does every minute. Ends with 1 when no sweep took place, with 3 when orders failed.',
    'run',
  )
    .option('--json', 'as JSON')
    .action((options) =>
      answer(context, options, {
        ask: (db) => cancelExpiredOrders(db),
        say: saySweep,
        exitCode: exitCodeOfSweep,
      }),
    );

const NO_SWEEP: Partial<Record<CancelExpiredOrdersResult['outcome'], string>> = {
  busy: 'Nothing was done: another sweep is running.',
  paused: 'Nothing was done: order_timeout_setting.paused is 1.',
  read_only:
    'Nothing was done: the sweep does not belong on this server; order-timeout doctor says why.',
};

function saySweep(sweep: CancelExpiredOrdersResult): string {
  const { outcome, cancelled, durationMs, returned, failed } = sweep;
  return (
    NO_SWEEP[outcome] ??
    [
      `${count(cancelled, 'order')} cancelled in ${durationMs} ms; given back: ${sayReturned(returned)}.`,
      ...(outcome === 'out_of_time' ? ['Its time was used up; the next sweep goes on.'] : []),
      ...(failed > 0 ? [`${count(failed, 'order')} failed: see order_timeout_failure.`] : []),
    ].join('\n')
  );
}

function exitCodeOfSweep({ outcome, failed }: CancelExpiredOrdersResult): ExitCode {
  if (outcome in NO_SWEEP) return EXIT.failed;
  return failed > 0 ? EXIT.differs : EXIT.done;
}

export const previewCommand = (context: Context) =>
  databaseCommand(
    'preview',
    'Show which orders the next sweep cancels, and what comes back. Changes nothing.',
    'preview --limit 20',
  )
    .option('--limit <orders>', 'at most so many, oldest first', wholeNumber(1, 100_000), 100)
    .option('--json', 'as JSON')
    .action(({ limit, ...options }) => {
      let clock: ShopClock = '+00:00';
      return answer(context, options, {
        ask: async (db) => {
          const orders = await previewExpiredOrders(db, { limit });
          if (options.json !== true) clock = await orderTimeoutClock(db);
          return orders;
        },
        say: (orders, colors) => sayPreview(orders, { limit, clock }, colors),
      });
    });

function sayPreview(
  orders: readonly ExpiredOrder[],
  { limit, clock }: { limit: number; clock: ShopClock },
  colors: Colors,
): string {
  if (orders.length === 0) return 'Nothing is due: the next sweep cancels nothing.';
  const rows = orders.map((order) => [
    order.orderId,
    order.userId,
    order.sourceType ?? 'NULL',
    describeInstant(order.createdAt, clock),
    describeDuration(order.overdueSeconds),
    sayReturned(order.returned),
  ]);
  const head = ['order', 'user', 'source type', 'placed at', 'overdue', 'comes back'];
  const sums = new Map<string, bigint>();
  for (const { returned } of orders) {
    for (const [kind, amount] of Object.entries(returned)) {
      sums.set(kind, (sums.get(kind) ?? 0n) + BigInt(amount));
    }
  }
  const rest = orders.length === limit ? ', and perhaps more (--limit)' : '';
  return [
    toTable(head, rows, colors),
    '',
    `${count(orders.length, 'order')}${rest}; comes back: ${sayReturned(Object.fromEntries(sums))}.`,
  ].join('\n');
}

export const pauseCommand = (context: Context) =>
  databaseCommand(
    'pause',
    'Let no sweep begin until "resume"; one that is under way still ends, within a minute. ' +
      'Calls for a single order still work.',
    'pause',
  ).action(async (options) => {
    const changed = await setPaused(context, options, true);
    context.out(changed ? 'The sweep is paused.' : 'The sweep was paused already.');
  });

export const resumeCommand = (context: Context) =>
  databaseCommand(
    'resume',
    'Let the sweep work again after "pause" or "up --paused"; "preview" shows what it will do.',
    'resume',
  ).action(async (options) => {
    const changed = await setPaused(context, options, false);
    context.out(
      changed ? 'The sweep works again, from the next minute on.' : 'The sweep was not paused.',
    );
  });

/**
 * Resolves with whether it was different before, after another session has seen what it is now.
 * Needs SELECT and UPDATE on order_timeout_setting.
 */
async function setPaused(
  context: Context,
  options: DatabaseOptions,
  paused: boolean,
): Promise<boolean> {
  const wasPaused = await withConnection(options, context, async (db) => {
    const before = await readPaused(db);
    await db.query('UPDATE order_timeout_setting SET paused = ?', [paused]);
    return before;
  });
  const isPaused = await withConnection(options, context, readPaused);
  if (isPaused === paused) return wasPaused !== paused;
  throw new Error(
    `order_timeout_setting.paused was set to ${Number(paused)} and is ${Number(isPaused)} again: ` +
      'somebody else has changed it, or a trigger',
  );
}

async function readPaused(db: Connection): Promise<boolean> {
  const [row] = await select<{ paused: number }>(db, 'SELECT paused FROM order_timeout_setting');
  if (row !== undefined) return row.paused === 1;
  throw new Error('order_timeout_setting has lost its row: order-timeout up');
}

export const healthCommand = (context: Context) =>
  databaseCommand(
    'health',
    'Say whether the order timeout is at work, with an account that may do nothing but ask (EXECUTE); ' +
      '"doctor" sees more. Ends with 3 when something fails.',
    'health',
  )
    .option('--json', 'as JSON')
    .action((options) =>
      answer(context, options, {
        ask: (db) => orderTimeoutHealth(db),
        say: sayHealth,
        exitCode: ({ status }) => (status === 'fail' ? EXIT.differs : EXIT.done),
      }),
    );

function sayHealth({ checks }: Health, colors: Colors): string {
  const width = Math.max(0, ...checks.map(({ checkName }) => checkName.length));
  return checks
    .map(
      ({ checkName, status, detail }) =>
        `${paint(status, colors)}  ${checkName.padEnd(width)}  ${detail}`,
    )
    .join('\n');
}

/** The status in its colour, as wide as the others. */
export function paint(status: HealthStatus, colors: Colors): string {
  const text = status.padEnd(4);
  if (status === 'ok') return colors.green(text);
  return status === 'warn' ? colors.yellow(text) : colors.red(text);
}
