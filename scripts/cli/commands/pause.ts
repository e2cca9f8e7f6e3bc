import type { Context } from '../context';
import { databaseCommand } from '../database-options';
import { setPaused } from '../paused';
import { withConnection } from '../with-connection';

export function pauseCommand(context: Context) {
  return databaseCommand('pause')
    .description(
      'Let no sweep begin until "resume"; one that is under way still ends, within a minute. ' +
        'Calls for a single order still work.',
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout pause --url mysql://dba@db.example.com/shop',
    )
    .action(async (options) => {
      const changed = await withConnection(options, context, (db) => setPaused(db, true));
      context.out(changed ? 'The sweep is paused.' : 'The sweep was paused already.');
    });
}
