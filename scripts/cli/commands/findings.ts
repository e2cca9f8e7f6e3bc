import {
  type Finding,
  listFindings,
  orderTimeoutClock,
  reconcileOrders,
  settleFinding,
  settleLatePayment,
} from '../../index';
import { databaseCommand } from '../connection';
import type { Context } from '../context';
import { EXIT } from '../errors';
import { answer } from '../frame';
import { count, figure, toTable } from '../output';
import { MOMENT_HELP, parseMoment, parseOrderId, wholeNumber } from '../values';

export const findingsCommand = (context: Context) =>
  databaseCommand(
    'findings',
    'List what a person has to look at, oldest first; the runbook says what each means and what to do. ' +
      'Changes nothing. Ends with 3 when there is any.',
    'findings --limit 20',
  )
    .option('--limit <findings>', 'at most so many', wholeNumber(1, 100_000), 100)
    .option('--json', 'as JSON')
    .action(({ limit, ...options }) =>
      answer(context, options, {
        ask: (db) => listFindings(db, { limit }),
        say: (findings, colors) =>
          findings.length === 0
            ? 'There is nothing to look at.'
            : toTable(
                ['finding', 'order', 'what', 'of', 'amount', 'other', 'detail', 'found at'],
                findings.map(toRow),
                colors,
              ),
        exitCode: (findings) => (findings.length > 0 ? EXIT.differs : EXIT.done),
      }),
    );

const toRow = (finding: Finding) => [
  finding.findingId,
  finding.orderId,
  finding.what,
  finding.kind === '' ? 'the order' : `${finding.kind} ${finding.targetId}`,
  figure(finding.amount),
  figure(finding.otherAmount),
  finding.detail,
  finding.foundAt.toISOString(),
];

export const settleCommand = (context: Context) =>
  databaseCommand(
    'settle',
    'Say that a finding is dealt with, and how. It opens again only if its amounts change.',
    'settle 17 --remark "the user keeps both"',
  )
    .argument('<finding>', "the finding's id", parseOrderId)
    .requiredOption('--remark <text>', 'what was done, for people')
    .option('--json', 'as JSON')
    .action((findingId, { remark, ...options }) =>
      answer(context, options, {
        ask: (db) => settleFinding(db, findingId, { remark }),
        say: ({ outcome }) => `Finding ${findingId} ${SETTLED[outcome]}.`,
        exitCode: ({ outcome }) => (outcome === 'not_found' ? EXIT.failed : EXIT.done),
      }),
    );

const SETTLED = {
  settled: 'is settled',
  already_settled: 'was settled already',
  not_found: 'does not exist',
};

export const settlePaymentCommand = (context: Context) =>
  databaseCommand(
    'settle-payment',
    'Say that the money of a payment that came too late was sent back.',
    'settle-payment PAY-4711 --remark "sent back"',
  )
    .argument('<reference>', 'of the payment')
    .requiredOption('--remark <text>', 'what was done, for people')
    .option('--json', 'as JSON')
    .action((reference, { remark, ...options }) =>
      answer(context, options, {
        ask: (db) => settleLatePayment(db, reference, { remark }),
        say: ({ outcome }) => `Payment ${reference}: ${outcome}.`,
        exitCode: ({ outcome }) => (outcome === 'not_found' ? EXIT.failed : EXIT.done),
      }),
    );

export const reconcileCommand = (context: Context) =>
  databaseCommand(
    'reconcile',
    'Look at orders again now, whoever cancelled or paid them, and open and close findings; the sweep does it by itself ' +
      "an hour after each order's time.",
    'reconcile --since 90d',
  )
    .option('--since <when>', `only orders created from then on: ${MOMENT_HELP}`, parseMoment)
    .option('--json', 'as JSON')
    .action(({ since, ...options }) =>
      answer(context, options, {
        ask: async (db) =>
          reconcileOrders(
            db,
            since === undefined ? {} : { since: since(await orderTimeoutClock(db), new Date()) },
          ),
        say: ({ orders, opened, closed }) =>
          `${count(orders, 'order')} looked at; ${count(opened, 'finding')} opened, ${closed} closed.`,
      }),
    );
