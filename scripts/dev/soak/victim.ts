import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Case, prepareCase } from './calls';
import type { Random } from './random';
import { findBroken } from './shop';

/** How a call is cut short. */
export type Cut = 'KILL QUERY' | 'KILL CONNECTION';

export class Violation extends Error {}

/** What the victims of one soak share. */
export interface Scene {
  readonly url: string;
  readonly count: (name: string) => void;
  /** What is to be tried next; undefined: enough. */
  readonly nextCut: () => Cut | undefined;
  readonly cutSucceeded: (cut: Cut) => void;
  /** How long a kind of call took lately, in ms: the instants are drawn from that. */
  readonly durations: Map<string, number>;
}

const TIME_ZONES = ['-12:00', '-05:00', '+00:00', '+08:00', '+14:00'];

/** Each new connection has a time zone of its own: no decision may depend on it. */
async function connect(url: string, random: Random): Promise<Connection> {
  const db = await createConnection({ uri: url, connectTimeout: 5_000, multipleStatements: true });
  db.on('error', () => undefined);
  await db.query('SET time_zone = ?, innodb_lock_wait_timeout = 2', [random.pick(TIME_ZONES)]);
  return db;
}

/** Makes calls that are killed, one after another, until there have been enough or the round is over. */
export async function liveThrough(
  scene: Scene,
  random: Random,
  isOver: () => boolean,
): Promise<void> {
  while (scene.nextCut() !== undefined && !isOver()) {
    const connections: Connection[] = [];
    const open = async () => {
      const db = await connect(scene.url, random);
      connections.push(db);
      return db;
    };
    try {
      const [victim, killer] = [await open(), await open()];
      // Several calls on a connection, as long as it lives: a pool does so.
      for (let call = 0; call < 20 && !isOver(); call += 1) {
        const cut = scene.nextCut();
        if (cut === undefined) return;
        if (!(await oneCall(scene, random, cut, { victim, killer, open }))) break;
      }
    } catch (error) {
      if (error instanceof Violation || !isConnectionLost(error)) throw error;
      await sleep(50);
    } finally {
      for (const connection of connections) connection.destroy();
    }
  }
}

interface Connections {
  readonly victim: Connection;
  readonly killer: Connection;
  readonly open: () => Promise<Connection>;
}

/** Returns whether the victim's connection still lives. */
async function oneCall(
  scene: Scene,
  random: Random,
  cut: Cut,
  { victim, killer, open }: Connections,
): Promise<boolean> {
  const prepared = await conflictsAgain(() => prepareCase(killer, random), killer);
  const { name, caller, orderIds } = prepared;
  await begin(victim, prepared);
  const error = await callAndKill(scene, random, cut, victim, killer, prepared);
  const lives = error === undefined || !isConnectionLost(error);

  const label = `${name}, ${caller}`;
  if (error === undefined) scene.count(`${label}: answered`);
  else if (isKilled(error) || !lives) {
    scene.count(`${label}: cut short`);
    if (isKilled(error) || cut === 'KILL CONNECTION') scene.cutSucceeded(cut);
  } else if (isConflict(error)) scene.count(`${label}: lock conflict`);
  else throw new Violation(`${prepared.sql} (${caller}): ${messageOf(error)}`);

  const isOneStatement = caller === 'autocommit' && name !== 'sweep' && name !== 'purge';
  if (lives && isOneStatement && (await hasOpenTransaction(killer, victim)))
    throw new Violation(`${prepared.sql} left a transaction open after ${messageOf(error)}`);
  if (lives) await end(victim, prepared, error === undefined || random.chance(0.5));
  await requireSound(killer, prepared, error);
  if (error !== undefined && prepared.isRepeatable) await callAgain(await open(), prepared);
  await requireSound(killer, prepared, error);
  return lives && orderIds.length > 0;
}

async function begin(victim: Connection, { caller }: Case): Promise<void> {
  if (caller === 'autocommit') return;
  if (caller === 'autocommit off') {
    await victim.query('SET autocommit = 0');
    return;
  }
  await victim.query(`SET TRANSACTION ISOLATION LEVEL ${caller}`);
  await victim.query('START TRANSACTION');
  // An older snapshot than the call's.
  await victim.query('SELECT COUNT(*) FROM user_points');
}

