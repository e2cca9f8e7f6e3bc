import type { Column, ShopTable, Table } from '../migrate/tables';
import { SHOP_TABLES } from '../migrate/tables';
import { enumerate } from '../migrate/quote';

/** What a column must be able to do for the engine. */
interface Need {
  readonly type: 'integer' | 'time' | 'text';
  /** The engine writes NULL to it. */
  readonly nullable?: true;
  /** Texts that the engine writes to it. */
  readonly values?: readonly string[];
  /** It holds an id of this table's id column as text. */
  readonly idOf?: ShopTable;
  /** The engine writes to it. */
  readonly written?: true;
}

const INTEGER: Need = { type: 'integer' };
const AMOUNT: Need = { type: 'integer', written: true };
const ID: Need = { type: 'integer', written: true };
const WRITTEN_TIME: Need = { type: 'time', written: true };
const REFUND_ACTIONS = ['timeout_refund', 'cancel_refund', 'repair_refund'];
const ACTION: Need = { type: 'text', values: REFUND_ACTIONS, written: true };

/** The columns that the engine uses, see the docs' table of the shop's tables. */
const NEEDS: Readonly<Record<ShopTable, Readonly<Record<string, Need>>>> = {
  orders: {
    id: INTEGER,
    user_id: INTEGER,
    source_type: INTEGER,
    status: AMOUNT,
    coupon_id: INTEGER,
    points_amount: INTEGER,
    created_at: { type: 'time' },
    cancelled_at: WRITTEN_TIME,
  },
  order_coupons: { order_id: INTEGER, user_coupon_id: INTEGER, applied_amount: INTEGER },
  user_coupons: {
    id: INTEGER,
    user_id: INTEGER,
    status: AMOUNT,
    balance_amount: AMOUNT,
    used_order_id: { ...ID, nullable: true },
    used_at: { ...WRITTEN_TIME, nullable: true },
  },
  user_coupon_ledger: {
    id: INTEGER,
    user_id: ID,
    user_coupon_id: ID,
    change_amount: AMOUNT,
    order_id: ID,
    action: ACTION,
    created_at: WRITTEN_TIME,
  },
  user_points: {
    id: INTEGER,
    user_id: ID,
    points: AMOUNT,
    valid_end: { ...WRITTEN_TIME, nullable: true },
  },
  user_points_ledger: {
    id: INTEGER,
    user_id: ID,
    action: ACTION,
    points: AMOUNT,
    ref_table: { type: 'text', values: ['orders'], written: true },
    ref_id: { type: 'text', idOf: 'orders', written: true },
    remark: { type: 'text', written: true },
    created_at: WRITTEN_TIME,
  },
};

/** The engine adds rows to these: every other column must have a value of its own. */
const INSERTED_INTO: readonly ShopTable[] = [
  'user_coupon_ledger',
  'user_points',
  'user_points_ledger',
];

/** Rows of these are found and locked by id. */
const WITH_ID: readonly ShopTable[] = SHOP_TABLES.filter((table) => table !== 'order_coupons');

/** What is wrong with the shop's tables, a line each; empty: they will do. */
export function checkShop(tables: ReadonlyMap<string, Table>): string[] {
  return SHOP_TABLES.flatMap((name) => {
    const table = tables.get(name);
    return table === undefined
      ? [`The table ${name} is missing, or this account may not see it`]
      : checkTable(name, table, tables);
  });
}

function checkTable(name: ShopTable, table: Table, tables: ReadonlyMap<string, Table>): string[] {
  if (table.type !== 'BASE TABLE')
    return [`${name} is a ${table.type.toLowerCase()}: it must be a table`];
  return [
    ...(table.engine?.toLowerCase() === 'innodb'
      ? []
      : [
          `The table ${name} is ${table.engine ?? 'of no engine'}: refunds need transactions, so it must be InnoDB`,
        ]),
    ...Object.entries(NEEDS[name]).flatMap(([column, need]) =>
      checkColumn(`${name}.${column}`, table.columns.get(column), need, tables),
    ),
    ...(WITH_ID.includes(name) ? checkId(name, table) : []),
    ...(INSERTED_INTO.includes(name) ? checkOthers(name, table) : []),
  ];
}

