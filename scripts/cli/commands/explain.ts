import { explainOrderTimeout, type Explanation } from '../../client/explain-order-timeout';
import type { Colors, Context } from '../context';
import { databaseCommand } from '../database-options';
import { toJson } from '../output';
import { parseOrderId } from '../values';
import { withConnection } from '../with-connection';

export function explainCommand(context: Context) {
  return databaseCommand('explain')
    .description(
      'Tell why an order was, or was not, or will be cancelled, and what came back. Changes nothing.',
    )
    .argument('<id>', "the order's id", parseOrderId)
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout explain 28229 --url mysql://dba@db.example.com/shop',
    )
    .action(async (orderId, options) => {
      const facts = await withConnection(options, context, (db) =>
        explainOrderTimeout(db, orderId),
      );
      context.out(options.json === true ? toJson(facts) : describeFacts(facts, context.colors));
    });
}

/** The answer, and below it what it rests on. */
export function describeFacts(facts: readonly Explanation[], colors: Colors): string {
  const [answer, ...others] = facts;
  const width = Math.max(0, ...others.map(({ step }) => step.length));
  return [
    colors.bold(answer?.detail ?? ''),
    ...others.map(({ step, detail }) => `  ${colors.dim(step.padEnd(width))}  ${detail}`),
  ].join('\n');
}
