import type { Connection } from 'mysql2/promise';
import { select, selectColumn } from './connection';
import { sayPrivilege } from './account';
import type { Step } from './step';
import { type Finding, mistake, mistakesIn, remark } from './errors';
import type { Privilege } from './grants';
import { type ObjectSource, ownTables, renderSource, type Source } from './source';
import { findRegistered } from './registry';
import { applyProposals, checkShopFile, type Deployed, identityOf } from './shop-file/check';
import {
  assembleShop,
  BUILT_IN,
  loadShop,
  readStoredShop,
  type Shop,
  type StoredShop,
  viewsOf,
} from './shop-file/read';
import { type NeededIndex, readTables, type Table } from './tables';
import { readShopFacts } from './shop-file/facts';
import { planKeepFile } from './shop-file/keep';
import type { ShopFile } from './shop-file/schema';
import { type ShopContext, toContext } from './shop-file/context';
import { referencesIn, usesOf } from './shop-file/expressions';
import { type DatabaseState, DEFAULT_CLOCK } from './state';

/** What is deployed to one shop: this version's files, filled for it. */
export interface Blueprint extends Pick<Source, 'version' | 'migrations'> {
  /** In the order of deployment; empty: the shop will not do. */
  readonly objects: readonly ObjectSource[];
  /** What they are filled with; undefined, as the next one: the shop will not do. */
  readonly context?: ShopContext | undefined;
  readonly file?: ShopFile;
  /** UTC offset in which the shop writes its DATETIMEs: given now, else as it is set. */
  readonly clock: string;
  /** The shop's, by name. */
  readonly tables: ReadonlyMap<string, Table>;
  readonly indexes: readonly NeededIndex[];
  /** What the definer account may do with the shop's tables. */
  readonly shopPrivileges: readonly Privilege[];
  /** Another shop file than what is deployed, or the rest of such a deployment that was cut short. */
  readonly isAnotherFile: boolean;
  /** Kinds that get another name, and have rows under the old one. */
  readonly renames: readonly Rename[];
  /** Keeps the shop file as it is deployed, so that later commands need no file. */
  readonly keepFile: readonly Step[];
  /** About the shop; with a mistake nothing can be deployed to it. */
  readonly findings: readonly Finding[];
}

export interface Rename {
  readonly was: string;
  readonly kind: string;
  /** At which orders its rows in the journal are cut into slices. */
  readonly slices: readonly string[];
}

export interface ShopOptions {
  /** Path of a shop file; default: the one that is deployed, else the built-in one. */
  readonly shop?: string | undefined;
  /** Writes into the file what is proposed for it, where the file is new here. */
  readonly takeProposals?: boolean | undefined;
  readonly clock?: string | undefined;
}

/** Its lines would name a file that nobody has seen. */
const NO_SHOP_FILE = mistake(
  'shop',
  'No shop file was given, and the tables are not those of the built-in one (sql/shops/built-in.yaml, to which the lines below belong)',
  'If they are to be others: order-timeout shop --guess writes a file to begin with, for --shop',
);

