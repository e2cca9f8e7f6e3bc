import { createConnection } from 'mysql2/promise';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Baseline, takeBaseline } from '../invariants';
import { type Source, up } from '../migrate';
import { startPrivateMysqld } from '../server';
import {
  type Actor,
  makeAdmin,
  makeBlocker,
  makeSweeper,
  makeUser,
  type Scene,
  Unexplained,
} from './actors';
import { checkAtRest, checkAtWork, checkReserved, type Finding } from './checks';
import { type Counters, makeCounters } from './counters';
import { leaveHalf, makeHalfMaker, makeKiller, makeServerKiller } from './faults';
import { type Gate, makeGate } from './gate';
import { type Random, randomFrom } from './random';
import { openSession, type Session, untilAnswered } from './session';
import { CLOCK, furnish, letTimePass } from './shop';

export interface SoakOptions {
  readonly seconds: number;
  /** Repeats what everybody does, though not the instants at which they meet. */
  readonly seed: number;
  /** What is deployed; default: this package's files. */
  readonly source?: Source | undefined;
  /** Takes a line now and then. */
  readonly log?: (line: string) => void;
}

export interface SoakReport {
  readonly seed: number;
  readonly seconds: number;
  readonly counters: Counters;
  /** How often all invariants were checked while nobody was at work. */
  readonly checks: number;
  /** The first invariant that was found broken; undefined: none. */
  readonly violation: Finding | undefined;
}

const DATABASE = 'shop';
const ROUND_SECONDS = 4;

/**
 * Lets a shop live on a MySQL of its own for a while, with everything going wrong that can, and checks
 * the invariants all along. Ends at the first violation. Throws when there is no MySQL to be had.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const mysqld = await startPrivateMysqld({ ...(options.log && { log: options.log }) });
  try {
    const url = new URL(mysqld.url);
    const server = await createConnection(url.href);
    await server.query('CREATE DATABASE ?? DEFAULT CHARACTER SET utf8mb4', [DATABASE]);
    await server.query('USE ??', [DATABASE]);
    await server.query('SET time_zone = ?', [CLOCK]);
    await furnish(server);
    await server.end();
    url.pathname = `/${DATABASE}`;
    await up(url.href, { clock: CLOCK, source: options.source });
    return await live(url.href, mysqld, options);
  } finally {
    await mysqld.stop();
  }
}

type Mysqld = Awaited<ReturnType<typeof startPrivateMysqld>>;

async function live(
  url: string,
  mysqld: Mysqld,
  { seconds, seed, log = () => undefined }: SoakOptions,
): Promise<SoakReport> {
  const scene: Scene = { url, counters: makeCounters(), recent: [] };
  const gate = makeGate();
  const baseline = await withConnection(url, takeBaseline);
  const actors = castOf(scene, seed, mysqld, seconds);
  const random = randomFrom(seed, 'director');
  const endAt = Date.now() + seconds * 1000;

  const found: { violation?: Finding } = {};
  const isOver = () => found.violation !== undefined || Date.now() >= endAt;
  const report = (finding: Finding | undefined) => {
    if (finding !== undefined) found.violation ??= finding;
  };
  const lives = actors.map((actor) => liveOn(actor, gate, isOver, report));
  const watch = watchAtWork(url, isOver, report);

  let checks = 0;
  do {
    await sleepUntil(Math.min(Date.now() + ROUND_SECONDS * 1000, endAt), isOver);
    await gate.close();
    for (const actor of actors) actor.end();
    report(await restAndCheck(scene, random, baseline));
    checks += 1;
    if (checks % 5 === 0)
      log(`${checks} checks, ${Math.round((endAt - Date.now()) / 1000)} s left`);
    scene.recent.length = 0;
    gate.open();
  } while (!isOver());
  await Promise.all([...lives, watch]);
  for (const actor of actors) actor.end();

  await countJournal(url, scene.counters);
  return { seed, seconds, counters: scene.counters, checks, violation: found.violation };
}

function castOf(scene: Scene, seed: number, mysqld: Mysqld, seconds: number): Actor[] {
  const named = <T>(name: string, make: (name: string, random: Random) => T) =>
    make(name, randomFrom(seed, name));
  const people = [
    ...Array.from({ length: 6 }, (_, index) =>
      named(`user ${index + 1}`, (name, random) => makeUser(scene, name, random)),
    ),
    named('admin', (name, random) => makeAdmin(scene, name, random)),
    named('sweeper 1', (name, random) => makeSweeper(scene, name, random)),
    named('sweeper 2', (name, random) => makeSweeper(scene, name, random)),
    named('blocker', (name, random) => makeBlocker(scene, name, random)),
  ];
  // A server that is down takes its time to come back: at least twice in a short soak.
  const between: [number, number] = seconds < 60 ? [5, 9] : [8, 20];
  return [
    ...people,
    named('killer', (name, random) => makeKiller(scene, name, random, people)),
    named('half-maker', (name, random) => makeHalfMaker(scene, name, random)),
    named('server killer', (name, random) =>
      makeServerKiller(scene, name, random, mysqld, between),
    ),
  ];
}

async function liveOn(
  actor: Actor,
  gate: Gate,
  isOver: () => boolean,
  report: (finding: Finding) => void,
): Promise<void> {
  while (!isOver()) {
    try {
      await gate.through(() => actor.act());
    } catch (error) {
      if (!(error instanceof Unexplained)) throw error;
      report(unexplained(error));
    }
  }
}

/** The invariants that hold at every instant, every now and then, while everybody is at work. */
async function watchAtWork(
  url: string,
  isOver: () => boolean,
  report: (finding: Finding | undefined) => void,
): Promise<void> {
  while (!isOver()) {
    await sleep(500);
    report(await withConnection(url, checkAtWork).catch(unexplained));
  }
}

