import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerOf, type Case, prepareCase } from './calls';
import {
  conflictsAgain,
  errnoOf,
  isConflict,
  isConnectionLost,
  isKilled,
  Violation,
} from './errors';
import type { Random } from './random';
import { findBroken } from './shop';

/** How a call is cut short. */
export type Cut = 'KILL QUERY' | 'KILL CONNECTION';

/** What the victims of one soak share. */
export interface Scene {
  readonly url: string;
  readonly count: (name: string) => void;
  /** What is to be tried next. */
  readonly nextCut: () => Cut;
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

/** A victim as it stands at a call, and who kills it. */
interface Sight extends Scene {
  readonly random: Random;
  readonly victim: Connection;
  readonly killer: Connection;
}

/** Makes calls that are killed, one after another, until it is over. */
export async function liveThrough(
  scene: Scene,
  random: Random,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    let [victim, killer]: (Connection | undefined)[] = [];
    try {
      victim = await connect(scene.url, random);
      killer = await connect(scene.url, random);
      const sight = { ...scene, random, victim, killer };
      // Several calls on a connection, as long as it lives: a pool does so.
      let lives = true;
      for (let call = 0; call < 20 && lives && !isOver(); call += 1) lives = await oneCall(sight);
    } catch (error) {
      if (!isConnectionLost(error)) throw error;
      await sleep(50);
    } finally {
      victim?.destroy();
      killer?.destroy();
    }
  }
}

/** Returns whether the victim's connection still lives. */
async function oneCall(sight: Sight): Promise<boolean> {
  const { random, victim, killer } = sight;
  const cut = sight.nextCut();
  const prepared = await conflictsAgain(killer, () => prepareCase(killer, random));
  const { name, caller, sql, isSweep } = prepared;
  await begin(victim, prepared);
  const error = await callAndKill(sight, cut, prepared);
  const lives = error === undefined || !isConnectionLost(error);
  const said = error === undefined ? 'answered' : (error as Error).message;

  const count = (end: string) => {
    sight.count(`${name}, ${caller}: ${end}`);
  };
  if (error === undefined) count('answered');
  else if (isKilled(error) || !lives) {
    count('cut short');
    if (isKilled(error) || cut === 'KILL CONNECTION') sight.cutSucceeded(cut);
  } else if (isConflict(error)) count('lock conflict');
  else throw new Violation(`${sql} (${caller}): ${said}`);

  if (lives && caller === 'autocommit' && !isSweep && (await hasOpenTransaction(killer, victim)))
    throw new Violation(`${sql} left a transaction open after ${said}`);
  if (lives) await end(victim, prepared, error === undefined || random.chance(0.5));
  await requireSound(killer, prepared, said);
  if (error !== undefined && !isSweep) await callAgain(killer, prepared);
  await requireSound(killer, prepared, said);
  return lives;
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
  { durations, random, victim, killer }: Sight,
  cut: Cut,
  { name, sql }: Case,
): Promise<unknown> {
  const usual = durations.get(name) ?? 10;
  const delay = random.next() * usual * 1.1;
  const startedAt = performance.now();
  const calling = victim.query(sql).then(
    () => {
      // A call that waited for a lock is no measure.
      const took = Math.min(performance.now() - startedAt, 100);
      durations.set(name, usual * 0.9 + took * 0.1);
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

async function requireSound(db: Connection, { sql, orderIds }: Case, said: string): Promise<void> {
  const [broken] = await findBroken(db, orderIds);
  if (broken !== undefined) throw new Violation(`after ${sql} (${said}): ${broken}`);
}

/** After a lost answer: the same call, until it answers. It must tell what became of the first. */
async function callAgain(db: Connection, { name, sql, orderIds }: Case): Promise<void> {
  const row = await conflictsAgain(db, () => answerOf(db, sql));
  if (name !== 'cancel') return;
  const [[sums]] = await db.query<RowDataPacket[]>(
    `SELECT COALESCE(SUM(IF(kind = 'coupon', amount, 0)), 0) AS coupon, COALESCE(SUM(IF(kind = 'points', amount, 0)), 0) AS points
       FROM order_timeout_refund WHERE order_id IN (?)`,
    [orderIds],
  );
  const said = [row.coupon_refunded, row.points_refunded].join();
  const expected = [sums?.coupon, sums?.points].join();
  if (!/^(cancelled|not_pending)$/.test(String(row.outcome)) || said !== expected)
    throw new Violation(
      `${sql} again said ${String(row.outcome)}, ${said}, but ${expected} came back`,
    );
}
