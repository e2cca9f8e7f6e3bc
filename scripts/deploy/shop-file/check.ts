import { parseDocument } from 'yaml';
import { type Column, type NeededIndex, neededIndexes, type Table } from '../tables';
import { enumerate } from '../text';
import { type ColumnUse, type Expression, referencesIn, soleText, usesOf } from './expressions';
import {
  aliveBy,
  checkStatuses,
  DEAD_COLUMNS,
  fits,
  isCode,
  isInteger,
  isTime,
  PAID_COLUMNS,
  type ShopFacts,
} from './facts';
import { type ParsedFile } from './read';
import { type Finding, mistake, mistakesIn, remark } from '../errors';
import { CAUSES, type Rule, type ShopFile, type Value, wayOf } from './schema';

/** Holds a shop file against the database, mistakes first. `deployed`: what is there already; undefined: nothing. */
export function checkShopFile(
  { file, withLines }: Omit<ParsedFile, 'text'>,
  facts: ShopFacts,
  deployed?: Deployed,
) {
  const indexes = neededIndexes(file, facts.tables);
  const findings = withLines([
    ...checkDatabase(file, facts, indexes),
    ...checkStatuses(file, facts),
    ...checkKinds(file, deployed),
    ...proposals(file, facts),
  ]);
  const remarks = findings.filter(({ severity }) => severity === 'remark');
  return { findings: [...mistakesIn(findings), ...remarks], indexes };
}

function* checkDatabase(file: ShopFile, facts: ShopFacts, indexes: readonly NeededIndex[]) {
  const { tables, columns, expressions } = usesOf(file);
  for (const [name, path] of tables) yield* checkTable(name, path, facts.tables);
  for (const use of columns) {
    const table = facts.tables.get(use.table);
    const column = table?.columns.get(use.column.toLowerCase());
    const complaint = table && complaintAbout(use, table, column);
    if (complaint !== undefined) yield mistake(use.path, ...complaint);
    else if (use.amount === true && column?.nullable)
      yield remark(use.path, `${use.table}.${use.column} may be NULL`, 'NULL is counted as 0');
  }
  for (const expression of expressions) yield* checkExpression(expression, facts);
  for (const [kind, { due: sql }] of Object.entries(file.give_back))
    if (sql !== undefined)
      yield* checkExpression(
        { path: `give_back.${kind}.due`, sql, names: {}, isInteger: true },
        facts,
      );
  for (const { path, table, columns, unique, isThere } of indexes) {
    const known = facts.tables.get(table)?.columns;
    if (unique && !isThere && columns.every((column) => known?.has(column.toLowerCase())))
      yield mistake(
        path,
        `${table} has no PRIMARY KEY or UNIQUE KEY on (${columns.join(', ')})`,
        'Rows are found and locked by it: add one. A table that is partitioned by another column can have none',
      );
  }
  yield* checkNewRows(file, facts);
}

function* checkTable(name: string, path: string, tables: ShopFacts['tables']) {
  const table = tables.get(name);
  // A server with lower_case_table_names finds it, and has another name for it.
  const meant = [...tables.keys()].find((other) => other.toLowerCase() === name.toLowerCase());
  if (table === undefined)
    yield mistake(
      path,
      `${name} is missing, or this account may not see it`,
      meant === undefined
        ? 'Mend its name, or grant SELECT on it'
        : `The server calls it ${meant}: write that`,
    );
  else if (table.type !== 'BASE TABLE')
    yield mistake(path, `${name} is a ${table.type.toLowerCase()}`, 'Name the table behind it');
  else if (table.engine?.toLowerCase() !== 'innodb')
    yield mistake(
      path,
      `${name} is ${table.engine ?? 'of no engine'}`,
      'Refunds need transactions: make it InnoDB',
    );
}

/** Why a column won't do, and what to do; undefined: it will. */
function complaintAbout(
  use: ColumnUse,
  table: Table,
  column: Column | undefined,
): [string, string] | undefined {
  if (column === undefined)
    return [`${use.table} has no column ${use.column}`, suggest(use.column, table)];
  const name = `${use.table}.${use.column}`;
  const { fullType, type } = column;
  if (use.type === 'integer' && !isInteger(column))
    return [
      `${name} is ${fullType}: expected an integer type`,
      ['decimal', 'float', 'double'].includes(type)
        ? 'Fractions get lost when they are added up: keep amounts in the smallest unit'
        : 'Name an integer column',
    ];
  if (use.type === 'code' && !isCode(column))
    return [
      `${name} is ${fullType}: expected an integer type, ENUM, or VARCHAR of at most 255 characters`,
      'Name a column of such a type',
    ];
  if (use.type === 'time' && !isTime(column))
    return [`${name} is ${fullType}: expected DATETIME or TIMESTAMP`, 'Name a column with a time'];
  if (use.written === true && column.generated)
    return [`${name} is a generated column`, 'Name a column that can be written'];
  if (use.value === null && !column.nullable)
    return [
      `${name} is NOT NULL, and the file sets it to NULL`,
      'Make it nullable, or set another value',
    ];
  const isNumber = typeof use.value === 'number' && isInteger(column);
  const texts = isNumber ? [String(use.value)] : textsIn(use.value);
  const unfit = texts.filter((text) => !fits(column, text));
  return unfit.length === 0
    ? undefined
    : [
        `${name} is ${fullType} and can't be ${enumerate(unfit.map((text) => `'${text}'`))}`,
        type === 'enum'
          ? 'Add them at the end of the ENUM'
          : 'Make the column longer, or set another value',
      ];
}

