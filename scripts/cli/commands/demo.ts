import { Command } from '@commander-js/extra-typings';
import type { Context } from '../context';
import { EXIT } from '../exit-codes';

export function demoCommand(context: Context) {
  return new Command('demo')
    .description(
      'Start a MySQL with an example shop, deploy, and watch the event give money back. Leaves nothing behind.',
    )
    .option('--keep', 'leave it up, and print its URL and what to try')
    .addHelpText('after', '\nExample:\n  $ npm run demo -- --keep')
    .action(async (options) => {
      // It brings servers along, which no other command needs. import() would be an ES module's.
      // eslint-disable-next-line @typescript-eslint/no-require-imports
      const { runDemo } = require('../../demo') as typeof import('../../demo');
      const agrees = await runDemo({ keep: options.keep ?? false, log: context.out });
      if (!agrees) context.end(EXIT.differs);
    });
}
