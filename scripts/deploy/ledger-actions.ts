import type { Connection } from 'mysql2/promise';
import { select } from './connection';
import { type Finding, remark } from './errors';
import type { Blueprint } from './shop';
import type { DatabaseState } from './state';
import { quoteName, quoteString } from './text';

const TABLE = 'order_timeout_ledger_action';
const NEWEST = 10_000;

/** What the table holds at first, as the migration has it. */
const seedIn = ({ migrations }: Blueprint) =>
  new RegExp(`INTO ${TABLE} [^;]*? FROM (\\([^;]*?\\)) AS`).exec(
    migrations.map(({ up }) => up.replaceAll(/\s+/g, ' ')).join(' '),
  )?.[1];

/** The actions of the newest rows of each ledger that is read by them, with what they are taken for. */
export async function sayActions(
  db: Connection,
  blueprint: Blueprint,
  { ownTables }: DatabaseState,
): Promise<Finding[]> {
  const known = ownTables.has(TABLE) ? TABLE : seedIn(blueprint);
  const found: Finding[] = [];
  for (const [kind, { ledger, tells = [] }] of Object.entries(blueprint.file?.give_back ?? {})) {
    const written = Object.entries(ledger?.write ?? {}).find(([, value]) => value === ':action');
    if (known === undefined || !ledger || !written || !tells.includes('unknown_action')) continue;
    const { indexes = [] } = blueprint.tables.get(ledger.table) ?? {};
    const id = indexes.find(({ name }) => name === 'PRIMARY')?.parts[0]?.column;
    const actions = await select<{ said: string }>(
      db,
      `SELECT CONCAT(COALESCE(NULLIF(newest.action, ''), 'none'), ': ', COALESCE(MAX(known.meaning), 'not listed'), ' (', COUNT(*), ')') AS said
         FROM (SELECT CONVERT(COALESCE(${quoteName(written[0])}, '') USING utf8mb4) COLLATE utf8mb4_general_ci AS action
                 FROM ${quoteName(ledger.table)}
                ${id ? `ORDER BY ${quoteName(id)} DESC` : ''}
                LIMIT ${NEWEST}) AS newest
         LEFT JOIN ${known} AS known ON known.kind = ${quoteString(kind)} AND known.action = newest.action
        GROUP BY newest.action
        ORDER BY COUNT(*) DESC, newest.action
        LIMIT 50`,
    );
    if (actions.length > 0)
      found.push(
        remark(
          'ledger_actions',
          `The newest rows of ${ledger.table} by their action, and what it is taken for: ${actions.map(({ said }) => said).join(', ')}`,
          `say in ${TABLE} what an action means; one that is not listed came back where it is positive, and is not counted where it is negative`,
        ),
      );
  }
  return found;
}
