import type { Proposal } from '../migrate';
import type { Context } from './context';
import { UsageError } from './exit-codes';
import { count } from './output';
import { summarise } from './summary';

/** Shows what is about to be done, and asks unless `yes`. Throws a UsageError when nobody can be asked. */
export async function agree(
  context: Context,
  { steps, remarks }: Pick<Proposal, 'steps' | 'remarks'>,
  { yes, extra = [] }: { yes: boolean; extra?: readonly string[] },
): Promise<boolean> {
  const { out, colors } = context;
  for (const remark of remarks) out(colors.yellow(`Note: ${remark}`));
  for (const line of extra) out(line);
  if (yes) return true;

  out(`${count(steps.length, 'step')}:`);
  for (const line of summarise(steps)) out(`  ${line}`);
  if (!context.isInteractive) {
    throw new UsageError(
      'Nothing was changed: there is no terminal to ask on. Add --yes to go ahead',
    );
  }
  return /^y(es)?$/i.test((await context.ask('Go ahead? [y/N] ')).trim());
}
