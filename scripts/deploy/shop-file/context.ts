import { quoteName, quoteString } from '../text';
import {
  type Assignment,
  assignments,
  asWritten,
  type Ground,
  inView,
  orderColumns,
  ordersOf,
  waysOf,
  withLast,
} from './orders-context';
import type { Shop } from './read';
import type { Table } from '../tables';
import {
  fillDueView,
  referencesIn,
  reword,
  soleColumn,
  tellsBalance,
  usesOf,
  withoutTexts,
  wordsIn,
} from './expressions';
import { type Rule, type ShopFile, TELLS, type Values, wayOf, WAYS } from './schema';

export type ShopContext = ReturnType<typeof toContext>;

/**
 * What the templates are filled with. Names are quoted; what is not there is null, so that no outer value shows through.
 * `owing`: kinds of which something may be owed, though they are shared no longer.
 */
export function toContext(
  { file, due }: Shop,
  found: Pick<Ground, 'tables' | 'indexes'>,
  owing: readonly string[],
) {
  const ground = { ...found, file };
  const kinds = Object.entries(file.give_back);
  const reaches = kinds
    .filter(([, rule]) => rule.shared !== true)
    .flatMap(([kind, rule]) => reachesOf(kind, rule, ground));
  const reached = [...new Set(reaches.map(({ kind }) => kind))];
  const counted = reached.filter((kind) =>
    reaches.every((reach) => reach.kind !== kind || reach.is_counted),
  );
  const rules = kinds.map(([kind, rule]) => ({
    ...ruleOf(kind, rule, due.get(kind), ground),
    /** The sweep gives what is owed. */
    owes: rule.shared === true || owing.includes(kind),
  }));
  const unauditable = rules.filter(({ is_auditable }) => !is_auditable);
  const hasAmount = (name: string) =>
    rules.some(({ kind, amount_column }) => kind === name && amount_column !== null);
  return {
    orders: ordersOf(ground),
    rules: withLast(rules),
    /** Kinds of which it is known what the shop's own cancel gave back: by a due view, or by rows that name their order. */
    auditable: withLast(rules.filter(({ is_auditable }) => is_auditable)),
    unauditable_kinds: unauditable.map(({ kind }) => kind).join(', ') || 'none',
    /** Whether there are kinds with an amount of the names that have result columns of their own. */
    coupon_kind: hasAmount('coupon'),
    points_kind: hasAmount('points'),
    /** How rows are reached, to be locked: of all rules but shared ones. */
    reaches,
    /** Tables that routines read by their own name, in subqueries of the file. */
    tables_read: [...usesOf(file).named].map(quoteName),
    /** Kinds of which each reached row has a key of its own: a list of texts. */
    counted_kinds: counted.map(quoteString).join(', ') || "''",
  };
}

