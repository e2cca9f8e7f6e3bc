import { MigrationError, Umzug } from 'umzug';
import type { Connection } from 'mysql2/promise';
import { type Finding, mistake } from './errors';
import type { MigrationStep } from './step';
import { type AppliedMigration, readAppliedMigrations } from './registry';
import type { Migration } from './source';

/**
 * Says why these files must not be applied to a database with this history; nothing: they may. `older`: a newer
 * version's files are no reason, as they only add.
 */
export function* checkHistory(
  migrations: readonly Migration[],
  applied: readonly AppliedMigration[],
  older = false,
): Generator<Finding> {
  const newestKnown = migrations.at(-1)?.name ?? '';
  const refuse = (name: string, how: string, remedy: string) =>
    mistake(`migrations/${name}.up.sql`, `migrations/${name}.up.sql ${how}`, remedy);
  for (const { name, checksum, packageVersion: by } of applied) {
    const migration = migrations.find((one) => one.name === name);
    if (migration === undefined && name > newestKnown) {
      const text = `This version is older than the database: ${name} was applied by version ${by}`;
      const remedy = 'use that version or a newer one';
      if (!older) yield mistake(`migrations/${name}.up.sql`, text, remedy);
    } else if (migration === undefined) {
      const how = `is missing, and the database has it from version ${by}`;
      yield refuse(name, how, 'restore the file');
    } else if (migration.checksum !== checksum) {
      const how = `was edited after it had been applied by version ${by}`;
      yield refuse(name, how, 'restore it, and put the change into a new file');
    }
  }
  const names = applied.map(({ name }) => name).sort();
  const newestApplied = names.at(-1) ?? '';
  const late = `is out of order, since ${newestApplied} has been applied already`;
  for (const { name } of migrations)
    if (!names.includes(name) && name < newestApplied)
      yield refuse(name, late, 'give it the next number');
}

/**
 * Runs the steps of versioned files in umzug's hands: in their order, and none of which the registry says that it is
 * done. Each step writes its own row there, as the plan shows it.
 */
export async function migrate(
  db: Connection,
  steps: readonly MigrationStep[],
  direction: 'up' | 'down',
  run: (step: MigrationStep) => Promise<void>,
): Promise<void> {
  const inOrder = direction === 'up' ? steps : steps.toReversed();
  const isWritten = () => Promise.resolve();
  const umzug = new Umzug({
    migrations: inOrder.map((step) => ({
      name: step.migration,
      up: () => run(step),
      down: () => run(step),
    })),
    storage: {
      executed: async () => (await readAppliedMigrations(db)).map(({ name }) => name),
      logMigration: isWritten,
      unlogMigration: isWritten,
    },
    logger: undefined,
  });
  try {
    await (direction === 'up' ? umzug.up() : umzug.down({ to: 0 }));
  } catch (error) {
    throw error instanceof MigrationError && error.cause instanceof Error ? error.cause : error;
  }
}
