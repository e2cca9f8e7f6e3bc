import { createHash } from 'node:crypto';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { databaseName, endSessions } from './run';

/**
 * Deployed shops that a test has given back. To make one costs half a second of the machine's time, to
 * put one back as it was a tenth of that. A shop whose definition a test has changed is not kept.
 */
const registry = (runId: string) => databaseName(runId, 'spares');

export async function createRegistry(url: string, runId: string): Promise<void> {
  const db = await createConnection(url);
  await db.query('CREATE DATABASE ??', [registry(runId)]);
  await db.query(
    `CREATE TABLE ??.spare (
         name VARCHAR(64) PRIMARY KEY,
         kind VARCHAR(64) NOT NULL,
         pristine JSON NOT NULL,
         taken_by BIGINT UNSIGNED NOT NULL COMMENT 'Connection; 0: free',
         KEY (kind, taken_by))`,
    [registry(runId)],
  );
  await db.end();
}

/** The name of a shop of this kind that nobody uses; undefined: one has to be made. */
export async function takeSpare(
  db: Connection,
  runId: string,
  kind: string,
): Promise<string | undefined> {
  await db.query(
    'UPDATE ??.spare SET taken_by = CONNECTION_ID() WHERE kind = ? AND taken_by = 0 LIMIT 1',
    [registry(runId), kind],
  );
  const [row] = await rows(db, 'SELECT name FROM ??.spare WHERE taken_by = CONNECTION_ID()', [
    registry(runId),
  ]);
  return row && String(row.name);
}

/** Notes how a new shop looks, so that it can be put back so. `db`: the connection that uses it. */
export async function registerSpare(
  db: Connection,
  runId: string,
  name: string,
  kind: string,
): Promise<void> {
  const pristine = JSON.stringify(await withSession(db, name, readPristine));
  await db.query('INSERT INTO ??.spare VALUES (?, ?, ?, CONNECTION_ID())', [
    registry(runId),
    name,
    kind,
    pristine,
  ]);
}

/** Puts the shop back as it was when it was new. False: it isn't a spare one any more, and can only be dropped. */
export async function giveBack(db: Connection, runId: string, name: string): Promise<boolean> {
  const [row] = await rows(db, 'SELECT pristine FROM ??.spare WHERE name = ?', [
    registry(runId),
    name,
  ]);
  if (row === undefined) return false;
  await endSessions(db, name);
  if (await withSession(db, name, (session) => restore(session, row.pristine as Pristine))) {
    await db.query('UPDATE ??.spare SET taken_by = 0 WHERE name = ?', [registry(runId), name]);
    return true;
  }
  await db.query('DELETE FROM ??.spare WHERE name = ?', [registry(runId), name]);
  return false;
}

interface Pristine {
  readonly definition: string;
  readonly tables: readonly PristineTable[];
}

interface PristineTable {
  readonly name: string;
  /** Of the rows and the AUTO_INCREMENT counter. */
  readonly content: string;
  /** Puts the first rows back; empty: there were none. */
  readonly refill: string;
}

/** A session of its own: a test may have changed anything in its own ones. Times as text, in UTC. */
async function withSession<T>(
  { config }: Connection,
  database: string,
  use: (session: Connection) => Promise<T>,
): Promise<T> {
  const { host = '', port = 0, user = '', password = '' } = config;
  const session = await createConnection({
    ...{ host, port, user, password, database },
    ...{ dateStrings: true, supportBigNumbers: true, bigNumberStrings: true, jsonStrings: true },
  });
  try {
    await session.query(
      "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES', foreign_key_checks = 0, lock_wait_timeout = 10",
    );
    return await use(session);
  } finally {
    session.destroy();
  }
}

async function readPristine(session: Connection): Promise<Pristine> {
  const { definition, contents } = await read(session);
  const tables: PristineTable[] = [];
  for (const [name, content] of contents)
    tables.push({ name, content, refill: await refillOf(session, name) });
  return { definition, tables };
}

