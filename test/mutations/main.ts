import { Command } from '@commander-js/extra-typings';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { readSource } from '../../scripts/migrate';
import { soak } from '../../scripts/soak/soak';
import { mutated, type Mutation, mutations } from './mutations';

const ROOT = join(__dirname, '../..');
/** What could see a bug in the SQL; the rest of the tests is about something else. */
const TESTS = ['oracle', 'procedures', 'races', 'faults', 'invariants', 'sessions'];

new Command('mutate')
  .description(
    'Puts bugs into the SQL, one at a time, and says which tests and whether a soak sees each.',
  )
  .argument('[names...]', 'which bugs; default: all')
  .option('--minutes <minutes>', 'how long a soak goes on without a violation', Number, 2)
  .option('--seed <seed>', 'of the soak', Number, 1)
  .option('--only <paths...>', 'of the tests', TESTS)
  .option('--no-tests', 'the soak only')
  .option('--no-soak', 'the tests only')
  .action(async (names, options) => {
    const chosen = mutations.filter(({ name }) => names.length === 0 || names.includes(name));
    process.stdout.write('| bug | tests that fail | soak |\n|---|---|---|\n');
    for (const mutation of chosen) {
      const tests = options.tests ? await failingTests(mutation, options.only) : [];
      const violation = options.soak ? await soaked(mutation, options) : undefined;
      const seenBy = tests.length === 0 ? '-' : tests.join('<br>');
      process.stdout.write(
        `| \`${mutation.name}\`: ${mutation.bug} | ${seenBy} | ${violation ?? '-'} |\n`,
      );
      if (tests.length === 0 && violation === undefined) process.exitCode = 1;
    }
  })
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exitCode = 2;
  });

interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly status: string; readonly title: string }[];
  }[];
}

/** "file (how many): the first of them". */
async function failingTests({ name }: Mutation, paths: readonly string[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'order-timeout-mutation-'));
  try {
    const report = join(folder, 'report.json');
    const vitest = spawn(
      'npx',
      [
        'vitest',
        'run',
        ...paths.map((path) => `test/${path}`),
        '--reporter=json',
        `--outputFile=${report}`,
      ],
      { cwd: ROOT, stdio: 'ignore', env: { ...process.env, MUTATION: name, ORACLE_SEED: '1' } },
    );
    await once(vitest, 'exit');
    const { testResults } = JSON.parse(await readFile(report, 'utf8')) as VitestReport;
    return testResults
      .map(({ name: file, assertionResults }) => ({
        file: relative(join(ROOT, 'test'), file),
        failed: assertionResults.filter(({ status }) => status === 'failed'),
      }))
      .filter(({ failed }) => failed.length > 0)
      .map(({ file, failed }) => `${file} (${failed.length}): ${failed[0]?.title ?? ''}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The first violation that a soak of the mutated deployment names. */
async function soaked(
  { name }: Mutation,
  { minutes, seed }: { minutes: number; seed: number },
): Promise<string | undefined> {
  const source = mutated(await readSource(), name);
  const started = Date.now();
  const { violation } = await soak({ seconds: minutes * 60, seed, source });
  const seconds = Math.round((Date.now() - started) / 1000);
  return violation && `${violation.invariant} (after ${seconds} s)`;
}
