/** A part of a deployment: runs as a whole or is run again. */
export interface Step {
  /** For the progress and as the comment in the plan: "procedure cancel_order: changed". */
  readonly title: string;
  readonly statements: readonly string[];
  /** For the plan: why something is not done. */
  readonly notes?: readonly string[];
}

/** The step of a versioned file; its name is the migration's. */
export interface MigrationStep extends Step {
  readonly migration: string;
  /** Writes to or deletes from the registry, after the statements. */
  readonly register: string;
}

/** What a deployment does, in this order. What `plan` prints is what `up` runs. */
export interface Plan {
  readonly before: readonly Step[];
  readonly migrations: readonly MigrationStep[];
  readonly after: readonly Step[];
}

export function allSteps({ before, migrations, after }: Plan): Step[] {
  return [
    ...before,
    ...migrations.map((step) => ({ ...step, statements: [...step.statements, step.register] })),
    ...after,
  ];
}

export function isEmpty(plan: Plan): boolean {
  return allSteps(plan).length === 0;
}