function ruleOf(kind: string, rule: Rule, dueSql: string | undefined, ground: Ground) {
  const { file, tables, indexes } = ground;
  const { target, lines, order, held, named, set = {}, open, ledger, tells = [] } = rule;
  const table = tables.get(target.table);
  const write = ledger && assignments(tables.get(ledger.table), ledger.write);
  const opened = open && assignments(table, open);
  const sets = assignments(table, set);
  const amount = amountOf(rule, table);
  const only = inView(target.only);
  const ledgerIndex = indexes.find(({ path }) => path === `give_back.${kind}.ledger`);
  /** By which columns rows are found, and orders that name the same. */
  const found = named ? Object.keys(named.by) : held ? [held.by] : null;
  const naming = Object.values(named?.by ?? {}).flatMap((value) => soleColumn(value, 'o') ?? []);
  const read = Object.values(set).flatMap((value) => referencesIn(String(value)));
  const columns = [
    target.id,
    ...(amount === undefined ? [] : [amount.column]),
    ...Object.keys({ ...set, ...open }),
    ...[...read, ...referencesIn(rule.free ?? '')]
      .filter(({ alias }) => alias === 'target')
      .map(({ column }) => column),
  ];
  const ways = Object.fromEntries(WAYS.map((way) => [`is_${way}`, wayOf(rule) === way]));
  return {
    ...(ways as Record<`is_${(typeof WAYS)[number]}`, boolean>),
    kind,
    is_auditable: rule.journal !== false && (rule.due !== undefined || rule.held !== undefined),
    table: quoteName(target.table),
    table_text: target.table,
    id: quoteName(target.id),
    key: indexOf(kind, target.table, [target.id], ground),
    only,
    columns: distinct(columns)
      .map((column) => `target.${quoteName(column)}`)
      .join(', '),
    due_sql:
      dueSql === undefined
        ? null
        : fillDueView(dueSql, only ?? 'TRUE', (read) => {
            const needed = indexes.find(({ path }) => path === `give_back.${kind}.reads.${read}`);
            return needed && `FORCE INDEX (${quoteName(needed.name)})`;
          }),
    tells: Object.fromEntries(TELLS.map((name) => [name, tells.includes(name)])),
    line: lines ? lineOf(lines, kind, ground) : null,
    order: order ? { target: inView(order.target), amount: inView(order.amount) } : null,
    named: named
      ? {
          target: inView(named.target),
          /** Which orders `other` name the same rows as the order `o`. */
          same: Object.values(named.by)
            .map((value) => `${ofOther(value)} = ${inView(value)}`)
            .join(' AND '),
          index: naming.length > 0 ? indexOf(kind, file.orders.table, naming, ground) : null,
        }
      : null,
    index: found && indexOf(kind, target.table, found, ground),
    by: named
      ? equals(named.by)
      : held
        ? equals({ [held.by]: `o.${quoteName(file.orders.id)}` })
        : null,
    if: inView((named ?? held)?.if),
    free: inRoutine(rule.free, file),
    /** What is set ends that a row is held: one that is held after that was taken anew. */
    is_released:
      held !== undefined &&
      [{ alias: 'target', column: held.by }, ...referencesIn(held.if ?? '')].some(
        ({ alias, column }) =>
          alias === 'target' && Object.keys(set).some((name) => isSame(name, column)),
      ),
    open: opened ? { columns: namesOf(opened), values: valuesOf(opened) } : null,
    ledger:
      ledger && write
        ? {
            table: quoteName(ledger.table),
            table_text: ledger.table,
            /** Null: nothing in the row says whose it is. */
            index: ledgerIndex === undefined ? null : quoteName(ledgerIndex.name),
            columns: namesOf(write),
            values: valuesOf(write),
            /** What the row has after a refund; the ledger is written before the balance. */
            balance: tellsBalance(ledger.write)
              ? amountOf(rule, table, `SUM(refund.amount) OVER (${ONE_BY_ONE})`)?.value
              : null,
            match: matchOf(ledger.write, tables.get(ledger.table)).join(' AND '),
            of_user: userColumnOf(ledger.write),
            told: toldBy(ledger.write),
            kinds: kindsAlike(ledger, file),
          }
        : null,
    set: sets,
    /** What a refund does to its row: the amount, and what is set unless the row keeps its state. */
    changes: withLast([
      ...(amount === undefined ? [] : [{ column: quoteName(amount.column), value: amount.value }]),
      ...sets.map(({ column, value }) => ({
        column,
        value: !tells.includes('keeps_state')
          ? value
          : `IF(given.keeps_state, target.${column}, ${value})`,
      })),
    ]),
    amount_column: amount === undefined ? null : quoteName(amount.column),
    floor: rule.floor === undefined ? null : String(rule.floor),
    shared: rule.shared === true,
    journal: rule.journal !== false,
    source_comment: `${sourceOf(rule)} to ${target.table}.${amount?.column ?? Object.keys(set).join(', ')}`,
  };
}

/** An expression over o and target as it stands in a routine, where both are the engine's views. */
function inRoutine(expression: string | undefined, file: ShopFile): string | null {
  if (expression === undefined) return null;
  const { nameOf } = orderColumns(file);
  return reword(inView(expression), ({ alias, column = '' }) =>
    alias === 'o' ? `o.${quoteName(nameOf(column))}` : undefined,
  );
}

const ofOther = (expression: string) =>
  reword(inView(expression), ({ alias, column = '' }) =>
    alias === 'o' ? `other.${quoteName(column)}` : undefined,
  );

/** Refunds of a batch that go to one row. */
const ONE_BY_ONE = 'PARTITION BY refund.account_id ORDER BY refund.order_id, refund.target_id';

const OF_USER = 'refund.user_id';

/** Where the ledger says whose the row is. */
function userColumnOf(write: Values): string | null {
  const [column] = Object.entries(write).find(([, value]) => value === OF_USER) ?? [];
  return column === undefined ? null : `row_of.${quoteName(column)}`;
}

