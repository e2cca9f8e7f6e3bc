import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { MigrationError, Umzug } from 'umzug';
import { errnoOf, StepFailed } from './errors';
import { checkHistory } from './history';
import { Refusal } from './errors';
import type { Source } from './source';
import { readAppliedMigrations } from './state';
import type { MigrationStep, Plan, Step } from './steps';

/** For whoever shows the progress: called before a step, and after it with the time it took. */
export interface Progress {
  readonly title: string;
  readonly number: number;
  readonly total: number;
  /** Undefined: the step begins. */
  readonly durationMs?: number;
}

export interface ExecuteOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Takes a line about a wait. */
  readonly log?: ((line: string) => void) | undefined;
  /** How often, and after which pause, a statement that waited in vain for a lock is tried again. */
  readonly lockRetries?: number | undefined;
  readonly lockPauseMs?: number | undefined;
}

const LOCK_CONFLICTS = [1205 /* lock wait */, 1213 /* deadlock */];

/** Runs a plan: its versioned files through umzug, in the direction given. Throws a StepFailed. */
export async function execute(
  db: Connection,
  plan: Plan,
  source: Source,
  direction: 'up' | 'down',
  options: ExecuteOptions = {},
): Promise<void> {
  const total = plan.before.length + plan.migrations.length + plan.after.length;
  let number = 0;
  const run = async ({ title, statements }: Step) => {
    number += 1;
    const startedAt = performance.now();
    options.onProgress?.({ title, number, total });
    for (const statement of statements) await runStatement(db, title, statement, options);
    options.onProgress?.({ title, number, total, durationMs: performance.now() - startedAt });
  };

  for (const step of plan.before) await run(step);
  if (plan.migrations.length > 0) await runMigrations(db, plan.migrations, source, direction, run);
  for (const step of plan.after) await run(step);
}

async function runMigrations(
  db: Connection,
  steps: readonly MigrationStep[],
  source: Source,
  direction: 'up' | 'down',
  run: (step: Step) => Promise<void>,
): Promise<void> {
  const stepOf = (name: string) => {
    const step = steps.find(({ migration }) => migration === name);
    if (step === undefined) throw new Error(`${name} is not part of the plan`);
    return step;
  };
  const register = ({ name }: { name: string }) =>
    db.query(stepOf(name).register).then(() => undefined);
  const runStep = ({ name }: { name: string }) => run(stepOf(name));
  const umzug = new Umzug({
    migrations: source.migrations.map(({ name }) => ({ name, up: runStep, down: runStep })),
    storage: {
      // umzug would pass over an edited, a missing or a late file in silence.
      executed: async () => {
        const applied = await readAppliedMigrations(db);
        const findings = checkHistory(source.migrations, applied);
        if (findings.length > 0) throw new Refusal(findings);
        return applied.map(({ name }) => name);
      },
      logMigration: register,
      unlogMigration: register,
    },
    logger: undefined,
  });
  try {
    await (direction === 'up' ? umzug.up() : umzug.down({ to: 0 }));
  } catch (error) {
    throw error instanceof MigrationError && error.cause instanceof Error ? error.cause : error;
  }
}

async function runStatement(
  db: Connection,
  step: string,
  statement: string,
  { log, lockRetries = 12, lockPauseMs = 1000 }: ExecuteOptions,
): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await db.query(statement);
      return;
    } catch (error) {
      const isConflict = LOCK_CONFLICTS.includes(errnoOf(error) ?? 0);
      if (!isConflict || attempt >= lockRetries)
        throw new StepFailed(step, statement, error as Error);
      if (attempt === 0) {
        log?.(
          `${step}: waits for a transaction that uses it (see performance_schema.metadata_locks)`,
        );
      }
      await sleep(lockPauseMs);
    }
  }
}
