import { Command, InvalidArgumentError } from '@commander-js/extra-typings';
import { renderReport } from './report';
import { soak } from './soak';

const command = new Command('soak')
  .description(
    'Lets a shop live on a MySQL of its own, with faults at random, and checks the invariants all along.',
  )
  .option('--minutes <minutes>', 'how long', positive, 2)
  .option(
    '--seed <seed>',
    'repeats what everybody does',
    positive,
    1 + Math.floor(Math.random() * 1e9),
  )
  .action(async ({ minutes, seed }) => {
    const log = (line: string) => process.stderr.write(`${line}\n`);
    log(`Soak: ${minutes} minutes, seed ${seed}`);
    const report = await soak({ seconds: minutes * 60, seed, log });
    process.stdout.write(`${renderReport(report)}\n`);
    process.exitCode = report.violation === undefined ? 0 : 1;
  });

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError('Expected a number above 0.');
  return value;
}

void command.parseAsync();
