import * as client from '../../index';
import type { Colors, Context } from '../context';
import { EXIT } from '../errors';
import { answer, askingCommand } from '../frame';
import { figure, inert, sayReturned, toTable } from '../output';
import { parseOrderId, wholeNumber } from '../values';

interface Outcome {
  readonly orderId: string;
  readonly outcome: string;
}

const orderCommand = (name: string, description: string, more = '') =>
  askingCommand(name, description, `${name} 28229${more}`).argument(
    '<id>',
    "the order's id",
    parseOrderId,
  );

/** What the outcomes mean: a sentence about "Order 28229" for each. `done`: the one that ends with 0. */
const byOutcome = <Result extends Outcome>(
  done: Result['outcome'],
  words: Readonly<Record<Result['outcome'], string | ((result: Result) => string)>>,
) => ({
  say: (result: Result) => {
    const said = words[result.outcome as Result['outcome']];
    return `Order ${result.orderId} ${typeof said === 'string' ? said : said(result)}.`;
  },
  exitCode: ({ outcome }: Result) => (outcome === done ? EXIT.done : EXIT.failed),
});

export const cancelCommand = (context: Context) =>
  orderCommand(
    'cancel',
    'Cancel one unpaid order that is past its time. Ends with 1 when it was not cancelled.',
  ).action((orderId, options) =>
    answer(context, options, {
      ask: (db) => client.cancelExpiredOrder(db, orderId),
      ...byOutcome<client.CancelExpiredOrderResult>('cancelled', {
        cancelled: ({ returned }) => `is cancelled; given back: ${sayReturned(returned)}`,
        not_found: 'was not cancelled: there is no such order',
        not_pending: 'was not cancelled: it is paid or cancelled already',
        contradictory: 'was not cancelled: it contradicts itself, see order-timeout explain',
        not_expired: 'was not cancelled: its time is not up yet',
        excluded:
          'was not cancelled: its type (order_timeout_policy) or the shop file keeps it from timing out',
        on_hold: 'was not cancelled: it is on hold',
      }),
    }),
  );

export const releaseCommand = (context: Context) =>
  orderCommand(
    'release',
    'End the hold of an order: it times out as usual again. Ends with 1 when it was not held.',
  ).action((orderId, options) =>
    answer(context, options, {
      ask: (db) => client.releaseOrderHold(db, orderId),
      ...byOutcome<client.ReleaseOrderHoldResult>('released', {
        released: 'times out as usual again',
        not_held: 'was not on hold',
      }),
    }),
  );

export const retryCommand = (context: Context) =>
  orderCommand(
    'retry',
    'Have the next sweep try an order again that failed, also one that was set aside. ' +
      'Ends with 1 when it had not failed.',
  ).action((orderId, options) =>
    answer(context, options, {
      ask: (db) => client.retryFailedOrder(db, orderId),
      ...byOutcome<client.RetryFailedOrderResult>('retrying', {
        retrying: 'is tried again by the next sweep',
        not_failed: 'is not among the orders that failed',
      }),
    }),
  );

export const holdCommand = (context: Context) =>
  orderCommand(
    'hold',
    'Keep an order from timing out for a while. Its user or an admin can still cancel it. ' +
      'Ends with 1 when it is not held.',
    ' --minutes 30 --reason "bank is slow"',
  )
    .requiredOption(
      '--minutes <minutes>',
      'from now, at most 10080 (a week)',
      wholeNumber(1, 10_080),
    )
    .option('--reason <text>', 'for people')
    .action((orderId, { minutes, reason, ...options }) =>
      answer(context, options, {
        ask: (db) => client.holdOrder(db, orderId, { minutes, reason }),
        ...byOutcome<client.HoldOrderResult>('held', {
          held: `does not time out for ${minutes} minutes`,
          not_found: 'is not held: there is no such order',
          not_pending: 'is not held: it is paid or cancelled already',
        }),
      }),
    );

export const explainCommand = (context: Context) =>
  orderCommand(
    'explain',
    'Tell why an order was, or was not, or will be cancelled, and what came back. Changes nothing.',
  ).action((orderId, options) =>
    answer(context, options, {
      ask: (db) => client.explainOrderTimeout(db, orderId),
      say: sayExplanation,
    }),
  );

/** Steps of which the detail alone does not tell what it is. */
const TOLD_BY_VERDICT = ['finding', 'payment'];

/** The answer, and below it what it rests on. */
function sayExplanation([first, ...others]: readonly client.Explanation[], colors: Colors): string {
  const width = Math.max(0, ...others.map(({ step }) => step.length));
  return [
    colors.bold(first?.detail ?? ''),
    ...others.map(
      ({ step, verdict, detail }) =>
        `  ${colors.dim(step.padEnd(width))}  ${TOLD_BY_VERDICT.includes(step) ? `${verdict}: ` : ''}${inert(detail)}`,
    ),
  ].join('\n');
}

export const moneyCommand = (context: Context) =>
  orderCommand(
    'money',
    'Show what an order took, what of it came back, and what is missing. Changes nothing.',
  ).action((orderId, options) =>
    answer(context, options, {
      ask: (db) => client.orderMoney(db, orderId),
      say: (rows, colors) =>
        rows.length === 0
          ? `Order ${orderId} took nothing that is to come back, or there is no such order.`
          : toTable(
              rows,
              {
                of: (row) => `${row.kind} ${row.targetId}`,
                for: (row) => row.accountId ?? '',
                taken: (row) => figure(row.taken),
                returned: (row) => figure(row.returned),
                owed: (row) => figure(row.owed),
                missing: (row) => figure(row.missing),
                'known from': (row) => row.source,
                finding: (row) => row.finding ?? '',
              },
              colors,
            ),
    }),
  );