/** With the caller's COMMIT, or as the docs ask after an error with a ROLLBACK. */
async function end(victim: Connection, { caller }: Case, commits: boolean): Promise<void> {
  await victim.query(commits ? 'COMMIT' : 'ROLLBACK');
  if (caller === 'autocommit off') await victim.query('SET autocommit = 1');
}

/** Runs the call and kills it at an instant of its usual duration. Returns what it threw. */
async function callAndKill(
  scene: Scene,
  random: Random,
  cut: Cut,
  victim: Connection,
  killer: Connection,
  { name, sql }: Case,
): Promise<unknown> {
  const usual = scene.durations.get(name) ?? 10;
  const delay = random.next() * usual * 1.1;
  const startedAt = performance.now();
  const calling = victim.query(sql).then(
    () => {
      // A call that waited for a lock is no measure.
      const took = Math.min(performance.now() - startedAt, 100);
      scene.durations.set(name, usual * 0.9 + took * 0.1);
    },
    (error: unknown) => error,
  );
  const killing = killer
    .query(`DO SLEEP(${(delay / 1000).toFixed(6)}); ${cut} ${victim.threadId}`)
    .catch((error: unknown) => {
      if (errnoOf(error) !== 1094 /* no such session */ && !isConnectionLost(error)) throw error;
    });
  const [outcome] = await Promise.all([calling, killing]);
  // A kill that came too late meets the next statement.
  if (outcome === undefined) await victim.query('DO 1').catch(() => undefined);
  return outcome;
}

async function hasOpenTransaction(asker: Connection, of: Connection): Promise<boolean> {
  const [rows] = await asker.query<RowDataPacket[]>(
    `SELECT 1 FROM performance_schema.events_transactions_current
      WHERE thread_id = PS_THREAD_ID(?) AND state = 'ACTIVE'`,
    [of.threadId],
  );
  return rows.length > 0;
}

const messageOf = (error: unknown) => (error === undefined ? 'answered' : (error as Error).message);

async function requireSound(
  db: Connection,
  { sql, orderIds }: Case,
  error: unknown,
): Promise<void> {
  const [broken] = await findBroken(db, orderIds);
  if (broken !== undefined) throw new Violation(`after ${sql} (${messageOf(error)}): ${broken}`);
}

/** After a lost answer: the same call, until it answers. It must tell what became of the first. */
async function callAgain(db: Connection, { name, sql, orderIds }: Case): Promise<void> {
  const row = await conflictsAgain(async () => {
    const [result] = await db.query<RowDataPacket[][]>(sql);
    return result[0]?.[0];
  }, db);
  if (name !== 'cancel') return;
  const [[sums]] = await db.query<RowDataPacket[]>(
    `SELECT COALESCE(SUM(IF(kind = 'coupon', amount, 0)), 0) AS coupon, COALESCE(SUM(IF(kind = 'points', amount, 0)), 0) AS points
       FROM order_timeout_refund WHERE order_id IN (?)`,
    [orderIds],
  );
  const said = [row?.outcome, row?.coupon_refunded, row?.points_refunded].map(String);
  const expected = [String(sums?.coupon), String(sums?.points)];
  if (!/^(cancelled|not_pending)$/.test(said[0] ?? '') || said.slice(1).join() !== expected.join())
    throw new Violation(
      `${sql} again said ${said.join(', ')}, but ${expected.join(', ')} came back`,
    );
}

/** Deadlocks and lock waits are the others' doing. */
async function conflictsAgain<T>(work: () => Promise<T>, db: Connection): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isConflict(error)) throw error;
      await db.query('ROLLBACK');
    }
  }
}

const errnoOf = (error: unknown): number => (error as { errno?: number }).errno ?? 0;
const isConflict = (error: unknown) => [1205, 1213, 3572].includes(errnoOf(error));
/** 1615: a statement of a routine that was just being prepared anew. 1105: what an UPDATE of several tables says. */
const isKilled = (error: unknown) =>
  [1317, 1615].includes(errnoOf(error)) ||
  (errnoOf(error) === 1105 && /multi-table update/.test((error as Error).message));

/** Lost, refused, shut down, killed: what a client sees of a killed connection or server. */
const LOST = [0, 1053, 1152, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 3169];

export const isConnectionLost = (error: unknown): boolean =>
  !(error instanceof Violation) &&
  (/^(ECONN|EPIPE|PROTOCOL_|ETIMEDOUT)/.test((error as { code?: string }).code ?? '') ||
    ('errno' in (error as object) && LOST.includes(errnoOf(error))) ||
    /closed state/.test((error as Error).message));
