import type { Migration } from './source';

/** A row of order_timeout_migration. */
export interface AppliedMigration {
  readonly name: string;
  readonly checksum: string;
  readonly appliedAt: string;
  readonly appliedBy: string;
  readonly packageVersion: string;
}

/** Says why this version's migrations must not be applied to a database with this history; empty: they may. */
export function checkHistory(
  migrations: readonly Migration[],
  applied: readonly AppliedMigration[],
): string[] {
  const byName = new Map(migrations.map((migration) => [migration.name, migration]));
  const newestKnown = migrations.at(-1)?.name ?? '';
  const newestApplied =
    applied
      .map(({ name }) => name)
      .sort()
      .at(-1) ?? '';

  const findings = applied.flatMap(({ name, checksum, packageVersion }) => {
    const migration = byName.get(name);
    if (migration === undefined) {
      return name > newestKnown
        ? `This version is older than the database: ${name} was applied by version ${packageVersion}. Use that version or a newer one`
        : `migrations/${name}.up.sql is missing, and the database has it from version ${packageVersion}: restore the file`;
    }
    return migration.checksum === checksum
      ? []
      : `migrations/${name}.up.sql was edited after it had been applied by version ${packageVersion}: ` +
          'restore it, and put the change into a new file';
  });

  const appliedNames = new Set(applied.map(({ name }) => name));
  const late = migrations.filter(({ name }) => !appliedNames.has(name) && name < newestApplied);
  return [
    ...findings,
    ...late.map(
      ({ name }) =>
        `migrations/${name}.up.sql is out of order: ${newestApplied} has been applied already. Give it the next number`,
    ),
  ];
}
