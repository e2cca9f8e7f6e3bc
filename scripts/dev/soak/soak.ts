import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { type Source, up } from '../../deploy';
import { type Baseline, findBalanceViolations, findViolations, takeBaseline } from '../invariants';
import { type PrivateMysqld, startPrivateMysqld } from '../server';
import { racePayments } from './payments';
import { type Random, randomFrom } from './random';
import { CLOCK, findBroken, openShop } from './shop';
import { type Cut, isConnectionLost, liveThrough, type Scene, Violation } from './victim';

export interface SoakOptions {
  /** How many calls KILL QUERY is to cut short; a fifth as many KILL CONNECTION. */
  readonly kills: number;
  /** How often the server is to be killed. Default: one for 250 kills. */
  readonly serverKills?: number;
  /** How many orders a payment and a cancellation race for, after the kills. Default: none. */
  readonly payments?: number;
  /** Repeats what is called, though not the instants at which the kills meet it. */
  readonly seed: number;
  /** What is deployed; default: this package's files. */
  readonly source?: Source | undefined;
  /** Takes a line now and then. */
  readonly log?: (line: string) => void;
}

export interface SoakReport {
  readonly seed: number;
  readonly kills: Readonly<Record<Cut | 'SIGKILL', number>>;
  /** "cancel, autocommit: cut short": how often. */
  readonly counts: ReadonlyMap<string, number>;
  /** How often the whole shop was added up. */
  readonly checks: number;
  /** The first thing that was found broken; undefined: none. */
  readonly violation: string | undefined;
}

const DATABASE = 'shop';
const VICTIMS = 4;
const ROUND_MS = 5_000;

/**
 * Kills calls at random instants, on a MySQL of its own, and adds the whole shop up between the rounds.
 * Ends at the first violation. Throws when there is no MySQL to be had.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const mysqld = await startPrivateMysqld({ ...(options.log && { log: options.log }) });
  try {
    const url = new URL(mysqld.url);
    const server = await createConnection(url.href);
    await server.query('CREATE DATABASE ?? DEFAULT CHARACTER SET utf8mb4', [DATABASE]);
    await server.query('USE ??', [DATABASE]);
    await openShop(server);
    url.pathname = `/${DATABASE}`;
    await up(url.href, { clock: CLOCK, source: options.source });
    await server.query('ALTER EVENT order_timeout_tick DISABLE');
    const baseline = await takeBaseline(server);
    await server.end();
    return await killAll(url.href, mysqld, baseline, options);
  } finally {
    await mysqld.stop();
  }
}

async function killAll(
  url: string,
  mysqld: PrivateMysqld,
  baseline: Baseline,
  { kills, seed, log, payments = 0, serverKills = Math.ceil(kills / 250) }: SoakOptions,
): Promise<SoakReport> {
  const wanted = { 'KILL QUERY': kills, 'KILL CONNECTION': Math.ceil(kills / 5) };
  const done = { 'KILL QUERY': 0, 'KILL CONNECTION': 0, SIGKILL: 0 };
  const counts = new Map<string, number>();
  const random = randomFrom(seed, 'director');
  const open = (cut: Cut) => Math.max(wanted[cut] - done[cut], 0);
  const scene: Scene = {
    url,
    durations: new Map(),
    count: (name) => counts.set(name, (counts.get(name) ?? 0) + 1),
    cutSucceeded: (cut) => (done[cut] += 1),
    nextCut: () => {
      const left = open('KILL QUERY') + open('KILL CONNECTION');
      if (left === 0) return undefined;
      return random.chance(open('KILL CONNECTION') / left) ? 'KILL CONNECTION' : 'KILL QUERY';
    },
  };
  const victims = Array.from({ length: VICTIMS }, (_, nth) => randomFrom(seed, `victim ${nth}`));
  let checks = 0;
  let violation: string | undefined;
  try {
    while (scene.nextCut() !== undefined || done.SIGKILL < serverKills) {
      const killsServer = done.SIGKILL < serverKills;
      await round(scene, victims, killsServer ? { mysqld, random } : undefined);
      if (killsServer) done.SIGKILL += 1;
      await untilAnswered(() => checkWhole(url, baseline));
      checks += 1;
      log?.(`${JSON.stringify(done)}, ${checks} checks`);
    }
    await untilAnswered(() => sweepAll(url, baseline));
    for (const [name, count] of await racePayments(url, { races: payments, seed, log }))
      counts.set(name, count);
    await checkWhole(url, baseline);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    violation = error.message;
  }
  return { seed, kills: done, counts, checks, violation };
}

/** Everybody calls for a while; meanwhile the server may be killed and comes back. */
async function round(
  scene: Scene,
  victims: readonly Random[],
  killing: { mysqld: PrivateMysqld; random: Random } | undefined,
): Promise<void> {
  const endAt = Date.now() + ROUND_MS;
  let isBroken = false;
  const isOver = () => isBroken || Date.now() > endAt;
  const lives = victims.map((random) =>
    // Without kills left to do they still call, so that the server's end meets somebody.
    liveThrough(
      killing ? { ...scene, nextCut: () => scene.nextCut() ?? 'KILL QUERY' } : scene,
      random,
      isOver,
    ).catch((error: unknown) => {
      isBroken = true;
      throw error;
    }),
  );
  const server = async () => {
    if (killing === undefined) return;
    await sleep(killing.random.between(500, ROUND_MS - 1_000));
    await killing.mysqld.kill('SIGKILL');
    await killing.mysqld.restart();
  };
  const results = await Promise.allSettled([...lives, server()]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** While nobody is at work: order by order, balance by balance, and what the engine says of itself. */
async function checkWhole(url: string, baseline: Baseline): Promise<void> {
  const db = await createConnection(url);
  try {
    const [balance] = await findBalanceViolations(db, baseline);
    if (balance !== undefined) throw new Violation(balance.detail);
    const [broken] = await findBroken(db);
    if (broken !== undefined) throw new Violation(broken);
    const [violation] = await findViolations(db);
    if (violation !== undefined) throw new Violation(`${violation.invariant}: ${violation.detail}`);
  } finally {
    db.destroy();
  }
}

/** At the end nothing that is due stays pending, however often it was cut short. */
async function sweepAll(url: string, baseline: Baseline): Promise<void> {
  const db = await createConnection(url);
  try {
    for (;;) {
      const [result] = await db.query<RowDataPacket[][]>('CALL cancel_expired_orders()');
      if (result[0]?.[0]?.outcome === 'completed' && result[0][0].cancelled === 0) break;
    }
    await requireNoneDue(db);
  } finally {
    db.destroy();
  }
  await checkWhole(url, baseline);
}

async function requireNoneDue(db: Connection): Promise<void> {
  const [[left]] = await db.query<RowDataPacket[]>(
    `SELECT COUNT(*) AS orders FROM orders
      WHERE status = 1 AND created_at < CONVERT_TZ(UTC_TIMESTAMP(3), '+00:00', ?) - INTERVAL 40 MINUTE`,
    [CLOCK],
  );
  if (Number(left?.orders) > 0)
    throw new Violation(`${String(left?.orders)} due orders are still pending after a sweep`);
}

/** Asks again while there is no connection to be had, as during a restart: for a minute. */
async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  const giveUpAt = Date.now() + 60_000;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > giveUpAt || !isConnectionLost(error)) throw error;
      await sleep(50);
    }
  }
}
