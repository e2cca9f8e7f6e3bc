import type { Connection } from 'mysql2/promise';
import { select } from './measure';
import type { BenchShop } from './shop';

/**
 * The floor: the rows that the engine wrote, written again, and nothing but the writing. No look for what is
 * due, no lock before it, no amount computed, no check. Whatever columns the engine's journal has, the floor
 * copies them; what it writes at once lies in ranges of 500 primary keys.
 */
const RANGE = 500;

const isNew = (table: string) => `id > (SELECT COALESCE(MAX(id), 0) FROM ${table})`;

/** What is learnt of the engine's shop: the table, the range that a row belongs to, and which rows. */
const LEARNT: [table: string, range: string, where?: string][] = [
  ['order_timeout_run', '0'],
  ['order_timeout_batch', '0', 'id = (SELECT MIN(id) FROM ENGINE.order_timeout_batch)'],
  ['order_timeout_refund', `order_id DIV ${RANGE}`],
  ['order_timeout_cancellation', `order_id DIV ${RANGE}`],
  ['user_coupon_ledger', `order_id DIV ${RANGE}`, isNew('user_coupon_ledger')],
  ['user_points_ledger', `ref_id DIV ${RANGE}`, isNew('user_points_ledger')],
  // A row that the engine opened: first used in the range of its first order.
  [
    'user_points',
    `(SELECT MIN(order_id) DIV ${RANGE} FROM ENGINE.order_timeout_refund AS refund WHERE refund.kind = 'points' AND refund.account_id = user_points.id)`,
    isNew('user_points'),
  ],
];

/** Reads what the engine left in its shop into the floor's, which holds the same orders before a sweep. */
export async function learn(floor: BenchShop, engine: BenchShop): Promise<void> {
  const { db } = floor;
  await floor.relaxed(async () => {
    for (const [table, range, where = 'TRUE'] of LEARNT) {
      const columns = writable(await columnsOf(db, table)).join(', ');
      const rows = `SELECT ${range} AS range_no, ${columns} FROM ENGINE.${table} WHERE ${where} ORDER BY range_no`;
      await db.query(`DROP TABLE IF EXISTS floor_${table}`);
      await db.query(
        `CREATE TABLE floor_${table} (range_no INT NOT NULL, KEY (range_no)) ENGINE = InnoDB ${rows.replaceAll('ENGINE.', `${engine.name}.`)}`,
      );
    }
    await db.query('UPDATE floor_user_points SET points = 0');
    await db.query('DROP TABLE IF EXISTS floor_given');
    await db.query(
      `CREATE TABLE floor_given (range_no INT NOT NULL, kind VARCHAR(32) NOT NULL, account_id BIGINT NOT NULL,
                                 amount BIGINT NOT NULL, PRIMARY KEY (range_no, kind, account_id)) ENGINE = InnoDB
       SELECT range_no, kind, IF(kind = 'coupon', target_id, account_id) AS account_id, SUM(amount) AS amount
         FROM floor_order_timeout_refund GROUP BY 1, 2, 3`,
    );
    const tables = [...LEARNT.map(([table]) => table), 'given'].map((table) => `floor_${table}`);
    await db.query('ANALYZE NO_WRITE_TO_BINLOG TABLE ??', [tables]);
    await createWriters(db);
  });
}

/** Writes it all, range by range, each in a transaction. */
export async function writeFloor(db: Connection): Promise<void> {
  await db.query('CALL floor_write_all()');
}

