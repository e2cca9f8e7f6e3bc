import { Command, CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings';
import * as deployment from './commands/deployment';
import * as findings from './commands/findings';
import * as money from './commands/money';
import * as operate from './commands/operate';
import * as orders from './commands/orders';
import * as sweep from './commands/sweep';
import { readVersion } from '../deploy/source';
import type { Context } from './context';
import { EXIT, explain } from './errors';

/** In the order of the help. */
const COMMANDS: readonly ((context: Context) => CommandUnknownOpts)[] = [
  deployment.upCommand,
  deployment.planCommand,
  deployment.downCommand,
  deployment.statusCommand,
  deployment.verifyCommand,
  deployment.shopCommand,
  operate.doctorCommand,
  operate.failoverReadyCommand,
  sweep.runCommand,
  orders.cancelCommand,
  sweep.previewCommand,
  orders.explainCommand,
  orders.moneyCommand,
  money.auditCommand,
  money.repairCommand,
  findings.findingsCommand,
  findings.settleCommand,
  findings.latePaymentsCommand,
  findings.settlePaymentCommand,
  findings.reconcileCommand,
  orders.holdCommand,
  orders.releaseCommand,
  orders.retryCommand,
  sweep.pauseCommand,
  sweep.resumeCommand,
  sweep.healthCommand,
  operate.metricsCommand,
  operate.reportCommand,
  operate.waitCommand,
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

/** The program with all its commands. */
function createProgram(context: Context) {
  const program = new Command('order-timeout')
    .description('Cancels unpaid orders and gives back what they took, exactly once, inside MySQL.')
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
