import type { Connection } from 'mysql2/promise';
import * as client from '../../index';
import {
  findRepairable,
  repairOrders,
  type RepairReport,
  type RepairScope,
} from '../../operate/repair';
import { confirm } from '../agreement';
import { withConnection } from '../connection';
import type { Colors, Context } from '../context';
import { EXIT, UsageError } from '../errors';
import { answer, askingCommand } from '../frame';
import { count, figure, sayAmounts, toJson, toTable } from '../output';
import {
  collectSourceTypes,
  MOMENT_HELP,
  parseMoment,
  parseOrderId,
  periodOf,
  sinceOf,
} from '../values';

export const auditCommand = (context: Context) =>
  askingCommand(
    'audit',
    'List cancelled orders that never got something back, whoever cancelled them. Reads every order. Changes nothing. ' +
      'Ends with 3 when there are any.',
    'audit --since 90d',
  )
    .option('--since <when>', `only orders placed from then on: ${MOMENT_HELP}`, parseMoment)
    .action(({ since, ...options }) =>
      answer(context, options, {
        ask: async (db) => client.auditMissingRefunds(db, await sinceOf(db, since)),
        say: sayAudit,
        exitCode: (missing) => (missing.length > 0 ? EXIT.differs : EXIT.done),
      }),
    );

function sayAudit(missing: readonly client.MissingRefund[], colors: Colors): string {
  if (missing.length === 0) return 'Nothing is missing: what cancelled orders took has come back.';
  return [
    tableOfMissing(missing, colors),
    '',
    `Missing: ${sayMissing(missing)}. To give it back: order-timeout repair <id>, or repair --all.`,
  ].join('\n');
}

export const repairCommand = (context: Context) =>
  askingCommand(
    'repair',
    'Give back what the audit finds: for one order, or with --all for those that you name by source type and date, ' +
      'as only you know whether an older history has paid back elsewhere. Exactly once, however often.',
    'repair 28229',
    'repair --all --source-type 4 --since 2026-01-01',
  )
    .argument('[id]', "the order's id", parseOrderId)
    .option('--all', 'all that the audit finds, within --source-type, --since and --until')
    .option(
      '--source-type <types>',
      'with --all: of these source types, such as 1,4; NULL: orders without one, as of a shop file without orders.type',
      collectSourceTypes,
    )
    .option('--since <when>', `with --all: placed from then on: ${MOMENT_HELP}`, parseMoment)
    .option('--until <when>', 'with --all: placed before; now when not given', parseMoment)
    .option('--yes', 'with --all: do not ask')
    .action(async (orderId, { all, sourceType, since, until, yes, ...options }) => {
      if (all !== undefined) {
        if (orderId !== undefined) throw new UsageError('Name an order or give --all, not both');
        if (sourceType === undefined || since === undefined) throw new UsageError(UNCLEAR);
        await withConnection(options, context, async (db) => {
          const scope = { sourceTypes: sourceType, ...(await periodOf(db, since, until)) };
          await repairAll(db, scope, { yes, json: options.json === true }, context);
        });
        return;
      }
      if (orderId === undefined) throw new UsageError('Name an order, or give --all');
      if (sourceType ?? since ?? until) {
        throw new UsageError('--source-type, --since and --until are for --all');
      }
      await answer(context, options, {
        ask: async (db) => ({
          repaired: await client.repairMissingRefund(db, orderId),
          failed: [],
          notTried: [],
        }),
        say: (report, colors) =>
          report.repaired.length === 0
            ? `Nothing was given back: order ${orderId} misses nothing, or there is no such cancelled order.`
            : sayRepair(report, colors),
      });
    });

/** Money is given back: it must be clear what is meant. */
const UNCLEAR =
  '--all needs --source-type (NULL for orders without one) and --since: ' +
  'name the orders of which you know that nobody has paid them back elsewhere';

async function repairAll(
  db: Connection,
  scope: RepairScope,
  { yes, json }: { yes: true | undefined; json: boolean },
  context: Context,
): Promise<void> {
  const { out, end, colors } = context;
  const missing = await findRepairable(db, scope);
  if (!json) {
    out(missing.length === 0 ? 'Nothing is missing there.' : tableOfMissing(missing, colors));
    if (missing.length > 0) out(`\nTo give back: ${sayMissing(missing)}.`);
  }
  const asking = { ...context, isInteractive: context.isInteractive && !json };
  if (missing.length > 0 && yes !== true && !(await confirm(asking, 'Give it back?'))) {
    out('Nothing was changed.');
    end(EXIT.failed);
    return;
  }
  const report = await repairOrders(db, missing);
  if (json) out(toJson(report));
  else if (missing.length > 0) out(sayRepair(report, colors));
  if (report.failed.length > 0) end(EXIT.failed);
}

function sayRepair({ repaired, failed, notTried }: RepairReport, colors: Colors): string {
  return [
    repaired.length === 0
      ? `Nothing was given back${failed.length > 0 ? '' : ': nothing is missing'}.`
      : colors.green(`Given back: ${sayMissing(repaired, ({ given }) => given)}.`),
    ...failed.map(({ orderId, message }) => colors.red(`Order ${orderId} failed: ${message}`)),
    ...(notTried.length === 0
      ? []
      : [
          colors.red(
            `The connection was lost: ${count(notTried.length, 'order')} not tried. Run the command again.`,
          ),
        ]),
  ].join('\n');
}

const tableOfMissing = (missing: readonly client.MissingRefund[], colors: Colors) =>
  toTable(
    missing,
    {
      order: (one) => one.orderId,
      user: (one) => one.userId,
      of: (one) => `${one.kind} ${one.targetId}`,
      taken: (one) => figure(one.taken),
      returned: (one) => figure(one.returned),
      missing: (one) => figure(one.missing),
      'known from': (one) => one.source,
    },
    colors,
  );

/** coupon 2,000, points 30, of 2 orders. */
function sayMissing<Row extends client.MissingRefund>(
  rows: readonly Row[],
  amountOf: (row: Row) => string = ({ missing }) => missing,
): string {
  const amounts = rows.map((row) => [row.kind, amountOf(row)] as const);
  const orders = new Set(rows.map(({ orderId }) => orderId)).size;
  return `${sayAmounts(amounts)}, of ${count(orders, 'order')}`;
}
