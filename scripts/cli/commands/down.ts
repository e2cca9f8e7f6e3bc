import { down } from '../../migrate';
import type { Context } from '../context';
import { connectionOptions, databaseCommand } from '../database-options';
import { EXIT } from '../exit-codes';
import { count } from '../output';
import { progressTo } from '../progress';
import { agree } from '../proposal';

export function downCommand(context: Context) {
  return databaseCommand('down')
    .description(
      'Remove what "up" added: event, procedures, views, our indexes and tables. The shop\'s data stays as it is.',
    )
    .option(
      '--drop-journal',
      'also when the journal of what was given back has rows: they are lost',
    )
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout down --url mysql://dba@db.example.com/shop',
    )
    .action(async (options) => {
      const { outcome, steps, remarks } = await down(connectionOptions(options, context), {
        dropJournal: options.dropJournal,
        onProgress: progressTo(context),
        log: (line) => {
          context.err(`${line}\n`);
        },
        confirm: (proposal) => agree(context, proposal, { yes: options.yes ?? false }),
      });
      if (outcome === 'nothing_to_do') {
        for (const remark of remarks) context.out(context.colors.yellow(`Note: ${remark}`));
        context.out('Nothing to do: nothing of order-timeout is in this database.');
      } else if (outcome === 'declined') {
        context.out('Nothing was changed.');
        context.end(EXIT.failed);
      } else {
        context.out(context.colors.green(`Removed: ${count(steps.length, 'step')}.`));
      }
    });
}
