/** A part of a deployment: runs as a whole or is run again. */
export interface Step {
  /** For the progress and as the comment in the plan: "procedure cancel_order: changed". */
  readonly title: string;
  readonly statements: readonly string[];
  /** The table, view or routine that its statements need to be used by nobody for a moment. */
  readonly locks?: string;
  /** The shop's table on which it builds an index, which may take long and must not be lost. */
  readonly builds?: string;
}

/** The step of a versioned file, with the statement of the registry. */
export interface MigrationStep extends Step {
  readonly migration: string;
}

/** What a deployment does, in this order. What `plan` prints is what `up` runs. */
export interface Plan {
  readonly before: readonly Step[];
  /** Names of versioned files, whose statements umzug runs. */
  readonly migrations: readonly MigrationStep[];
  readonly after: readonly Step[];
}

export function allSteps({ before, migrations, after }: Plan): Step[] {
  return [...before, ...migrations, ...after];
}