const TEXTS: Readonly<Record<string, readonly string[]>> = {
  ':action': ['timeout_refund', 'cancel_refund', 'repair_refund'],
  ':cause': CAUSES,
  ':now': ['2026-01-31 12:00:00.000'],
};

/** The texts that a value can be, as far as that is known beforehand. */
function textsIn(value: Value | undefined): readonly string[] {
  if (typeof value !== 'string') return [];
  const text = soleText(value);
  return TEXTS[value.trim()] ?? (text === undefined ? [] : [text]);
}

/** The name that was meant, or all there are. */
function suggest(name: string, { columns }: Table): string {
  const letters = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const names = [...columns.values()].map((column) => column.name);
  const meant = names.filter(
    (other) => letters(other).includes(letters(name)) || letters(name).includes(letters(other)),
  );
  return `There is ${enumerate(meant.length > 0 ? meant : names)}`;
}

function* checkExpression(
  { path, sql, names, isInteger }: Pick<Expression, 'path' | 'sql' | 'names' | 'isInteger'>,
  { tables, expressions }: ShopFacts,
): Generator<Finding> {
  const unknown = referencesIn(sql).flatMap(({ alias, column }) => {
    const table = tables.get(names[alias] ?? '');
    return table === undefined || table.columns.has(column.toLowerCase())
      ? []
      : [mistake(path, `${table.name} has no column ${column}`, suggest(column, table))];
  });
  const tried = expressions.get(path);
  if (unknown.length > 0) yield* unknown;
  else if (tried?.error !== undefined)
    yield mistake(path, `the server refuses "${sql}": ${tried.error}`, 'Mend the expression');
  else if (isInteger && tried?.isInteger === false)
    yield mistake(
      path,
      `"${sql}" is no integer`,
      'Ids and amounts must be integers: fractions get lost when they are added up',
    );
}

/** Where rows are added, every column that the file doesn't write must have a value of its own. */
function* checkNewRows({ give_back }: ShopFile, { tables }: ShopFacts) {
  for (const [kind, { target, add = '', open, ledger }] of Object.entries(give_back)) {
    const added = [
      ...(open === undefined ? [] : [['open', target.table, { [add]: 0, ...open }] as const]),
      ...(ledger === undefined ? [] : [['ledger.write', ledger.table, ledger.write] as const]),
    ];
    for (const [path, table, written] of added) {
      const names = Object.keys(written).map((name) => name.toLowerCase());
      for (const [key, column] of tables.get(table)?.columns ?? []) {
        const { nullable, hasDefault, autoIncrement, generated } = column;
        if (!names.includes(key) && !nullable && !hasDefault && !autoIncrement && !generated)
          yield mistake(
            `give_back.${kind}.${path}`,
            `${table}.${column.name} is NOT NULL without a default, and rows are added without it`,
            'Write it, too, or give it a default',
          );
      }
    }
  }
}

/** What is deployed already. */
export interface Deployed {
  /** Undefined: this version cannot read it. */
  readonly file: ShopFile | undefined;
  /** Kinds that have rows in the journal. */
  readonly kinds: readonly string[];
  /** The orders of that file, as long as their table and its key are there under these names. */
  readonly orders?: Pick<ShopFile['orders'], 'table' | 'id'> | undefined;
  /** Parts of its kinds of which a table or column is not there any more under its name. */
  readonly renamed?: ReadonlySet<string>;
}