async function restAndCheck(
  scene: Scene,
  random: Random,
  baseline: Baseline,
): Promise<Finding | undefined> {
  const freed = await withConnection(scene.url, checkReserved);
  if (freed !== undefined) return freed;
  try {
    await comeToRest(scene, random);
  } catch (error) {
    return unexplained(error);
  }
  return withConnection(scene.url, (db) => checkAtRest(db, baseline));
}

const unexplained = (error: unknown): Finding => ({
  invariant: 'error: a call failed, and no fault of ours explains it',
  detail: (error as Error).message,
});

/** One more fault while nobody can pay: the half of a sweep is committed. Then everything due is swept. */
async function comeToRest(scene: Scene, random: Random): Promise<void> {
  const victim = openSession(scene.url, random);
  const killer = openSession(scene.url, random);
  try {
    if (random.chance(0.7)) {
      await untilAnswered(() =>
        leaveHalf(scene, {
          victim,
          killer,
          random,
          sql: 'CALL cancel_expired_orders()',
          withinMs: 25,
        }),
      );
    }
    await untilAnswered(() => killer.affected('DELETE FROM order_timeout_hold'));
    await untilAnswered(() => letTimePass(killer));
    await sweepAll(victim);
  } finally {
    victim.drop();
    killer.drop();
  }
}

/** Sweeps until nothing is left to do. Throws an Error when that takes a minute, as the event's sweep may be in the way. */
async function sweepAll(session: Session): Promise<void> {
  const giveUpAt = Date.now() + 60_000;
  for (;;) {
    const [row] = await untilAnswered(() =>
      session.rows<{ outcome: string; cancelled: number }>('CALL cancel_expired_orders()'),
    );
    if (row?.outcome === 'completed' && row.cancelled === 0) return;
    if (Date.now() > giveUpAt) throw new Error(`The sweep does not end: ${String(row?.outcome)}`);
    await sleep(50);
  }
}

async function countJournal(url: string, counters: Counters): Promise<void> {
  const counts = await withConnection(url, async (db) => {
    const [rows] = await db.query<RowDataPacket[]>(
      `SELECT CONCAT('orders cancelled, cause ', cause) AS name, COUNT(*) AS total
         FROM order_timeout_cancellation GROUP BY cause
        UNION ALL
       SELECT CONCAT('refunds of ', kind), COUNT(*) FROM order_timeout_refund GROUP BY kind
        UNION ALL
       SELECT CONCAT('amount given back, ', kind), SUM(amount) FROM order_timeout_refund GROUP BY kind`,
    );
    return rows;
  });
  for (const { name, total } of counts) counters.add(String(name), 'what happened', Number(total));
}

async function withConnection<T>(url: string, work: (db: Connection) => Promise<T>): Promise<T> {
  return untilAnswered(async () => {
    const db = await createConnection(url);
    db.on('error', () => undefined);
    try {
      return await work(db);
    } finally {
      db.destroy();
    }
  });
}

async function sleepUntil(time: number, isOver: () => boolean): Promise<void> {
  while (Date.now() < time && !isOver()) await sleep(100);
}
