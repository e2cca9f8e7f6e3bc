import type { Connection } from 'mysql2/promise';
import { readShopClock } from '../../client/clock';
import { repairMissingRefund } from '../../client/repair-missing-refund';
import { findRepairable, type Repairable, type RepairScope } from '../../repair/find-repairable';
import { type RepairReport, repairOrders } from '../../repair/repair-orders';
import type { Colors, Context } from '../context';
import { databaseCommand } from '../database-options';
import { EXIT, UsageError } from '../exit-codes';
import { describeAmounts, describeMissing, tableOfMissing } from '../missing-refunds';
import { count, toJson } from '../output';
import { collectSourceTypes, type Moment, MOMENT_HELP, parseMoment, parseOrderId } from '../values';
import { withConnection } from '../with-connection';

export function repairCommand(context: Context) {
  return databaseCommand('repair')
    .description(
      'Give back what the audit finds: for one order, or with --all for those that you name by source type and date, ' +
        'as only you know whether an older history has paid back elsewhere. Exactly once, however often.',
    )
    .argument('[id]', "the order's id", parseOrderId)
    .option('--all', 'all that the audit finds, within --source-type, --since and --until')
    .option(
      '--source-type <types>',
      'with --all: of these source types, such as 1,4',
      collectSourceTypes,
    )
    .option('--since <when>', `with --all: placed from then on: ${MOMENT_HELP}`, parseMoment)
    .option('--until <when>', 'with --all: placed before; now when not given', parseMoment)
    .option('--yes', 'with --all: do not ask')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ order-timeout repair 28229 --url mysql://dba@db.example.com/shop\n' +
        '  $ order-timeout repair --all --source-type 4 --since 2026-01-01 --url mysql://dba@db.example.com/shop',
    )
    .action(async (orderId, { sourceType, since, until, ...options }) => {
      const wanted = whatToRepair({ orderId, all: options.all, sourceType, since, until });
      await withConnection(options, context, async (db) => {
        if (wanted.kind === 'one') {
          const repaired = await repairMissingRefund(db, wanted.orderId);
          const report = { repaired, failed: [] };
          context.out(
            options.json === true ? toJson(report) : describeRepair(report, context.colors),
          );
        } else {
          await repairAll(db, wanted, options, context);
        }
      });
    });
}

type Wanted =
  | { readonly kind: 'one'; readonly orderId: bigint }
  | {
      readonly kind: 'all';
      readonly sourceTypes: readonly string[];
      since: Moment;
      until?: Moment;
    };

/** Throws when it isn't clear what is meant: money is given back. */
function whatToRepair(given: {
  orderId: bigint | undefined;
  all: true | undefined;
  sourceType: readonly string[] | undefined;
  since: Moment | undefined;
  until: Moment | undefined;
}): Wanted {
  const { orderId, all, sourceType, since, until } = given;
  if (all === undefined) {
    if (orderId === undefined) throw new UsageError('Name an order, or give --all');
    if (sourceType ?? since ?? until) {
      throw new UsageError('--source-type, --since and --until are for --all');
    }
    return { kind: 'one', orderId };
  }
  if (orderId !== undefined) throw new UsageError('Name an order or give --all, not both');
  if (sourceType === undefined || since === undefined) {
    throw new UsageError(
      '--all needs --source-type and --since: name the orders of which you know that nobody has paid them back elsewhere',
    );
  }
  return {
    kind: 'all',
    sourceTypes: sourceType,
    since,
    ...(until === undefined ? {} : { until }),
  };
}

async function repairAll(
  db: Connection,
  { sourceTypes, since, until }: Extract<Wanted, { kind: 'all' }>,
  { yes, json }: { yes?: true; json?: true },
  context: Context,
): Promise<void> {
  const clock = await readShopClock(db, {});
  const now = new Date();
  const scope: RepairScope = {
    sourceTypes,
    since: since(clock, now),
    until: until?.(clock, now) ?? now,
  };
  if (scope.since >= scope.until) throw new UsageError('--since must be before --until');
  const found = await findRepairable(db, scope);
  if (json !== true) context.out(describeRepairable(found, context.colors));
  if (found.toGive.length > 0 && !(await mayGoAhead(context, { yes, json }))) {
    context.out('Nothing was changed.');
    context.end(EXIT.failed);
    return;
  }
  const report = await repairOrders(db, found);
  if (json === true) context.out(toJson({ ...report, toDecide: found.toDecide }));
  else if (found.toGive.length > 0) context.out(describeRepair(report, context.colors));
  if (report.failed.length > 0) context.end(EXIT.failed);
}

async function mayGoAhead(
  context: Context,
  { yes, json }: { yes?: true | undefined; json?: true | undefined },
) {
  if (yes === true) return true;
  if (!context.isInteractive || json === true) {
    throw new UsageError('Nothing was changed: nobody can be asked. Add --yes to go ahead');
  }
  return /^y(es)?$/i.test((await context.ask('Give it back? [y/N] ')).trim());
}

/** What would be given back, and what only a person can decide. */
export function describeRepairable({ toGive, toDecide }: Repairable, colors: Colors): string {
  const parts: string[] = [];
  if (toGive.length > 0) {
    parts.push(tableOfMissing(toGive, colors), '', `To give back: ${describeMissing(toGive)}.`);
  } else {
    parts.push('Nothing is missing there.');
  }
  if (toDecide.length > 0) {
    parts.push(
      '',
      colors.yellow(
        'For a person to decide, as the shop took it anew after a refund; it is left as it is:',
      ),
      tableOfMissing(toDecide, colors),
    );
  }
  return parts.join('\n');
}

export function describeRepair({ repaired, failed }: RepairReport, colors: Colors): string {
  const given = repaired.filter((one) => one.given > 0n);
  const left = repaired.filter((one) => one.given === 0n);
  const parts = [
    given.length === 0
      ? 'Nothing was given back: nothing is missing.'
      : colors.green(
          `Given back: ${describeAmounts(given, (one) => one.given)} of ` +
            `${count(new Set(given.map(({ orderId }) => orderId)).size, 'order')}.`,
        ),
  ];
  if (left.length > 0) {
    parts.push(
      colors.yellow('Left for a person to decide, as the shop took it anew after a refund:'),
      tableOfMissing(left, colors),
    );
  }
  for (const { orderId, message } of failed) {
    parts.push(colors.red(`Order ${orderId} failed: ${message}`));
  }
  return parts.join('\n');
}