/** Reads the shop's side of a deployment. Changes nothing. */
export async function readShop(
  db: Connection,
  source: Source,
  state: DatabaseState,
  { shop: path, takeProposals = false, clock }: ShopOptions = {},
): Promise<Blueprint> {
  const stored = await readStoredShop(db);
  const isNew = path !== undefined || stored === undefined;
  const deployed = stored && (await readDeployed(db, stored, state));
  const look = async (shop: ReturnType<typeof assembleShop>) => {
    if ('mistakes' in shop) return { findings: shop.mistakes };
    const facts = await readShopFacts(db, shop);
    return { shop, facts, ...checkShopFile(shop, facts, deployed) };
  };
  let seen = await look(
    isNew ? await loadShop(path ?? BUILT_IN) : assembleShop(stored.text, stored.views),
  );
  let taken: Finding[] = [];
  // A mistake is told with the line that it has in the file as it was given.
  if ('shop' in seen && isNew && takeProposals && mistakesIn(seen.findings).length === 0) {
    const proposed = seen.findings.filter(({ proposal }) => proposal !== undefined);
    const text = applyProposals(seen.shop.text, proposed);
    if (proposed.length > 0) seen = await look(assembleShop(text, viewsOf(seen.shop)));
    taken = proposed.map(({ about, text: why, proposal }) =>
      remark(about, `${why}: "${about}: ${proposal}" is written into the file that is deployed`),
    );
  }
  const always = {
    version: source.version,
    migrations: source.migrations,
    clock: clock ?? state.setting?.clock ?? DEFAULT_CLOCK,
  };
  if (!('shop' in seen)) {
    const nothing = { objects: [], tables: new Map(), indexes: [], shopPrivileges: [] };
    const noFile = { isAnotherFile: false, renames: [], keepFile: [] };
    return { ...always, ...nothing, ...noFile, findings: seen.findings };
  }
  const { shop, facts, indexes } = seen;
  const isAssumed = path === undefined && isNew && mistakesIn(seen.findings).length > 0;
  const findings = isAssumed ? [NO_SHOP_FILE, ...seen.findings] : seen.findings;
  const { tables } = facts;
  const owing = await readOwing(db, shop, state);
  const context =
    mistakesIn(findings).length === 0 ? toContext(shop, { tables, indexes }, owing) : undefined;
  const keepsFile = ownTables(source).includes('order_timeout_shop');
  const keepFile = keepsFile ? [...planKeepFile(shop, stored, deployed?.file)] : [];
  return {
    ...always,
    objects: context ? renderSource(source, { clock: always.clock, ...context }) : [],
    context,
    file: shop.file,
    tables,
    indexes,
    shopPrivileges: privilegesOn(shop.file, state.schema, tables),
    isAnotherFile: stored !== undefined && (keepFile.length > 0 || isCutShort(state)),
    renames: await readRenames(db, shop, stored, state),
    keepFile,
    findings: [
      ...taken,
      ...findings,
      ...(shop.file.must ?? []).map((text) => remark('must', text)),
    ],
  };
}

/** No DELETE anywhere, and UPDATE of single columns only; a row can be locked only by who may update some of it. */
function privilegesOn(file: ShopFile, schema: string, tables: ReadonlyMap<string, Table>) {
  const update = (table: string, columns: readonly (string | undefined)[]) =>
    columns
      .filter((column) => column !== undefined)
      .map((column) => ({ name: 'UPDATE', schema, table, column }));
  const { table, status, set = {}, paid_set = {} } = file.orders;
  const isGenerated = tables.get(table)?.columns.get(status.column.toLowerCase())?.generated === 1;
  const privileges: Privilege[] = [
    ...[...usesOf(file).tables.keys()].map((name) => ({ name: 'SELECT', schema, table: name })),
    ...update(table, [
      isGenerated ? undefined : status.column,
      ...Object.keys({ ...set, ...paid_set }),
    ]),
    ...Object.values(file.give_back).flatMap((rule) => {
      const { target, add, subtract, set = {}, open, ledger, lines, reach = [] } = rule;
      const filled = [open && target.table, ledger?.table];
      return [
        ...update(target.table, [add, subtract, ...Object.keys(set)]),
        ...filled.flatMap((table) => (table ? [{ name: 'INSERT', schema, table }] : [])),
        ...[lines, ...reach.map((way) => way.lines)].flatMap((way) =>
          way ? update(way.table, [way.order]) : [],
        ),
      ];
    }),
  ];
  return [...new Map(privileges.map((one) => [sayPrivilege(one), one])).values()];
}

