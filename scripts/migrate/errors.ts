/** The deployment is not done, and nothing was changed: each finding says what was expected, found, and what to do. */
export class Refusal extends Error {
  constructor(readonly findings: readonly string[]) {
    super(findings.join('\n'));
    this.name = 'Refusal';
  }
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
  ) {
    super(
      `${step}: ${cause.message}\n  in: ${firstLine(statement)}\n` +
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
