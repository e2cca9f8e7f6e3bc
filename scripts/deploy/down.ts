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
import { dropStatement, type Migration, type ObjectKind, type Source } from './source';
import { type DatabaseState, isOurs } from './state';
import { planDropIndexes } from './tables';
import { splitStatements } from './text';

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
  { abandon, dropJournal }: Losses,
  left: string,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { from, what, say, remedy } of abandon === true ? [] : OPEN)
    for (const { total, about } of await count(db, from, what))
      if (total > 0)
        findings.push(
          mistake(
            'open',
            `${total} ${say} (${about ?? ''}). ${left}`,
            `${remedy}; to lose them: down --abandon`,
          ),
        );
  let rows = 0;
  // Of the two one may be gone.
  for (const table of dropJournal === true ? [] : ['cancellation', 'refund'])
    for (const { total } of await count(db, `order_timeout_${table}`)) rows += total;
  if (rows > 0)
    findings.push(
      mistake(
        'journal',
        `The journal has ${rows} rows: they say what was given back to whom, and make a second refund impossible. ${left}`,
        'to lose them with the rest: down --drop-journal',
      ),
    );
  return findings;
}

/** How many rows, and what they are about; empty: there is no such table. */
async function count(db: Connection, from: string, what = 'NULL') {
  const sql = `SELECT COUNT(*) AS total, ${what} AS about FROM ${from}`;
  return (await ifThere(select<{ total: number; about: string | null }>(db, sql))) ?? [];
}

/** What would be lost to customers and to the shop: where it is, what it is about, how it is said. */
const OPEN = [
  {
    from: 'order_timeout_owed',
    what: "GROUP_CONCAT(DISTINCT kind ORDER BY kind SEPARATOR ', ')",
    say: 'amounts are owed and not yet given',
    remedy: 'the next sweeps give them; see order_timeout_owed',
  },
  {
    from: 'order_timeout_payment WHERE to_send_back',
    what: "LEFT(GROUP_CONCAT(reference ORDER BY received_at SEPARATOR ', '), 200)",
    say: 'payments are still to be sent back',
    remedy: 'send the money back and call settle_late_payment',
  },
  {
    from: 'order_timeout_finding WHERE is_open',
    what: "GROUP_CONCAT(DISTINCT what ORDER BY what SEPARATOR ', ')",
    say: 'findings are open',
    remedy: 'see list_findings, and settle them',
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
      statements: [dropStatement({ kind, name })],
    }));

const takeBack = ({ name, down }: Migration) => ({
  title: `migration ${name}: take back`,
  statements: splitStatements(down),
});

/** Cut short, "up" makes again what is gone, and "down" takes back what is left. */
function takeBackApplied(migration: Migration): MigrationStep {
  const { title, statements } = takeBack(migration);
  const { name } = migration;
  return { title, migration: name, statements: [unlogMigration(name), ...statements] };
}