async function restore(session: Connection, pristine: Pristine): Promise<boolean> {
  await dropAdded(session, pristine);
  const { definition, contents } = await read(session);
  if (definition !== pristine.definition) return false;
  for (const { name, content, refill } of pristine.tables) {
    if (contents.get(name) === content) continue;
    await session.query('TRUNCATE TABLE ??', [name]);
    if (refill !== '') await session.query(refill);
  }
  return true;
}

/** What tests put in the way of a statement: neither the example shop nor the engine has a trigger. */
async function dropAdded(session: Connection, pristine: Pristine): Promise<void> {
  const triggers = await rows(
    session,
    'SELECT trigger_name AS name FROM information_schema.triggers WHERE trigger_schema = DATABASE()',
  );
  for (const { name } of triggers) await session.query('DROP TRIGGER ??', [name]);
  const tables = await rows(
    session,
    `SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_name NOT IN (?)`,
    [pristine.tables.map(({ name }) => name)],
  );
  for (const { name } of tables) await session.query('DROP TABLE ??', [name]);
}

async function refillOf(session: Connection, table: string): Promise<string> {
  const columns = await rows(
    session,
    `SELECT column_name AS name FROM information_schema.columns
      WHERE table_schema = DATABASE() AND table_name = ? AND generation_expression = ''`,
    [table],
  );
  const names = columns.map(({ name }) => String(name));
  const found = await rows(session, 'SELECT ?? FROM ??', [names, table]);
  if (found.length === 0) return '';
  const values = found.map((row) => names.map((name) => row[name] as unknown));
  return session.format('INSERT INTO ?? (??) VALUES ?', [table, names, values]);
}

/** Everything in the schema but the tables' rows. */
const DEFINITION = [
  'SELECT * FROM information_schema.schemata WHERE schema_name = ?',
  'SELECT * FROM information_schema.triggers WHERE trigger_schema = ? ORDER BY trigger_name',
  'SELECT * FROM information_schema.views WHERE table_schema = ? ORDER BY table_name',
  `SELECT routine_name, routine_type, definer, created, last_altered, SHA2(routine_definition, 256)
     FROM information_schema.routines WHERE routine_schema = ? ORDER BY routine_name, routine_type`,
  `SELECT event_name, definer, status, created, last_altered
     FROM information_schema.events WHERE event_schema = ? ORDER BY event_name`,
  `SELECT * FROM mysql.tables_priv WHERE db = ? ORDER BY user, host, table_name`,
  `SELECT * FROM mysql.procs_priv WHERE db = ? ORDER BY user, host, routine_name, routine_type`,
  `SELECT * FROM mysql.db WHERE REPLACE(db, '\\\\', '') = ? ORDER BY user, host`,
];

async function read(
  session: Connection,
): Promise<{ definition: string; contents: Map<string, string> }> {
  const definition = createHash('sha256');
  const schema = String(session.config.database);
  for (const sql of DEFINITION)
    definition.update(JSON.stringify(await rows(session, sql, [schema])));

  const tables = await rows(
    session,
    `SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = ? AND table_type = 'BASE TABLE' ORDER BY table_name`,
    [schema],
  );
  const contents = new Map<string, string>();
  for (const { name } of tables) {
    const [shown] = await rows(session, 'SHOW CREATE TABLE ??', [name]);
    const [summed] = await rows(session, 'CHECKSUM TABLE ??', [name]);
    const counter = / AUTO_INCREMENT=\d+/;
    const text = String(shown?.['Create Table']);
    definition.update(text.replace(counter, ''));
    contents.set(String(name), `${String(summed?.Checksum)}${counter.exec(text)?.[0] ?? ''}`);
  }
  return { definition: definition.digest('hex'), contents };
}

async function rows(
  db: Connection,
  sql: string,
  values: readonly unknown[] = [],
): Promise<RowDataPacket[]> {
  const [found] = await db.query<RowDataPacket[]>(sql, [...values]);
  return found;
}
