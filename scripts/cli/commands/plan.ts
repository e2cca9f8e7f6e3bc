import { plan } from '../../migrate';
import type { Context } from '../context';
import { connectionOptions, databaseCommand } from '../database-options';
import { parseClock } from './up';

export function planCommand(context: Context) {
  return databaseCommand('plan')
    .description(
      'Print the exact SQL that "up" would run now, to review and to run with the mysql client. Changes nothing.',
    )
    .option('--clock <offset>', 'as for up', parseClock)
    .option('--paused', 'as for up')
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout plan --url mysql://dba@db.example.com/shop --clock +08:00 > install.sql',
    )
    .action(async (options) => {
      const { sql, steps, remarks } = await plan(connectionOptions(options, context), {
        clock: options.clock,
        paused: options.paused,
      });
      for (const remark of remarks) context.err(`Note: ${remark}\n`);
      if (steps.length === 0)
        context.err('Nothing to do: the database is as this version wants it.\n');
      context.out(sql);
    });
}
