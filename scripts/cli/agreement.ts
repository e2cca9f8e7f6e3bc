import type { Progress } from '../deploy';
import { groupBy } from '../deploy/text';
import type { Context } from './context';
import { UsageError } from './errors';
import { count } from './output';

interface Agreement {
  /** What will be done, a line each. */
  readonly steps: readonly string[];
  /** Worth knowing, and no reason to stop. */
  readonly remarks: readonly string[];
  readonly yes?: boolean | undefined;
}

/** Shows what is about to be done, and asks unless `yes`. Throws a UsageError when nobody can be asked. */
export async function agree(
  context: Context,
  { steps, remarks, yes = false }: Agreement,
): Promise<boolean> {
  const { out, colors } = context;
  for (const remark of remarks) out(colors.yellow(`Note: ${remark}`));
  if (yes) return true;
  out(`${count(steps.length, 'step')}:`);
  for (const line of summarise(steps)) out(`  ${line}`);
  return confirm(context, 'Go ahead?');
}

/** Throws a UsageError when nobody can be asked. */
export async function confirm({ isInteractive, ask }: Context, question: string): Promise<boolean> {
  if (!isInteractive) {
    throw new UsageError('Nothing was changed: nobody can be asked. Add --yes to go ahead');
  }
  return /^y(es)?$/i.test((await ask(`${question} [y/N] `)).trim());
}

/** More objects of one kind than these are counted instead of listed. */
const MOST_LISTED = 4;

/** The steps of a deployment, a line each; many alike ("procedure a: new", "procedure b: new") are one line. */
export function summarise(steps: readonly string[]): string[] {
  const alike = groupBy(steps, (step) => {
    const [, kind, what = ''] = /^(\w+) \w+: (.+)$/s.exec(step) ?? [];
    return kind === undefined ? step : `${kind}s: ${what}`;
  });
  return [...alike].flatMap(([likeness, group]) =>
    group.length > MOST_LISTED ? [`${group.length} ${likeness}`] : group,
  );
}

/** One line that changes on a terminal; a line for each finished step elsewhere. */
export function progressTo({ err, showsProgress, colors }: Context): (progress: Progress) => void {
  return ({ title, number, total, durationMs }) => {
    const counter = `${String(number).padStart(String(total).length)}/${total}`;
    if (showsProgress) {
      const isLast = number === total && durationMs !== undefined;
      err(isLast ? '\r\u001B[K' : `\r\u001B[K${colors.dim(counter)} ${title}`);
    } else if (durationMs !== undefined) {
      err(`${counter} ${title} (${Math.round(durationMs)} ms)\n`);
    }
  };
}
