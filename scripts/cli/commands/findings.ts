import * as client from '../../index';
import type { Context } from '../context';
import { EXIT } from '../errors';
import { answer, askingCommand } from '../frame';
import { count, figure, inert, toTable } from '../output';
import { MOMENT_HELP, parseMoment, parseOrderId, sinceOf, wholeNumber } from '../values';

/** A command that lists what somebody has to do something about. */
const listingCommand = <Row>(
  context: Context,
  name: string,
  description: string,
  {
    of,
    none,
    ask,
    columns,
  }: {
    /** What a row is. */
    readonly of: string;
    readonly none: string;
    readonly ask: (db: client.Database, options: { limit: number }) => Promise<Row[]>;
    readonly columns: Parameters<typeof toTable<Row>>[1];
  },
) =>
  askingCommand(
    name,
    `${description} Changes nothing. Ends with 3 when there is any.`,
    `${name} --limit 20`,
  )
    .option(`--limit <${of}s>`, 'at most so many', wholeNumber(1, 100_000), 100)
    .action(({ limit, ...options }) =>
      answer(context, options, {
        ask: (db) => ask(db, { limit }),
        say: (rows, colors) => {
          const rest = rows.length === limit ? ', and perhaps more (--limit)' : '';
          return rows.length === 0
            ? none
            : `${toTable(rows, columns, colors)}\n\n${count(rows.length, of)}${rest}.`;
        },
        exitCode: (rows) => (rows.length > 0 ? EXIT.differs : EXIT.done),
      }),
    );

export const findingsCommand = (context: Context) =>
  listingCommand(
    context,
    'findings',
    'List what a person has to look at, oldest first; the runbook says what each means and what to do.',
    {
      of: 'finding',
      none: 'There is nothing to look at.',
      ask: client.listFindings,
      columns: {
        finding: (one) => one.findingId,
        order: (one) => one.orderId,
        what: (one) => one.what,
        of: ({ kind, targetId }) => (kind === '' ? 'the order' : `${kind} ${targetId}`),
        amount: (one) => figure(one.amount),
        other: (one) => figure(one.otherAmount),
        detail: (one) => inert(one.detail),
        'found at': (one) => one.foundAt.toISOString(),
      },
    },
  );

export const latePaymentsCommand = (context: Context) =>
  listingCommand(
    context,
    'late-payments',
    'List the payments whose money is to be sent back, oldest first: their order could not be paid any more.',
    {
      of: 'payment',
      none: 'No money is to be sent back.',
      ask: client.listLatePayments,
      columns: {
        payment: (one) => inert(one.reference),
        order: (one) => one.orderId,
        why: (one) => one.outcome,
        'received at': (one) => one.receivedAt.toISOString(),
        by: (one) => inert(one.receivedBy),
      },
    },
  );

/** A command that says of one thing that it is dealt with. */
const settlingCommand = (name: string, description: string, example: string) =>
  askingCommand(name, description, example).requiredOption(
    '--remark <text>',
    'what was done, for people',
  );

const exitCode = ({ outcome }: { outcome: string }) =>
  outcome === 'not_found' ? EXIT.failed : EXIT.done;

export const settleCommand = (context: Context) =>
  settlingCommand(
    'settle',
    'Say that a finding is dealt with, and how. It opens again only if its amounts change.',
    'settle 17 --remark "the user keeps both"',
  )
    .argument('<finding>', "the finding's id", parseOrderId)
    .action((findingId, { remark, ...options }) =>
      answer(context, options, {
        ask: (db) => client.settleFinding(db, findingId, { remark }),
        say: ({ outcome }) => `Finding ${findingId} ${SETTLED[outcome]}.`,
        exitCode,
      }),
    );

const SETTLED = {
  settled: 'is settled',
  already_settled: 'was settled already',
  not_owed: 'is one whose money is not to be sent back',
  not_found: 'does not exist',
};

export const settlePaymentCommand = (context: Context) =>
  settlingCommand(
    'settle-payment',
    'Say that the money of a payment that came too late was sent back.',
    'settle-payment PAY-4711 --remark "sent back"',
  )
    .argument('<reference>', 'of the payment')
    .action((reference, { remark, ...options }) =>
      answer(context, options, {
        ask: (db) => client.settleLatePayment(db, reference, { remark }),
        say: ({ outcome }) => `Payment ${reference} ${SETTLED[outcome]}.`,
        exitCode,
      }),
    );

export const reconcileCommand = (context: Context) =>
  askingCommand(
    'reconcile',
    'Look at orders again now, reading every one, whoever cancelled or paid them, and open and close findings; the sweep does it by itself ' +
      "an hour after each order's time.",
    'reconcile --since 90d',
  )
    .option('--since <when>', `only orders created from then on: ${MOMENT_HELP}`, parseMoment)
    .action(({ since, ...options }) =>
      answer(context, options, {
        ask: async (db) => client.reconcileOrders(db, await sinceOf(db, since)),
        say: ({ orders, opened, closed }) =>
          `${count(orders, 'order')} looked at; ${count(opened, 'finding')} opened, ${closed} closed.`,
      }),
    );