/** Kinds with rows in the journal: they must keep their keys. Undefined: nothing is deployed. */
async function readDeployed(
  db: Connection,
  { text, views, kinds }: StoredShop,
  state: DatabaseState,
): Promise<Deployed | undefined> {
  if (!state.ownTables.has('order_timeout_refund')) return undefined;
  const shop = assembleShop(text, views);
  // Of a file that this version cannot read the names are known all the same.
  const file = 'mistakes' in shop ? undefined : shop.file;
  const withRows: string[] = [];
  // A deployment that was cut short has stored the new name of a kind, and not given it to all rows.
  const rules = isCutShort(state) ? Object.values(file?.give_back ?? {}) : [];
  const old = rules.flatMap(({ was = [] }) => was);
  // And a kind may have had its first rows while a deployment took it away.
  const owed = await readOwedKinds(db, state);
  for (const kind of new Set([...Object.keys(kinds), ...old, ...owed])) {
    if (file?.give_back[kind]?.journal === false) continue;
    const sql = 'SELECT 1 FROM order_timeout_refund WHERE kind = ? LIMIT 1';
    if ((await select(db, sql, [kind])).length > 0) withRows.push(kind);
  }
  const { table = '', id = '' } = file?.orders ?? {};
  const earlier = Object.values(file?.give_back ?? {});
  const names = earlier.flatMap(({ target, lines }) => [target.table, lines?.table ?? '']);
  const tables = await readTables(db, [table, ...names]);
  // A view in the place of a table that was renamed is none.
  const isThere = (name: string, column: string) =>
    tables.get(name)?.type === 'BASE TABLE' &&
    tables.get(name)?.columns.has(column.toLowerCase()) === true;
  const renamed = earlier.flatMap((rule) => {
    const [row, by] = identityOf(rule);
    const { target, lines, named } = rule;
    const columns = referencesIn(named?.target ?? '').map(({ column }) => column);
    const isNamed = lines
      ? isThere(lines.table, lines.target)
      : columns.every((column) => isThere(table, column));
    return [...(isThere(target.table, target.id) ? [] : [row]), ...(isNamed ? [] : [by])];
  });
  return {
    file,
    kinds: withRows,
    orders: isThere(table, id) ? { table, id } : undefined,
    renamed: new Set(renamed),
  };
}

/** Whatever writes the journal goes through these. */
export const SETTLING = ['order_timeout_settle_order', 'order_timeout_settle_orders'];

const isCutShort = ({ registry }: DatabaseState) =>
  SETTLING.some((name) => findRegistered(registry, { kind: 'function', name })?.checksum == null);

/** Rows of the journal that one statement renames. */
const SLICE = 10_000;

/**
 * Kinds that are stored under their old name; and, where a deployment was cut short after it had stored the new file,
 * those of which there are rows.
 */
async function readRenames(
  db: Connection,
  { file }: Shop,
  stored: StoredShop | undefined,
  state: DatabaseState,
): Promise<Rename[]> {
  const renames: Rename[] = [];
  for (const [kind, { was }] of Object.entries(file.give_back)) {
    if (was === undefined || stored === undefined || !state.ownTables.has('order_timeout_refund'))
      continue;
    if (!(was in stored.kinds) && !isCutShort(state)) continue;
    const slices = await selectColumn(
      db,
      `SELECT CAST(order_id AS CHAR)
         FROM (SELECT order_id, ROW_NUMBER() OVER (ORDER BY order_id) AS nth FROM order_timeout_refund WHERE kind = ?) AS numbered
        WHERE nth % ? = 0 ORDER BY order_id`,
      [was, SLICE],
    );
    renames.push({ was, kind, slices: [...new Set(slices)] });
  }
  return renames;
}

async function readOwedKinds(db: Connection, { ownTables }: DatabaseState): Promise<string[]> {
  if (!ownTables.has('order_timeout_owed')) return [];
  return selectColumn(db, 'SELECT DISTINCT kind FROM order_timeout_owed');
}

/** Kinds of which something may be owed: what was shared keeps the routine that gives it. */
async function readOwing(db: Connection, { file }: Shop, state: DatabaseState) {
  const { objects } = state;
  const owed = await readOwedKinds(db, state);
  const mayOwe = (kind: string) =>
    owed.includes(kind) || objects.some(({ name }) => name === `order_timeout_give_owed_${kind}`);
  return Object.entries(file.give_back)
    .filter(([kind, { was }]) => mayOwe(kind) || mayOwe(was ?? kind))
    .map(([kind]) => kind);
}