async function createWriters(db: Connection): Promise<void> {
  await db.query('DROP PROCEDURE IF EXISTS floor_write_range');
  await db.query('DROP PROCEDURE IF EXISTS floor_write_all');
  const insert = async (table: string, ...without: string[]) => {
    const columns = writable(await columnsOf(db, table)).filter(
      (column) => !without.includes(column),
    );
    // A batch of the floor is a range; the engine's numbers would scatter the journal's keys.
    const values = columns.map((column) => (column === 'batch_id' ? 'p_range_no + 1' : column));
    return `INSERT INTO ${table} (${columns.join(', ')})
            SELECT ${values.join(', ')} FROM floor_${table} WHERE range_no = p_range_no`;
  };
  const batch = writable(await columnsOf(db, 'order_timeout_batch')).filter(
    (column) => column !== 'id',
  );
  await db.query(
    `CREATE PROCEDURE floor_write_range (IN p_range_no INT)
     BEGIN
         INSERT INTO order_timeout_batch (id, ${batch.join(', ')})
         SELECT p_range_no + 1, ${batch.join(', ')} FROM floor_order_timeout_batch;
         ${await insert('order_timeout_refund')};
         UPDATE floor_given AS given STRAIGHT_JOIN user_coupons ON user_coupons.id = given.account_id
            SET user_coupons.balance_amount = user_coupons.balance_amount + given.amount,
                user_coupons.status = 1 /* usable */,
                user_coupons.used_order_id = NULL,
                user_coupons.used_at = NULL
          WHERE given.range_no = p_range_no AND given.kind = 'coupon';
         ${await insert('user_coupon_ledger', 'id')};
         ${await insert('user_points')};
         UPDATE floor_given AS given STRAIGHT_JOIN user_points ON user_points.id = given.account_id
            SET user_points.points = user_points.points + given.amount
          WHERE given.range_no = p_range_no AND given.kind = 'points';
         ${await insert('user_points_ledger', 'id')};
         ${await insert('order_timeout_cancellation')};
         UPDATE orders
            SET status = 3 /* cancelled */,
                cancelled_at = UTC_TIMESTAMP(3)
          WHERE id BETWEEN p_range_no * ${RANGE} AND p_range_no * ${RANGE} + ${RANGE - 1};
     END`,
  );
  await db.query(
    `CREATE PROCEDURE floor_write_all ()
     BEGIN
         DECLARE v_range_no INT DEFAULT (SELECT MIN(range_no) FROM floor_order_timeout_cancellation);
         DECLARE v_last_range_no INT DEFAULT (SELECT MAX(range_no) FROM floor_order_timeout_cancellation);

         WHILE v_range_no <= v_last_range_no DO
             SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
             START TRANSACTION;
             CALL floor_write_range(v_range_no);
             COMMIT;
             SET v_range_no = v_range_no + 1;
         END WHILE;
     END`,
  );
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly expression: string;
}

/** The columns of a table, in their order. */
const columnsOf = (db: Connection, table: string) =>
  select<Column>(
    db,
    `SELECT column_name AS name, data_type AS type, generation_expression AS expression
       FROM information_schema.columns
      WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position`,
    [table],
  );

const writable = (columns: readonly Column[]) =>
  columns.filter(({ expression }) => expression === '').map(({ name }) => name);

const COMPARED = {
  orders: [],
  order_coupons: ['id'],
  user_coupons: [],
  user_coupon_ledger: ['id'],
  user_points: ['id'],
  user_points_ledger: ['id'],
  order_timeout_cancellation: ['batch_id', 'run_id'],
  // Which order comes first decides the ids of the points rows that are opened; user_points has whose they are.
  order_timeout_refund: ['batch_id', 'account_id'],
} as const;

type ComparedTable = keyof typeof COMPARED;

/** Throws an Error that names the tables in which two shops differ, times and the journal's own numbers aside. */
export async function requireSameState(
  one: BenchShop,
  other: BenchShop,
  tables = Object.keys(COMPARED) as ComparedTable[],
): Promise<void> {
  const differences: string[] = [];
  for (const table of tables) {
    const [a, b] = [await summary(one.db, table), await summary(other.db, table)];
    if (a !== b) differences.push(`${table}: ${a} against ${b}`);
  }
  if (differences.length > 0)
    throw new Error(
      `${one.name} and ${other.name} must end in the same state, but differ in\n${differences.join('\n')}`,
    );
}

/** A table's number of rows and a sum over them. */
async function summary(db: Connection, table: ComparedTable): Promise<string> {
  const values = (await columnsOf(db, table))
    .filter(({ name }) => !(COMPARED[table] as readonly string[]).includes(name))
    .map(({ name, type }) =>
      /^(datetime|timestamp)$/.test(type) ? `${name} IS NULL` : `COALESCE(${name}, '')`,
    );
  const [row] = await select<{ counted: number; summed: string }>(
    db,
    `SELECT COUNT(*) AS counted, COALESCE(SUM(CRC32(CONCAT_WS('|', ${values.join(', ')}))), 0) AS summed FROM ${table}`,
  );
  return `${row?.counted} rows, sum ${row?.summed}`;
}
