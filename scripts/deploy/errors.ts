/** What a check found, for people and for `--json`. */
export interface Finding {
  /** What it is about: `privileges`, `clock`, `orders.created`. */
  readonly about: string;
  /** A mistake stops the deployment, a remark doesn't. */
  readonly severity: 'mistake' | 'remark';
  /** What was expected and what was found. */
  readonly text: string;
  /** What to do now; empty: nothing. */
  readonly remedy: string;
  /** Of the shop file, from 1; then `about` is a place in it, such as `give_back.stock.add`. */
  readonly line?: number | undefined;
  /** What `up --yes` writes there. */
  readonly proposal?: string;
}

const finding =
  (severity: Finding['severity']) =>
  (about: string, text: string, remedy = ''): Finding => ({ about, severity, text, remedy });

export const mistake = finding('mistake');
export const remark = finding('remark');

/** One line for people. */
export function sayFinding({ about, text, remedy, line }: Finding): string {
  const place = line === undefined ? '' : `line ${line}, ${about}: `;
  // A remedy is a sentence of its own, or goes on with the text.
  const joint = /^[A-Z]/.test(remedy) ? '. ' : ': ';
  return place + (remedy === '' ? text : text + joint + remedy);
}

export const mistakesIn = (findings: readonly Finding[]) =>
  findings.filter(({ severity }) => severity === 'mistake');

/** The deployment is not done, and nothing was changed, or what a finding says. */
export class Refusal extends Error {
  constructor(readonly findings: readonly Finding[]) {
    super(findings.map(sayFinding).join('\n'));
    this.name = 'Refusal';
  }
}

/** Throws a Refusal with the mistakes among them. */
export function requireNoMistake(findings: readonly Finding[]): void {
  const mistakes = mistakesIn(findings);
  if (mistakes.length > 0) throw new Refusal(mistakes);
}

/** Another deployment of the same database is under way. */
export class DeploymentLocked extends Error {
  constructor(readonly connectionId: number | null) {
    super(
      connectionId === null
        ? 'Another deployment of this database has just ended: try again.'
        : `Connection ${connectionId} is deploying to this database. Wait until it is done, ` +
            `or see what it does: SELECT * FROM performance_schema.processlist WHERE id = ${connectionId}`,
    );
    this.name = 'DeploymentLocked';
  }
}

/** A statement of a step failed; what came before it stands, and the next run goes on from there. */
export class StepFailed extends Error {
  constructor(
    readonly step: string,
    readonly statement: string,
    override readonly cause: Error,
    /** What made it fail, where that is known: "connection 7 (root@localhost) ...". */
    readonly reason = '',
  ) {
    super(
      `${step}: ${cause.message}\n${reason === '' ? '' : `  ${reason}\n`}  in: ${firstLine(statement)}\n` +
        'What came before stands. Mend the cause and run the same command again: it goes on from there.',
    );
    this.name = 'StepFailed';
  }
}

const firstLine = (statement: string) => {
  const [line = ''] = statement.split('\n');
  return line.length > 120 ? `${line.slice(0, 117)}...` : line;
};

/** The error number of a server error; undefined for any other error. */
export function errnoOf(error: unknown): number | undefined {
  const { errno } = (error ?? {}) as { errno?: unknown };
  return typeof errno === 'number' && errno > 0 ? errno : undefined;
}

/** MySQL's errors for what the account may not see. */
export const NO_ACCESS: readonly number[] = [1044, 1142, 1143, 1227];

/** Undefined: the server answers with one of these errors. */
export async function unless<T>(
  errnos: readonly number[],
  answer: Promise<T>,
): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (errnos.includes(errnoOf(error) ?? 0)) return undefined;
    throw error;
  }
}

/** Undefined: the account may not see it. */
export const ifAllowed = <T>(answer: Promise<T>) => unless(NO_ACCESS, answer);

/** Undefined: there is no such table. */
export const ifThere = <T>(answer: Promise<T>) => unless([1146], answer);
