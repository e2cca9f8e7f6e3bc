import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from '@commander-js/extra-typings';
import pc from 'picocolors';
import { toTable } from '../../cli/output';
import { soak, type SoakReport } from './soak';

const command = new Command('npm run soak --')
  .description(
    'Kills calls at random instants, on a MySQL of its own, and adds the shop up all along; then lets payments and cancellations race, and generates shops.',
  )
  .option('--kills <number>', 'calls that KILL QUERY cuts short', positive, 5000)
  .option('--payments <number>', 'orders that are paid and cancelled at once', positive, 10_000)
  .option('--shops <number>', 'generated shops, held to the rules of test/oracle', positive, 2000)
  .option('--seed <seed>', 'repeats what is called', positive, 1 + Math.floor(Math.random() * 1e9))
  .addHelpText(
    'after',
    '\nBeside them a fifth as many KILL CONNECTION, and a SIGKILL of the server for each 250.',
  )
  .action(async ({ kills, payments, shops, seed }) => {
    const log = (line: string) => process.stderr.write(`${line}\n`);
    const report = await soak({ kills, payments, seed, log });
    process.stdout.write(
      `${render(report)}\nThe same again: npm run soak -- --kills ${kills} --payments ${payments} --shops ${shops} --seed ${seed}\n`,
    );
    const generated = await generateShops(shops, seed);
    process.exitCode = report.violation === undefined && generated ? 0 : 1;
  });

/** What a shop does is in its oracle, which the tests have: they are run, with more shops. */
async function generateShops(shops: number, seed: number): Promise<boolean> {
  const tests = spawn('npx', ['vitest', 'run', 'test/oracle'], {
    cwd: join(__dirname, '../../..'),
    env: { ...process.env, ORACLE_SHOPS: String(shops), ORACLE_SEED: String(seed) },
    stdio: 'inherit',
  });
  const [code] = (await once(tests, 'exit')) as [number | null];
  return code === 0;
}

function render({ kills, counts, checks, violation }: SoakReport): string {
  const rows = [...Object.entries(kills), ...[...counts].sort(), ['checks', checks] as const];
  const end = violation === undefined ? 'No violation.' : `Violation: ${violation}`;
  const columns = {
    '': ([name]: readonly [string, number]) => name,
    times: ([, times]: readonly [string, number]) => times,
  };
  return `${toTable<readonly [string, number]>(rows, columns, pc)}\n${end}`;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value <= 0)
    throw new InvalidArgumentError('Expected a whole number above 0.');
  return value;
}

void command.parseAsync();
