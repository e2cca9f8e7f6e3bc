import type { Connection } from 'mysql2/promise';
import { checkSchemaPrivileges, checkWritable } from './checks';
import { select, selectColumn } from './connection';
import { DEFINER_ACCOUNT } from './account';
import { planDropDefiner } from './definer';
import { type Finding, ifThere, mistake, remark } from './errors';
import { hasPrivilege } from './grants';
import type { MigrationStep, Plan, Step } from './step';
import { checkHistory } from './migrations';
import { DROP_REGISTRY, MIGRATION_TABLE, OBJECT_TABLE, unlogMigration } from './registry';
import type { Migration, ObjectKind, Source } from './source';
import { type DatabaseState, isOurs } from './state';
import { planDropIndexes } from './tables';
import { quoteName, splitStatements } from './text';

/** What may be lost. */
export interface Losses {
  /** Also when the journal has rows, which are then lost. */
  readonly dropJournal?: boolean | undefined;
  /** Also when something is owed, a late payment is to be sent back, or a finding is open: that is then lost. */
  readonly abandon?: boolean | undefined;
}

/** What stands in the way of a removal, and what is worth knowing. */
export async function checkDown(
  db: Connection,
  source: Source,
  state: DatabaseState,
  losses: Losses,
): Promise<Finding[]> {
  const findings = [
    ...checkWritable(state.server),
    ...checkSchemaPrivileges(state),
    ...checkHistory(source.migrations, state.registry?.migrations ?? []),
    ...(await checkLosses(db, losses, 'Nothing was changed')),
  ];
  if (state.definer.grants === undefined)
    findings.push(
      remark(
        'grants',
        `This account may not read mysql.user: whether ${DEFINER_ACCOUNT} and its grants here are still needed is for you to see`,
      ),
    );
  return findings;
}

/** `left`: how things stand. */
export async function checkLosses(
  db: Connection,
  losses: Losses,
  left: string,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { about, unless, sql, say, remedy } of WOULD_BE_LOST) {
    const lost: Lost[] = [];
    // Of two tables one may be gone.
    for (const one of losses[unless] === true ? [] : [sql].flat())
      lost.push(...((await ifThere(select<Lost>(db, one))) ?? []));
    const total = lost.reduce((sum, row) => sum + row.total, 0);
    if (total > 0) findings.push(mistake(about, `${say({ ...lost[0], total })}. ${left}`, remedy));
  }
  return findings;
}

/** How many rows, and what they are about. */
interface Lost {
  readonly total: number;
  readonly what?: string;
}

interface Loss {
  readonly about: string;
  /** The option under which it may be lost. */
  readonly unless: keyof Losses;
  readonly sql: string | readonly string[];
  readonly say: (lost: Lost) => string;
  readonly remedy: string;
}

const ABANDON = 'to lose them: down --abandon';

/** What would be lost to customers and to the shop. */
const WOULD_BE_LOST: readonly Loss[] = [
  {
    about: 'open',
    unless: 'abandon',
    sql: "SELECT COUNT(*) AS total, GROUP_CONCAT(DISTINCT kind ORDER BY kind SEPARATOR ', ') AS what FROM order_timeout_owed",
    say: ({ total, what }) => `${total} amounts are owed and not yet given (${what ?? ''})`,
    remedy: `the next sweeps give them; see order_timeout_owed; ${ABANDON}`,
  },
  {
    about: 'open',
    unless: 'abandon',
    sql: "SELECT COUNT(*) AS total, LEFT(GROUP_CONCAT(reference ORDER BY received_at SEPARATOR ', '), 200) AS what FROM order_timeout_payment WHERE to_send_back",
    say: ({ total, what }) => `${total} payments are still to be sent back (${what ?? ''})`,
    remedy: `send the money back and call settle_late_payment; ${ABANDON}`,
  },
  {
    about: 'open',
    unless: 'abandon',
    sql: "SELECT COUNT(*) AS total, GROUP_CONCAT(DISTINCT what ORDER BY what SEPARATOR ', ') AS what FROM order_timeout_finding WHERE is_open",
    say: ({ total, what }) => `${total} findings are open (${what ?? ''})`,
    remedy: `see list_findings, and settle them; ${ABANDON}`,
  },
  {
    about: 'journal',
    unless: 'dropJournal',
    sql: ['cancellation', 'refund'].map(
      (table) => `SELECT COUNT(*) AS total FROM order_timeout_${table}`,
    ),
    say: ({ total }) =>
      `The journal has ${total} rows: they say what was given back to whom, and make a second refund impossible`,
    remedy: 'to lose them with the rest: down --drop-journal',
  },
];

/** The server's other schemas, in which the definer account may be in use; undefined: this account sees but some. */
export async function readOtherSchemas(
  db: Connection,
  { schema, grants }: DatabaseState,
): Promise<string[] | undefined> {
  if (!hasPrivilege(grants, 'SHOW DATABASES', {})) return undefined;
  return selectColumn(
    db,
    'SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN (?)',
    [[schema, 'information_schema', 'mysql', 'performance_schema', 'sys']],
  );
}

/**
 * What has to be done so that nothing of ours is left in the database: by what is there, also without a registry.
 * `otherSchemas`: see planDropDefiner.
 */
export function planDown(
  { migrations }: Pick<Source, 'migrations'>,
  state: DatabaseState,
  otherSchemas: readonly string[] | undefined,
): Plan {
  const applied = new Set(state.registry?.migrations.map(({ name }) => name));
  const isRegistry = (table: string) => [MIGRATION_TABLE, OBJECT_TABLE].includes(table);
  const newestFirst = migrations.toReversed();
  const drop = { title: 'registry of what is deployed: drop', statements: [DROP_REGISTRY] };
  return {
    before: [
      ...(['event', 'procedure', 'function', 'view'] as const).flatMap((kind) =>
        planDrop(kind, state),
      ),
      // An interrupted deployment may have begun with the next one; after a RENAME the registry is elsewhere.
      ...([...state.ownTables.keys()].every(isRegistry)
        ? []
        : newestFirst.filter(({ name, down }) => !applied.has(name) && down !== '').map(takeBack)),
    ],
    migrations: newestFirst.filter(({ name }) => applied.has(name)).map(takeBackApplied),
    after: [
      ...planDropIndexes(state.ownIndexes),
      ...planDropDefiner(state, otherSchemas),
      ...([...state.ownTables.keys()].some(isRegistry) ? [drop] : []),
    ],
  };
}

const planDrop = (wanted: ObjectKind, state: DatabaseState): Step[] =>
  state.objects
    .filter((object) => object.kind === wanted && isOurs(object, state))
    .map(({ kind, name }) => ({
      title: `${kind} ${name}: drop`,
      locks: name,
      statements: [`DROP ${kind.toUpperCase()} IF EXISTS ${quoteName(name)}`],
    }));

const takeBack = (migration: Migration) => ({
  title: `migration ${migration.name}: take back`,
  statements: splitStatements(migration.down),
});

/** Cut short, "up" makes again what is gone, and "down" takes back what is left. */
const takeBackApplied = (migration: Migration): MigrationStep => {
  const { title, statements } = takeBack(migration);
  return {
    title,
    migration: migration.name,
    statements: [unlogMigration(migration.name), ...statements],
  };
};
