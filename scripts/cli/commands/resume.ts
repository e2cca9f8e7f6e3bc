import type { Context } from '../context';
import { databaseCommand } from '../database-options';
import { setPaused } from '../paused';
import { withConnection } from '../with-connection';

export function resumeCommand(context: Context) {
  return databaseCommand('resume')
    .description(
      'Let the sweep work again after "pause" or "up --paused"; "preview" shows what it will do.',
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout resume --url mysql://dba@db.example.com/shop',
    )
    .action(async (options) => {
      const changed = await withConnection(options, context, (db) => setPaused(db, false));
      context.out(
        changed ? 'The sweep works again, from the next minute on.' : 'The sweep was not paused.',
      );
    });
}
