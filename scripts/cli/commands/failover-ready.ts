import {
  type Candidate,
  type CandidateResult,
  failoverReady,
  type FailoverPlan,
  type FailoverResult,
} from '../../failover';
import type { Context } from '../context';
import { connectionOptions, databaseCommand } from '../database-options';
import { EXIT } from '../exit-codes';
import { toJson } from '../output';
import { agree } from '../proposal';

export function failoverReadyCommand(context: Context) {
  return databaseCommand('failover-ready')
    .description(
      "Have the group's secondaries, or the replica that the URL names, carry on by themselves after a promotion. " +
        'Ends with 3 when one of them is not ready.',
    )
    .option('--yes', 'do not ask')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout failover-ready --url mysql://dba@db.example.com/shop',
    )
    .action(async (options) => {
      // What is asked must not get into the JSON.
      const asking =
        options.json === true
          ? {
              ...context,
              out: (text: string) => {
                context.err(`${text}\n`);
              },
            }
          : context;
      const result = await failoverReady(connectionOptions(options, context), {
        confirm: (plan) =>
          agree(
            asking,
            { steps: stepsOf(plan), remarks: remarksOf(plan) },
            { yes: options.yes ?? false },
          ),
      });
      context.out(options.json === true ? toJson(result) : describe(result));
      if (result.outcome === 'declined') context.end(EXIT.failed);
      else if (!result.candidates.every(isReady)) context.end(EXIT.differs);
    });
}

const isReady = ({ outcome }: CandidateResult) => outcome === 'made_ready' || outcome === 'ready';

function stepsOf({ candidates }: FailoverPlan): string[] {
  return candidates.flatMap(({ address, readiness }) =>
    readiness.verdict === 'not_ready'
      ? readiness.statements.map((statement) => `${address}: ${statement}`)
      : [],
  );
}

function remarksOf({ candidates }: FailoverPlan): string[] {
  return candidates.flatMap((candidate: Candidate) =>
    'reason' in candidate.readiness
      ? [`${candidate.address} is left as it is: ${candidate.readiness.reason}`]
      : [],
  );
}

const OUTCOMES: Readonly<Record<CandidateResult['outcome'], string>> = {
  made_ready: 'ready now',
  ready: 'ready',
  not_ready: 'not ready',
  refused: 'not ready',
  unreachable: 'not reached',
  failed: 'failed',
};

function describe({ outcome, candidates }: FailoverResult): string {
  const lines = candidates.map(
    ({ address, outcome, reason }) =>
      `${address}: ${OUTCOMES[outcome]}${reason === undefined ? '' : `: ${reason}`}.`,
  );
  if (lines.length === 0) return 'There is no other member that could be promoted.';
  return [...(outcome === 'declined' ? ['Nothing was changed.'] : []), ...lines].join('\n');
}
