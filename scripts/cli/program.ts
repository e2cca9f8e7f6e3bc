import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { auditCommand } from './commands/audit';
import { cancelCommand } from './commands/cancel';
import { demoCommand } from './commands/demo';
import { doctorCommand } from './commands/doctor';
import { downCommand } from './commands/down';
import { explainCommand } from './commands/explain';
import { failoverReadyCommand } from './commands/failover-ready';
import { healthCommand } from './commands/health';
import { holdCommand } from './commands/hold';
import { metricsCommand } from './commands/metrics';
import { pauseCommand } from './commands/pause';
import { planCommand } from './commands/plan';
import { previewCommand } from './commands/preview';
import { releaseCommand } from './commands/release';
import { repairCommand } from './commands/repair';
import { reportCommand } from './commands/report';
import { resumeCommand } from './commands/resume';
import { retryCommand } from './commands/retry';
import { runCommand } from './commands/run';
import { statusCommand } from './commands/status';
import { upCommand } from './commands/up';
import { verifyCommand } from './commands/verify';
import { waitCommand } from './commands/wait';
import type { Context } from './context';
import { EXIT } from './exit-codes';
import { explain } from './explain';

/** In the order of the help. */
const COMMANDS: readonly ((context: Context) => CommandUnknownOpts)[] = [
  upCommand,
  planCommand,
  downCommand,
  statusCommand,
  verifyCommand,
  doctorCommand,
  failoverReadyCommand,
  runCommand,
  cancelCommand,
  previewCommand,
  explainCommand,
  auditCommand,
  repairCommand,
  holdCommand,
  releaseCommand,
  retryCommand,
  pauseCommand,
  resumeCommand,
  healthCommand,
  metricsCommand,
  reportCommand,
  waitCommand,
  demoCommand,
];

/** Runs a command line (without node and script) and ends the context with its exit code. Never throws. */
export async function runCli(args: readonly string[], context: Context): Promise<void> {
  const program = createProgram(context);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      // It has said what is wrong itself.
      context.end(error.exitCode === 0 ? EXIT.done : EXIT.wrongUsage);
      return;
    }
    const { message, exitCode } = explain(error);
    context.err(`${context.colors.red(message)}\n`);
    if (program.opts().debug === true && error instanceof Error)
      context.err(`${error.stack ?? ''}\n`);
    context.end(exitCode);
  }
}

/** The program with all its commands, for running and for documenting it. */
export function createProgram(context: Context) {
  const program = new Command('order-timeout')
    .description(
      'Cancels unpaid orders and gives back coupons and points, exactly once, inside MySQL.',
    )
    .version(readVersion())
    .option('--debug', 'show the stack of an error')
    .addHelpText('after', EXIT_CODES)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        context.out(text.trimEnd());
      },
      writeErr: context.err,
    });
  for (const create of COMMANDS) {
    program.addCommand(create(context).copyInheritedSettings(program));
  }
  return program;
}

const EXIT_CODES = `
Ends with 0 when it is done, 1 when it failed, 2 for wrong usage, 3 when what was looked at is not as it
should be, 4 when another deployment holds the lock.`;

/** From scripts/cli as well as from dist/cli. */
function readVersion(): string {
  const manifest = readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