/** A kind that has journal rows keeps its table and target: else what came back once could come back again. */
function* checkKinds({ give_back, orders }: ShopFile, deployed: Deployed | undefined) {
  const { orders: earlier = orders, kinds = [] } = deployed ?? {};
  const isSame =
    earlier.table === orders.table && earlier.id.toLowerCase() === orders.id.toLowerCase();
  if (!isSame && kinds.length > 0)
    yield mistake(
      'orders.table',
      `the journal has refunds of orders by ${earlier.table}.${earlier.id}, and the file says ${orders.table}.${orders.id}`,
      'Leave it: an order with the id of one that got something back would get nothing',
    );
  for (const kind of deployed?.kinds ?? []) {
    const heirs = Object.entries(give_back);
    const [name, rule] =
      heirs.find(([, { was }]) => was === kind) ?? heirs.find(([other]) => other === kind) ?? [];
    const stored = deployed?.file?.give_back ?? {};
    const earlier = stored[kind] ?? Object.values(stored).find(({ was }) => was === kind);
    // One kind under two names: the deployment that gave it the new one was cut short.
    const isHalf = (to: string, from: string) => stored[to]?.was === from && !(from in stored);
    const isOne = name !== undefined && (isHalf(name, kind) || isHalf(kind, name));
    if (rule?.was === kind && name !== undefined && deployed?.kinds.includes(name) && !isOne)
      yield mistake(
        `give_back.${name}.was`,
        `the journal has refunds of the kind ${kind} and of the kind ${name}`,
        'Two kinds cannot become one: give it a name that is new',
      );
    if (name === undefined || rule === undefined)
      yield mistake(
        `give_back.${kind}`,
        `the journal has refunds of the kind ${kind}, and the file has it no longer`,
        `Keep it, or say "was: ${kind}" where it is now; without it they could be given twice`,
      );
    else if (earlier !== undefined && !isOneKind(earlier, rule, deployed?.renamed))
      yield mistake(
        `give_back.${name}`,
        `the journal has refunds of ${identityOf(earlier).join(' by ')}, and the file says ${identityOf(rule).join(' by ')}`,
        'Leave it, and add a kind of another name: what came back once could come back again',
      );
  }
}

/** What makes a refund the same one: the row that gets it, and what names it. */
export function identityOf(rule: Rule): readonly [string, string] {
  const by = {
    lines: `${rule.lines?.table ?? ''}.${rule.lines?.target ?? ''}`,
    order: 'the order',
    held: 'the row',
    named: rule.named?.target ?? '',
    due: 'its view',
  };
  return [`${rule.target.table}.${rule.target.id}`, by[wayOf(rule)]];
}

function isOneKind(earlier: Rule, rule: Rule, renamed?: Deployed['renamed']): boolean {
  const now = identityOf(rule);
  const isKept = (part: string, nth: number) => part === now[nth] || renamed?.has(part) === true;
  return wayOf(earlier) === wayOf(rule) && identityOf(earlier).every(isKept);
}

/** Columns that the file doesn't name and most likely should. */
function* proposals(file: ShopFile, { tables }: ShopFacts): Generator<Finding> {
  const { orders, give_back } = file;
  const columnsOfOrders = tables.get(orders.table)?.columns;
  const paid = PAID_COLUMNS.find((name) => {
    const column = columnsOfOrders?.get(name);
    return column !== undefined && isTime(column);
  });
  if (orders.paid_at === undefined && paid !== undefined)
    yield {
      ...remark(
        'orders.paid_at',
        `${orders.table} has a column ${paid}`,
        `With "paid_at: ${paid}" a pending order that has one is never cancelled; up --yes writes it`,
      ),
      proposal: paid,
    };
  for (const [kind, { target }] of Object.entries(give_back)) {
    const columns = tables.get(target.table)?.columns;
    const [dead] = DEAD_COLUMNS.flatMap((name) => columns?.get(name) ?? []);
    if (dead === undefined || namesColumn(file, kind, dead.name)) continue;
    const value = aliveBy('target', dead);
    yield {
      ...remark(
        `give_back.${kind}.target.only`,
        `${target.table} has a column ${dead.name}`,
        value === undefined
          ? 'If it says that a row is dead, say in "only" of target which are not: a dead row gets nothing'
          : `With "only: ${value}" in target a dead row gets nothing, and that is a finding; up --yes writes it`,
      ),
      ...(value === undefined ? {} : { proposal: value }),
    };
  }
}

const namesColumn = (file: ShopFile, kind: string, name: string) =>
  usesOf(file).expressions.some(
    ({ path, sql }) =>
      path.startsWith(`give_back.${kind}.`) &&
      referencesIn(sql).some(({ alias, column }) => alias === 'target' && column === name),
  );

/** The shop file with what was proposed, its comments kept. */
export function applyProposals(text: string, findings: readonly Finding[]): string {
  const document = parseDocument(text);
  for (const { about, proposal } of findings)
    if (proposal !== undefined) document.setIn(about.split('.'), proposal);
  return document.toString({ lineWidth: 120 });
}