const INTEGER_TYPES = ['tinyint', 'smallint', 'mediumint', 'int', 'bigint'];
const TIME_TYPES = ['datetime', 'timestamp'];
const TEXT_TYPES = ['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext'];

function checkColumn(
  name: string,
  column: Column | undefined,
  need: Need,
  tables: ReadonlyMap<string, Table>,
): string[] {
  if (column === undefined)
    return [`The column ${name} is missing: expected ${describeNeed(need)}`];
  const wrongType = checkType(name, column, need, tables);
  return [
    ...(wrongType === undefined ? [] : [wrongType]),
    ...(need.nullable === true && !column.nullable
      ? [`${name} is NOT NULL, and the engine sets it to NULL: make it nullable`]
      : []),
    ...(need.written === true && column.generated
      ? [`${name} is a generated column, and the engine writes to it`]
      : []),
  ];
}

function checkType(
  name: string,
  column: Column,
  need: Need,
  tables: ReadonlyMap<string, Table>,
): string | undefined {
  const mismatch = `${name} is ${column.fullType}: expected ${describeNeed(need)}`;
  if (need.type === 'integer') return INTEGER_TYPES.includes(column.type) ? undefined : mismatch;
  if (need.type === 'time') return TIME_TYPES.includes(column.type) ? undefined : mismatch;

  const { values } = need;
  if (column.type === 'enum' && values !== undefined) {
    const missing = values.filter((value) => !column.fullType.includes(`'${value}'`));
    return missing.length === 0
      ? undefined
      : `${name} is an ENUM without ${enumerate(missing.map((value) => `'${value}'`))}, which the engine writes: add them at its end`;
  }
  if (!TEXT_TYPES.includes(column.type)) return mismatch;
  const needed =
    need.idOf === undefined
      ? Math.max(1, ...(values ?? []).map((value) => value.length))
      : digitsOf(tables.get(need.idOf)?.columns.get('id'));
  return (column.characters ?? 0) >= needed
    ? undefined
    : `${name} is ${column.fullType}, and the engine writes up to ${needed} characters to it`;
}

/** Digits of the largest id that the column can hold. */
function digitsOf(id: Column | undefined): number {
  if (id?.type === 'bigint') return /unsigned/i.test(id.fullType) ? 20 : 19;
  return 10;
}

function describeNeed({ type, values }: Need): string {
  if (type === 'integer') return 'an integer type (amounts are in minor units)';
  if (type === 'time') return 'DATETIME or TIMESTAMP';
  return values === undefined ? 'a text type' : `a text type or an ENUM with ${enumerate(values)}`;
}

function checkId(name: ShopTable, { indexes }: Table): string[] {
  const isUnique = indexes.some(
    ({ unique, parts }) =>
      unique &&
      parts.length === 1 &&
      parts[0]?.column?.toLowerCase() === 'id' &&
      parts[0].prefix === null,
  );
  return isUnique
    ? []
    : [`${name} has no PRIMARY KEY or UNIQUE KEY on (id): rows are found and locked by it`];
}

function checkOthers(name: ShopTable, { columns }: Table): string[] {
  return [...columns.values()]
    .filter(
      (column) =>
        !(NEEDS[name][column.name.toLowerCase()]?.written ?? false) &&
        !column.nullable &&
        !column.hasDefault &&
        !column.autoIncrement &&
        !column.generated,
    )
    .map((column) =>
      column.name.toLowerCase() === 'id'
        ? `${name}.id has no AUTO_INCREMENT, and the engine adds rows without an id`
        : `${name}.${column.name} is NOT NULL without a default, and the engine adds rows without it: give it a default`,
    );
}
