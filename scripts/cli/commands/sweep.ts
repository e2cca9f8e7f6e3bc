import type { Connection } from 'mysql2/promise';
import * as client from '../../index';
import type { ShopClock } from '../../client/shop-time';
import { selectColumn } from '../../deploy/connection';
import { describeDuration, describeInstant } from '../../operate/words';
import { type DatabaseOptions, databaseCommand, withConnection } from '../connection';
import type { Colors, Context } from '../context';
import { EXIT, type ExitCode } from '../errors';
import { answer, askingCommand } from '../frame';
import { count, sayAmounts, sayChecks, sayReturned, toTable } from '../output';
import { wholeNumber } from '../values';

export const runCommand = (context: Context) =>
  askingCommand(
    'run',
    'Run one sweep now, as the event does every minute. Ends with 1 when no sweep took place, with 3 when orders failed.',
    'run',
  ).action((options) =>
    answer(context, options, {
      ask: (db) => client.cancelExpiredOrders(db),
      say: saySweep,
      exitCode: exitCodeOfSweep,
    }),
  );

const NO_SWEEP: Partial<Record<client.CancelExpiredOrdersResult['outcome'], string>> = {
  busy: 'Nothing was done: another sweep is running.',
  paused: 'Nothing was done: the sweep is paused; order-timeout resume.',
  read_only:
    'Nothing was done: the sweep does not belong on this server; order-timeout doctor says why.',
};

function saySweep(sweep: client.CancelExpiredOrdersResult): string {
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

function exitCodeOfSweep({ outcome, failed }: client.CancelExpiredOrdersResult): ExitCode {
  if (outcome in NO_SWEEP) return EXIT.failed;
  return failed > 0 ? EXIT.differs : EXIT.done;
}

export const previewCommand = (context: Context) =>
  askingCommand(
    'preview',
    'Show which orders the next sweep cancels, and what comes back. Changes nothing.',
    'preview --limit 20',
  )
    .option('--limit <orders>', 'at most so many, oldest first', wholeNumber(1, 100_000), 100)
    .action(({ limit, ...options }) => {
      let clock: ShopClock = '+00:00';
      return answer(context, options, {
        ask: async (db) => {
          const orders = await client.previewExpiredOrders(db, { limit });
          if (options.json !== true) clock = await client.orderTimeoutClock(db);
          return orders;
        },
        say: (orders, colors) => sayPreview(orders, { limit, clock }, colors),
      });
    });

function sayPreview(
  orders: readonly client.ExpiredOrder[],
  { limit, clock }: { limit: number; clock: ShopClock },
  colors: Colors,
): string {
  if (orders.length === 0) return 'Nothing is due: the next sweep cancels nothing.';
  const table = toTable(
    orders,
    {
      order: (order) => order.orderId,
      user: (order) => order.userId,
      'source type': (order) => order.sourceType ?? 'NULL',
      'placed at': (order) => describeInstant(order.createdAt, clock),
      overdue: (order) => describeDuration(order.overdueSeconds),
      'comes back': (order) => sayReturned(order.returned),
    },
    colors,
  );
  const rest = orders.length === limit ? ', and perhaps more (--limit)' : '';
  const all = sayAmounts(orders.flatMap(({ returned }) => Object.entries(returned)));
  const sum = `${count(orders.length, 'order')}${rest}; comes back: ${all}.`;
  return [table, '', sum].join('\n');
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
async function setPaused(context: Context, options: DatabaseOptions, paused: boolean) {
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
  const [paused] = await selectColumn(db, 'SELECT paused FROM order_timeout_setting');
  if (paused !== undefined) return Number(paused) === 1;
  throw new Error(
    'order_timeout_setting has lost its row: order-timeout health tells how to put it back',
  );
}

export const healthCommand = (context: Context) =>
  askingCommand(
    'health',
    'Say whether the order timeout is at work, with an account that may do nothing but ask (EXECUTE); ' +
      '"doctor" sees more. Ends with 3 when something fails.',
    'health',
  ).action((options) =>
    answer(context, options, {
      ask: (db) => client.orderTimeoutHealth(db),
      say: ({ checks }, colors) =>
        sayChecks(
          checks.map(({ checkName: about, status: severity, detail: text }) => {
            return { about, severity, text, remedy: '' };
          }),
          colors,
        ).join('\n'),
      exitCode: ({ status }) => (status === 'fail' ? EXIT.differs : EXIT.done),
    }),
  );
