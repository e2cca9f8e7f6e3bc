import { Command } from '@commander-js/extra-typings';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { readSource } from '../../scripts/deploy';
import { soak } from '../../scripts/dev/soak/soak';
import { mutated, type Mutation, mutations } from './mutations';

const ROOT = join(__dirname, '../..');
/** What could see a bug in the SQL; the rest of the tests is about something else. */
const TESTS = ['oracle', 'procedures', 'races', 'faults', 'dev/invariants'];

new Command('mutate')
  .description(
    'Puts bugs into the SQL, one at a time, and says which tests and whether a soak sees each.',
  )
  .argument('[names...]', 'which bugs; default: all')
  .option('--kills <number>', 'how many calls a soak kills', Number, 300)
  .option('--seed <seed>', 'of the soak', Number, 1)
  .option('--every <n>', 'of the bugs only every n-th', Number, 1)
  .option('--only <paths...>', 'of the tests', TESTS)
  .option('--no-tests', 'the soak only')
  .option('--no-soak', 'the tests only')
  .action(async (names, options) => {
    const chosen = mutations
      .filter(({ name }) => names.length === 0 || names.includes(name))
      .filter((_, nth) => nth % options.every === 0);
    // What fails without a bug proves nothing.
    const always = options.tests ? await failingTests('', options.only) : [];
    for (const { file, test } of always) {
      process.stderr.write(`Fails without a bug, and is left out: ${file}: ${test}\n`);
    }
    process.stdout.write('| bug | tests that fail | soak |\n|---|---|---|\n');
    for (const mutation of chosen) {
      const failing = options.tests ? await failingTests(mutation.name, options.only) : [];
      const tests = byFile(failing.filter((one) => !always.some((other) => isSame(one, other))));
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
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

interface FailingTest {
  readonly file: string;
  readonly test: string;
}

const isSame = (one: FailingTest, other: FailingTest) =>
  one.file === other.file && one.test === other.test;

/** "file (how many): the first of them". */
function byFile(tests: readonly FailingTest[]): string[] {
  return [...new Set(tests.map(({ file }) => file))].map((file) => {
    const failed = tests.filter((one) => one.file === file);
    return `${file} (${failed.length}): ${failed[0]?.test ?? ''}`;
  });
}

/** Runs the tests against the bug of this name; '': against none. */
async function failingTests(bug: string, paths: readonly string[]): Promise<FailingTest[]> {
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
      { cwd: ROOT, stdio: 'ignore', env: { ...process.env, MUTATION: bug, ORACLE_SEED: '1' } },
    );
    await once(vitest, 'exit');
    const { testResults } = JSON.parse(await readFile(report, 'utf8')) as VitestReport;
    return testResults.flatMap(({ name: file, assertionResults }) =>
      assertionResults
        .filter(({ status }) => status === 'failed')
        .map(({ fullName }) => ({ file: relative(join(ROOT, 'test'), file), test: fullName })),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The first violation that a soak of the mutated deployment names. */
async function soaked(
  { name }: Mutation,
  { kills, seed }: { kills: number; seed: number },
): Promise<string | undefined> {
  const source = mutated(readSource(), name);
  const started = Date.now();
  const { violation } = await soak({ kills, seed, source });
  const seconds = Math.round((Date.now() - started) / 1000);
  return violation && `${violation} (after ${seconds} s)`;
}
