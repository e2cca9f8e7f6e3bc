import type { Connection } from 'mysql2/promise';
import { select } from './connection';
import { type Finding, remark, unless } from './errors';
import type { ShopContext } from './shop-file/context';
import type { Blueprint } from './shop';
import type { DatabaseState } from './state';
import { quoteName, quoteString } from './text';

/** What our tables hold at first, for the questions that are asked before they are there. */
const FIRST_ROWS: Readonly<Record<string, string>> = {
  order_timeout_setting: 'SELECT 30 AS default_timeout_minutes',
  order_timeout_policy: 'SELECT 3 AS source_type, 0 AS enabled, NULL AS timeout_minutes',
};

/** `SELECT order_id` of the orders that are due; a session in the shop's clock asks it. */
function selectDue({ orders }: ShopContext): string {
  const type = orders.type === null ? 'NULL' : `o.${orders.type}`;
  const minutes = 'COALESCE(policy.timeout_minutes, setting.default_timeout_minutes)';
  const isDue =
    orders.deadline === null
      ? `o.${orders.created} < NOW(3) - INTERVAL ${minutes} MINUTE`
      : `o.${orders.deadline} < NOW(3)`;
  const conditions = [
    `o.${orders.status} = ${orders.pending}`,
    'COALESCE(policy.enabled, 1)',
    isDue,
    ...(orders.only === null ? [] : [`(${orders.only})`]),
    ...(orders.paid_at === null ? [] : [`NOT COALESCE(YEAR(o.${orders.paid_at}) >= 1000, FALSE)`]),
  ];
  return `SELECT o.${orders.id} AS order_id
       FROM ${orders.table} AS o
       JOIN order_timeout_setting AS setting
       LEFT JOIN order_timeout_policy AS policy ON policy.source_type = ${type}
      WHERE ${conditions.join(' AND ')}`;
}

/**
 * `… AS amount FROM …` of what an order takes of a kind, from `due_order (order_id)` and the shop's tables: what a due
 * view says of returns is left to the engine itself. Undefined: that can't be said.
 */
function amountOf(
  { line, order, by, table, ...rule }: ShopContext['rules'][number],
  { orders }: ShopContext,
  about: string | undefined,
): string | undefined {
  const due = `FROM due_order JOIN ${orders.table} AS o ON o.${orders.id} = due_order.order_id`;
  if (line !== null) {
    const only = line.only === null ? '' : ` AND (${line.only})`;
    return `line.${line.amount ?? '0'} AS amount ${due}
       JOIN ${line.table} AS line ON line.${line.order} = o.${orders.id}${only}`;
  }
  if (order !== null) return `${order.amount} AS amount ${due}`;
  if (by !== null) {
    const condition = rule.if === null ? by : `${by} AND (${rule.if})`;
    return `1 AS amount ${due} WHERE EXISTS (SELECT 1 FROM ${table} AS target WHERE ${condition})`;
  }
  return about === undefined ? undefined : `(${about}) AS amount ${due}`;
}

const LIMIT_MS = 10_000;
const TIMED_OUT = 3024;

/** What a sweep would move now, in a line for people. */
export async function sayFirstSweep(
  db: Connection,
  context: ShopContext,
  { clock, file }: Blueprint,
  { ownTables }: DatabaseState,
): Promise<string> {
  const standIns = Object.entries(FIRST_ROWS).filter(([table]) => !ownTables.has(table));
  const tables = [...standIns, ['due_order', selectDue(context)]];
  // What is released and not counted is not counted here either.
  const counted = context.rules.filter(({ journal }) => journal);
  const amounts = counted.flatMap((rule) => {
    const amount = amountOf(rule, context, file?.give_back[rule.kind]?.about);
    const kind = quoteString(rule.kind);
    return amount === undefined
      ? []
      : [`SELECT ${kind}, SUM(amount) FROM (SELECT ${amount}) AS given`];
  });
  const question = `WITH ${tables.map(([name, sql]) => `${name} AS (${sql})`).join(',\n')}
    ${[
      `SELECT /*+ MAX_EXECUTION_TIME(${LIMIT_MS}) */ '' AS kind, COUNT(*) AS amount FROM due_order`,
      ...amounts,
    ].join('\nUNION ALL ')}`;
  // In the shop's clock a DATETIME and a TIMESTAMP column compare alike.
  await db.query('SET SESSION time_zone = ?', [clock]);
  try {
    const counted = await unless(
      [TIMED_OUT],
      select<{ kind: string; amount: string | number | null }>(db, question),
    );
    const [orders, ...given] = (counted ?? []).map(({ kind, amount }) =>
      `${kind} ${Number(amount ?? 0).toLocaleString('en')}`.trim(),
    );
    if (orders === undefined)
      return `What the first sweep would cancel could not be counted within ${LIMIT_MS / 1000} s.`;
    const back = given.length === 0 ? '' : ` and give back about ${given.join(', ')}`;
    const out =
      context.orders.type === null
        ? ''
        : ' Orders of a type that order_timeout_policy switches off are left out: at first of type 3.';
    return `The first sweep would cancel ${orders} order${orders === '1' ? '' : 's'}${back}.${out}`;
  } finally {
    await db.query("SET SESSION time_zone = '+00:00'");
  }
}

const ACTIONS = 'order_timeout_ledger_action';
const NEWEST = 10_000;

/** What the table holds at first, as the migration has it. */
const seedIn = ({ migrations }: Blueprint) =>
  new RegExp(`INTO ${ACTIONS} [^;]*? FROM (\\([^;]*?\\)) AS`).exec(
    migrations.map(({ up }) => up.replaceAll(/\s+/g, ' ')).join(' '),
  )?.[1];

/** The actions of the newest rows of each ledger that is read by them, with what they are taken for. */
export async function sayActions(
  db: Connection,
  blueprint: Blueprint,
  { ownTables }: DatabaseState,
): Promise<Finding[]> {
  const known = ownTables.has(ACTIONS) ? ACTIONS : seedIn(blueprint);
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
          `say in ${ACTIONS} what an action means; one that is not listed came back where it is positive, and is not counted where it is negative`,
        ),
      );
  }
  return found;
}
