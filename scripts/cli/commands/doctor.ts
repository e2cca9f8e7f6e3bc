import { diagnose, type Finding, fix, type FixResult, hasFailed } from '../../doctor';
import type { Colors, Context } from '../context';
import { connectionOptions, databaseCommand } from '../database-options';
import { EXIT } from '../exit-codes';
import { toJson } from '../output';

export function doctorCommand(context: Context) {
  return databaseCommand('doctor')
    .description(
      'Look at everything the order timeout depends on, and say what to do. Ends with 3 when something fails.',
    )
    .option('--fix', 'first mend what is safe: the event missing or off, lost grants')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout doctor --url mysql://dba@db.example.com/shop --fix',
    )
    .action(async (options) => {
      const target = connectionOptions(options, context);
      const fixed = options.fix === true ? await fix(target) : undefined;
      const findings = await diagnose(target);
      context.out(
        options.json === true
          ? toJson({ findings, ...(fixed === undefined ? {} : { fixed }) })
          : describe(findings, fixed, context.colors),
      );
      if (hasFailed(findings)) context.end(EXIT.differs);
    });
}

/** For people. */
function describe(
  findings: readonly Finding[],
  fixed: FixResult | undefined,
  colors: Colors,
): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  return [
    ...(fixed === undefined ? [] : [...describeFix(fixed, colors), '']),
    ...findings.flatMap(({ check, status, found, advice }) => [
      `${paint(status, colors)}  ${check.padEnd(width)}  ${found}`,
      ...(advice === '' ? [] : [`${' '.repeat(width + 8)}→ ${advice}`]),
    ]),
    '',
    conclude(findings, colors),
  ].join('\n');
}

function describeFix({ done, remarks }: FixResult, colors: Colors): string[] {
  return [
    ...(done.length === 0 ? ['Nothing was mended.'] : done.map((line) => colors.green(`${line}.`))),
    ...remarks.map((remark) => colors.yellow(remark)),
  ];
}

function paint(status: Finding['status'], colors: Colors): string {
  const text = status.padEnd(4);
  if (status === 'ok') return colors.green(text);
  return status === 'warn' ? colors.yellow(text) : colors.red(text);
}

function conclude(findings: readonly Finding[], colors: Colors): string {
  const count = (status: Finding['status']) =>
    findings.filter((finding) => finding.status === status).length;
  const [failed, warned] = [count('fail'), count('warn')];
  if (failed > 0) return colors.red(`${failed} failed, ${warned} to look at.`);
  return warned > 0 ? `Nothing failed, ${warned} to look at.` : colors.green('All is well.');
}
