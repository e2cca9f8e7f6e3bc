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
  for (const { name, checksum, packageVersion } of applied) {
    const file = `migrations/${name}.up.sql`;
    const migration = migrations.find((one) => one.name === name);
    if (migration === undefined && name > newestKnown) {
      if (older) continue;
      yield mistake(
        file,
        `This version is older than the database: ${name} was applied by version ${packageVersion}`,
        'use that version or a newer one',
      );
    } else if (migration === undefined)
      yield mistake(
        file,
        `${file} is missing, and the database has it from version ${packageVersion}`,
        'restore the file',
      );
    else if (migration.checksum !== checksum)
      yield mistake(
        file,
        `${file} was edited after it had been applied by version ${packageVersion}`,
        'restore it, and put the change into a new file',
      );
  }
  const names = applied.map(({ name }) => name).sort();
  const newestApplied = names.at(-1) ?? '';
  for (const { name } of migrations)
    if (!names.includes(name) && name < newestApplied)
      yield mistake(
        `migrations/${name}.up.sql`,
        `migrations/${name}.up.sql is out of order, since ${newestApplied} has been applied already`,
        'give it the next number',
      );
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
