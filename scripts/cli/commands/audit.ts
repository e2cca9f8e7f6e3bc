import { auditMissingRefunds } from '../../client/audit-missing-refunds';
import { readShopClock } from '../../client/clock';
import type { MissingRefund } from '../../client/missing-refund';
import type { Colors, Context } from '../context';
import { databaseCommand } from '../database-options';
import { EXIT } from '../exit-codes';
import { describeMissing, tableOfMissing } from '../missing-refunds';
import { toJson } from '../output';
import { MOMENT_HELP, parseMoment } from '../values';
import { withConnection } from '../with-connection';

export function auditCommand(context: Context) {
  return databaseCommand('audit')
    .description(
      'List cancelled orders that never got something back, whoever cancelled them. Changes nothing. ' +
        'Ends with 3 when there are any.',
    )
    .option('--since <when>', `only orders placed from then on: ${MOMENT_HELP}`, parseMoment)
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout audit --since 90d --url mysql://dba@db.example.com/shop',
    )
    .action(async ({ since, ...options }) => {
      const missing = await withConnection(options, context, async (db) =>
        auditMissingRefunds(
          db,
          since === undefined ? {} : { since: since(await readShopClock(db, {}), new Date()) },
        ),
      );
      context.out(options.json === true ? toJson(missing) : describeAudit(missing, context.colors));
      if (missing.length > 0) context.end(EXIT.differs);
    });
}

export function describeAudit(missing: readonly MissingRefund[], colors: Colors): string {
  if (missing.length === 0) return 'Nothing is missing: what cancelled orders took has come back.';
  return [
    tableOfMissing(missing, colors),
    '',
    `Missing: ${describeMissing(missing)}. To give it back: order-timeout repair <id>, or repair --all.`,
  ].join('\n');
}
