import { InvalidArgumentError } from '@commander-js/extra-typings';
import { type ConnectionOptions, createConnection } from 'mysql2/promise';
import { retrying } from '../../client/pause';
import { orderTimeoutNumbers } from '../../index';
import { errnoOf } from '../../deploy/errors';
import { diagnose, type Finding, fix, type FixResult, hasFailed } from '../../operate/doctor';
import { type Candidate, failoverReady, type FailoverResult } from '../../operate/failover';
import { toPrometheus } from '../../operate/metrics';
import { readHistory } from '../../operate/report/history';
import { toPage } from '../../operate/report/page';
import { agree } from '../agreement';
import { connectionOptions, databaseCommand, withConnection } from '../connection';
import type { Colors, Context } from '../context';
import { EXIT, type ExitCode } from '../errors';
import { askingCommand, show } from '../frame';
import { sayChecks, writeWhole } from '../output';
import { MOMENT_HELP, parseMoment, periodOf } from '../values';

export const doctorCommand = (context: Context) =>
  askingCommand(
    'doctor',
    'Look at everything the order timeout depends on, and say what to do. Ends with 3 when something fails.',
    'doctor',
    'doctor --fix',
  )
    .option('--fix', 'first mend what is safe: the event missing or off, lost grants')
    .action(async (options) => {
      const target = connectionOptions(options, context);
      const fixed = options.fix === true ? { fixed: await fix(target) } : {};
      const found = { findings: await diagnose(target), ...fixed };
      show(context, options, found, {
        say: sayFindings,
        exitCode: ({ findings }) => (hasFailed(findings) ? EXIT.differs : EXIT.done),
      });
    });

const sayFindings = (
  { findings, fixed }: { findings: readonly Finding[]; fixed?: FixResult },
  colors: Colors,
) =>
  [
    ...(fixed === undefined ? [] : [...sayFixed(fixed, colors), '']),
    ...sayChecks(findings, colors),
    '',
    conclude(findings, colors),
  ].join('\n');

function sayFixed({ done, remarks }: FixResult, colors: Colors): string[] {
  return [
    ...(done.length === 0 ? ['Nothing was mended.'] : done.map((line) => colors.green(`${line}.`))),
    ...remarks.map((remark) => colors.yellow(remark)),
  ];
}

function conclude(findings: readonly Finding[], colors: Colors): string {
  const count = (severity: Finding['severity']) =>
    findings.filter((finding) => finding.severity === severity).length;
  const [failed, warned] = [count('fail'), count('warn')];
  if (failed > 0) return colors.red(`${failed} failed, ${warned} to look at.`);
  return warned > 0 ? `Nothing failed, ${warned} to look at.` : colors.green('All is well.');
}

export const failoverReadyCommand = (context: Context) =>
  askingCommand(
    'failover-ready',
    "Have the group's secondaries, or the replica that the URL names, carry on by themselves after a promotion. " +
      'Ends with 3 when one of them is not ready.',
    'failover-ready',
  )
    .option('--yes', 'do not ask')
    .action(async ({ yes, ...options }) => {
      // What is asked must not get into the JSON.
      const out = (text: string) => {
        context.err(`${text}\n`);
      };
      const asking = options.json === true ? { ...context, out } : context;
      const result = await failoverReady(connectionOptions(options, context), {
        confirm: (found) => agree(asking, { ...describePlan(found), yes }),
      });
      show(context, options, result, { say: sayReadiness, exitCode: exitCodeOfReadiness });
    });

function sayReadiness({ outcome, candidates }: FailoverResult): string {
  const lines = candidates.map(
    ({ address, outcome, reason }) =>
      `${address}: ${READINESS[outcome]}${reason === undefined ? '' : `: ${reason}`}.`,
  );
  if (outcome === 'declined') lines.unshift('Nothing was changed.');
  return lines.join('\n') || 'There is no other member that could be promoted.';
}

function exitCodeOfReadiness({ outcome, candidates }: FailoverResult): ExitCode {
  if (outcome === 'declined') return EXIT.failed;
  const isReady = ({ outcome }: Candidate) => ['ready', 'made_ready'].includes(outcome);
  return candidates.every(isReady) ? EXIT.done : EXIT.differs;
}

