import { isDeepStrictEqual } from 'node:util';
import type { Shop } from './shop';

/** Rows as the database has them, without what differs from run to run. A yes or no is 1 or 0. */
type Row = Record<string, unknown>;
export type State = Record<string, Row[]>;

const SHOP_TABLES: Record<string, string> = {
  orders: `SELECT id, user_id, status, cancelled_at IS NOT NULL AS has_cancelled_at
             FROM orders ORDER BY id`,
  user_coupons: `SELECT id, user_id, status, balance_amount, used_order_id, used_at IS NOT NULL AS has_used_at
                   FROM user_coupons ORDER BY id`,
  user_coupon_ledger: `SELECT user_id, user_coupon_id, change_amount, order_id, action
                         FROM user_coupon_ledger ORDER BY user_coupon_id, order_id, action, change_amount`,
  // nth stands for the id, which a new row gets from the server.
  user_points: `SELECT user_id, ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY id) AS nth, points,
                       valid_end IS NOT NULL AS has_valid_end
                  FROM user_points ORDER BY user_id, id`,
  user_points_ledger: `SELECT user_id, action, points, ref_table, ref_id, remark
                         FROM user_points_ledger ORDER BY user_id, ref_id, action, points, remark`,
};

/** The engine's journal: every column but those that differ from run to run. */
export const ENGINE_TABLES = [
  'order_timeout_batch',
  'order_timeout_cancellation',
  'order_timeout_refund',
  'order_timeout_failure',
  'order_timeout_hold',
  'order_timeout_owed',
  'order_timeout_finding',
];
/** ledger_taken is for the findings, which tell it too. */
const DIFFERS =
  /^(id|batch_id|run_id|account_id|position|called_by|held_by|settled_by|error_message|ledger_taken|.*_at|held_until)$/;

/** All orders, balances, ledgers and, where the engine is deployed, its journal. */
export async function wholeState(shop: Shop): Promise<State> {
  const state: State = {};
  for (const [table, sql] of Object.entries(SHOP_TABLES)) {
    state[table] = (await shop.run(sql)).map((row) => ({ ...row }));
  }
  for (const table of shop.isDeployed ? ENGINE_TABLES : []) {
    state[table] = (await shop.run(`SELECT * FROM ${table}`)).map(withoutWhatDiffers).sort(byText);
  }
  return state;
}

function withoutWhatDiffers(row: Row): Row {
  return Object.fromEntries(Object.entries(row).filter(([column]) => !DIFFERS.test(column)));
}

function byText(one: Row, other: Row): number {
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
}

/** What something did to the whole state, see `changes()`. */
export async function changesOf(shop: Shop, act: () => Promise<unknown>): Promise<State> {
  const before = await wholeState(shop);
  await act();
  return changes(before, await wholeState(shop));
}

const KEYS: Record<string, readonly string[]> = {
  orders: ['id'],
  user_coupons: ['id'],
  user_points: ['user_id', 'nth'],
  order_timeout_refund: ['order_id', 'kind', 'target_id'],
  order_timeout_failure: ['order_id'],
  order_timeout_hold: ['order_id'],
  order_timeout_finding: ['order_id', 'kind', 'target_id', 'what'],
};

/**
 * The tables that differ, and of each what differs: a new row in full; a changed one as its key and
 * `field: [before, after]`; one that is gone as `{ gone: row }`. `{}`: nothing happened.
 */
export function changes(before: State, after: State): State {
  const differing: State = {};
  for (const table of Object.keys(after)) {
    const rows = rowChanges(before[table] ?? [], after[table] ?? [], KEYS[table]);
    if (rows.length > 0) differing[table] = rows;
  }
  return differing;
}

function rowChanges(before: readonly Row[], after: readonly Row[], key?: readonly string[]): Row[] {
  const gone = [...before];
  const fresh: Row[] = [];
  for (const row of after) {
    const same = gone.findIndex((old) => isDeepStrictEqual(old, row));
    if (same === -1) fresh.push(row);
    else gone.splice(same, 1);
  }
  const changed = fresh.map((row) => {
    const was = key && gone.findIndex((old) => key.every((name) => old[name] === row[name]));
    if (key === undefined || was === undefined || was === -1) return row;
    const [old] = gone.splice(was, 1);
    return fieldChanges(old ?? {}, row, key);
  });
  return [...changed, ...gone.map((row) => ({ gone: row }))];
}

function fieldChanges(old: Row, row: Row, key: readonly string[]): Row {
  return Object.fromEntries(
    Object.keys(row)
      .filter((field) => key.includes(field) || old[field] !== row[field])
      .map((field) => [field, key.includes(field) ? row[field] : [old[field], row[field]]]),
  );
}
