import { Command, Option } from '@commander-js/extra-typings';
import { runDemo } from '.';
import { EXAMPLES } from '../shop';

const { keep, shop } = new Command('npm run demo --')
  .description('Shows the event at work on an example shop, in a MySQL of its own.')
  .option('--keep', 'leave it up until Ctrl-C, and print its URL and what to try', false)
  .addOption(
    new Option('--shop <name>', 'whose tables').choices(EXAMPLES).default('built-in' as const),
  )
  .parse()
  .opts();

void runDemo({ keep, shop }).then((agrees) => {
  // As order-timeout's commands end when what was looked at is not as it should be.
  if (!agrees) process.exitCode = 3;
});
