import { verify } from '../../migrate';
import type { Context } from '../context';
import { connectionOptions, databaseCommand } from '../database-options';
import { EXIT } from '../exit-codes';
import { toJson } from '../output';

export function verifyCommand(context: Context) {
  return databaseCommand('verify')
    .description(
      "Compare what is deployed with this version's files, a line per difference. Ends with 3 when there is one.",
    )
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout verify --url mysql://dba@db.example.com/shop',
    )
    .action(async (options) => {
      const found = await verify(connectionOptions(options, context));
      if (options.json === true) {
        context.out(toJson(found));
      } else {
        for (const remark of found.remarks) context.out(context.colors.yellow(`Note: ${remark}`));
        for (const difference of found.differences) context.out(difference);
        if (found.differences.length === 0) {
          context.out('The database is as this version deploys it.');
        }
      }
      if (found.differences.length > 0) context.end(EXIT.differs);
    });
}