const describePlan = (candidates: readonly Candidate[]) => ({
  steps: candidates.flatMap(({ address, statements = [] }) =>
    statements.map((statement) => `${address}: ${statement}`),
  ),
  remarks: candidates.flatMap(({ address, reason }) =>
    reason === undefined ? [] : [`${address} is left as it is: ${reason}`],
  ),
});

const READINESS: Readonly<Record<Candidate['outcome'], string>> = {
  made_ready: 'ready now',
  ready: 'ready',
  not_ready: 'not ready',
  refused: 'not ready',
  unreachable: 'not reached',
  failed: 'failed',
};

export const metricsCommand = (context: Context) =>
  databaseCommand(
    'metrics',
    "Print the sweep's state in Prometheus' text format, with an account that may only ask " +
      '(EXECUTE on order_timeout_numbers).',
    'metrics --out /var/lib/prometheus/node-exporter/order_timeout.prom',
  )
    .option(
      '--out <file>',
      "write to a file, all at once, as node_exporter's textfile collector wants it",
    )
    .option('--name <name>', "the label `database`; the schema's name when not given")
    .action(async ({ out, name, ...options }) => {
      const numbers = await withConnection(options, context, (db) => orderTimeoutNumbers(db));
      const { database = '' } = connectionOptions(options, context);
      const text = await toPrometheus(numbers, name ?? database);
      if (out === undefined) context.out(text.trimEnd());
      else await writeWhole(out, text);
    });

export const reportCommand = (context: Context) =>
  databaseCommand(
    'report',
    'Draw what happened as one page for a browser: orders, money, runs, failures. ' +
      'Needs SELECT on order_timeout_*, and EXECUTE on order_timeout_clock and order_timeout_numbers. ' +
      'Changes nothing.',
    'report --since 30d --html report.html',
  )
    .requiredOption('--since <when>', `from then on: ${MOMENT_HELP}`, parseMoment)
    .option('--until <when>', 'up to then; now when not given', parseMoment)
    .requiredOption('--html <file>', 'where to write the page')
    .action(async ({ since, until, html, ...options }) => {
      const history = await withConnection(options, context, async (db) =>
        readHistory(db, await periodOf(db, since, until)),
      );
      await writeWhole(html, toPage(history));
      context.out(`Written: ${html}`);
    });

export const waitCommand = (context: Context) =>
  databaseCommand('wait', 'Wait until the server answers.', 'wait --timeout 120')
    .option('--timeout <seconds>', 'give up after so long', parseSeconds, 60)
    .action(async (options) => {
      const target = connectionOptions(options, context, { needsDatabase: false });
      const version = await waitForServer(target, options.timeout);
      context.out(`MySQL ${version} answers.`);
    });

const PAUSE_MS = 250;
const UNKNOWN_DATABASE = 1049;
/** Waiting longer mends neither a wrong password nor a missing privilege. */
const FINAL = [1044, 1045, 3159];

function waitForServer(target: ConnectionOptions, seconds: number): Promise<string> {
  const deadline = performance.now() + seconds * 1000;
  return retrying(
    () => askVersion(target),
    (error) => {
      const isFinal = FINAL.includes(errnoOf(error) ?? 0);
      return isFinal || performance.now() + PAUSE_MS > deadline ? undefined : PAUSE_MS;
    },
  );
}

async function askVersion(target: ConnectionOptions): Promise<string> {
  const db = await createConnection({ ...target, connectTimeout: 2000 }).catch((error: unknown) => {
    // It may be yet to be made: the server answers all the same.
    if (errnoOf(error) !== UNKNOWN_DATABASE) throw error;
    return createConnection({ ...target, database: '', connectTimeout: 2000 });
  });
  try {
    const [rows] = await db.query('SELECT VERSION() AS version');
    return (rows as { version: string }[])[0]?.version ?? '';
  } finally {
    db.destroy();
  }
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0 && Number.isFinite(seconds)) return seconds;
  throw new InvalidArgumentError('Expected a number of seconds.');
}