/** Values that are others when they are asked for again: times that are no plain :now, what a row of others says, what is new each time. */
const PASSING =
  /\bSELECT\b(?!.*refund\.order_id)|(?<![.`])\b((RAND|UUID(_SHORT)?|NOW|SYSDATE|CURDATE|CURTIME|UNIX_TIMESTAMP)\s*\(|(CURRENT|UTC)_(DATE|TIME)|LOCALTIME)|:remark\b|.:now\b|:now\b./is;

/** What a ledger's row still says of its refund. */
const lasting = (write: Values) =>
  Object.entries(write).filter(
    ([column, value]) =>
      !PASSING.test(withoutTexts(String(value)).trim()) && !tellsBalance({ [column]: value }),
  );

/** What tells the ledger's row `row_of` of a refund: all that lasts but whose, and when to the second. */
const matchOf = (write: Values, table?: Table) =>
  lasting(write)
    .filter(([, value]) => value !== OF_USER)
    .map(([column, value]) => {
      const name = `row_of.${quoteName(column)}`;
      // A number beside a text would be compared as numbers, by no index.
      const isText = table?.columns.get(column.toLowerCase())?.characters != null;
      const isNumber = soleColumn(String(value), 'refund') !== undefined;
      if (isText && isNumber) return `${name} <=> CONCAT(${asWritten(value)})`;
      return wordsIn(String(value)).includes('now')
        ? `${name} BETWEEN refund.refunded_at - INTERVAL 1 SECOND AND refund.refunded_at + INTERVAL 1 SECOND`
        : `${name} <=> ${asWritten(value)}`;
    });

/** The kinds whose rows in the ledger could be this one's: all that tells its own is written there, too. */
function kindsAlike({ table, write }: NonNullable<Rule['ledger']>, { give_back }: ShopFile) {
  const alike = Object.entries(give_back).filter(
    ([, { ledger }]) =>
      ledger?.table === table &&
      matchOf(write).every((condition) => matchOf(ledger.write).includes(condition)),
  );
  return alike.map(([kind]) => quoteString(kind)).join(', ');
}

/** By which columns of the journal the ledger tells the refunds of an order apart. */
function toldBy(write: Values): string[] {
  const texts = lasting(write).map(([, value]) => String(value));
  const named = texts.flatMap(referencesIn).map(({ column }) => column);
  const words = texts.flatMap(wordsIn);
  return [
    ...['target_id', 'account_id', 'amount'].filter((column) => named.includes(column)),
    ...(words.includes('now') ? ['batch_id'] : words.includes('action') ? ['cause'] : []),
  ];
}

const isSame = (name: string, other: string) => name.toLowerCase() === other.toLowerCase();
const distinct = (names: readonly string[]) =>
  names.filter((name, position) => names.findIndex((other) => isSame(other, name)) === position);
const namesOf = (items: readonly Assignment[]) => items.map(({ column }) => column).join(', ');
const valuesOf = (items: readonly Assignment[]) => items.map(({ value }) => value).join(', ');
const equals = (by: Readonly<Record<string, string>>) =>
  Object.entries(by)
    .map(([column, value]) => `target.${quoteName(column)} = ${inView(value)}`)
    .join(' AND ');

/** An unsigned column can't be subtracted from below 0, and a NULL is 0. */
function amountOf(
  { add, subtract, floor }: Rule,
  table: Table | undefined,
  given = 'given.amount',
): { column: string; value: string } | undefined {
  const column = add ?? subtract;
  if (column === undefined) return undefined;
  const { nullable = true, fullType = '' } = table?.columns.get(column.toLowerCase()) ?? {};
  const name = `target.${quoteName(column)}`;
  const filled = nullable ? `COALESCE(${name}, 0)` : name;
  if (add !== undefined) return { column, value: `${filled} + ${given}` };
  const signed = /unsigned/i.test(fullType) ? `CAST(${filled} AS SIGNED)` : filled;
  const left = `${signed} - ${given}`;
  return { column, value: floor === undefined ? left : `GREATEST(${left}, ${floor})` };
}

function sourceOf({ lines, order, held, named, due }: Rule): string {
  if (lines) return `lines of ${lines.table}`;
  if (order) return order.amount;
  return (
    due ??
    (held ? `rows with the order in ${held.by}` : `the row that ${named?.target ?? ''} names`)
  );
}

type Lines = Omit<NonNullable<Rule['lines']>, 'amount'> & { readonly amount?: string };

function lineOf(lines: Lines, kind: string, ground: Ground) {
  return {
    table: quoteName(lines.table),
    order: quoteName(lines.order),
    target: quoteName(lines.target),
    amount: lines.amount === undefined ? null : quoteName(lines.amount),
    only: inView(lines.only),
    index: indexOf(kind, lines.table, [lines.order], ground),
  };
}

/**
 * The index by which a rule reaches rows. It is named in the views: left to itself the optimizer reads all of a table
 * that is small, or that it takes for small, and waits for each row that somebody holds.
 */
function indexOf(kind: string, table: string, columns: readonly string[], { indexes }: Ground) {
  const index = indexes.find(
    (needed) =>
      needed.path.startsWith(`give_back.${kind}.`) &&
      needed.table === table &&
      needed.columns.join() === columns.join(),
  );
  return quoteName(index?.name ?? '');
}

function reachesOf(kind: string, rule: Rule, ground: Ground) {
  const { file, tables } = ground;
  const ways = waysOf(rule, file);
  return ways.map((way, position) => ({
    // No kind begins with a digit.
    reach: ways.length === 1 ? kind : `${position + 1}_${kind}`,
    kind,
    table: quoteName(rule.target.table),
    table_text: rule.target.table,
    id: quoteName(rule.target.id),
    free: inRoutine(rule.free, file),
    set: assignments(tables.get(rule.target.table), rule.set ?? {}),
    is_id: way.id !== undefined,
    is_lines: way.lines !== undefined,
    is_by: way.by !== undefined,
    /** In a routine o is the engine's view of the orders. */
    value: inRoutine(way.id, file),
    when: inRoutine(way.id === undefined ? undefined : way.if, file),
    line: way.lines ? lineOf(way.lines, kind, ground) : null,
    by: way.by ? equals(way.by) : null,
    index: way.by ? indexOf(kind, rule.target.table, Object.keys(way.by), ground) : null,
    if: inView(way.if),
    is_counted: way.by === undefined || rule.held !== undefined,
  }));
}
