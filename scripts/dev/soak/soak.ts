import type { Connection } from 'mysql2/promise';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Source, up } from '../../deploy';
import { type Baseline, findBalanceViolations, findViolations, takeBaseline } from '../invariants';
import { type PrivateMysqld, startPrivateMysqld } from '../server';
import { ask } from '../server/connect';
import { answerOf } from './calls';
import { Violation } from './errors';
import { racePayments } from './payments';
import { type Random, randomFrom } from './random';
import { CLOCK, countDue, findBroken, openShop } from './shop';
import { type Cut, liveThrough, type Scene } from './victim';

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

const VICTIMS = 4;
const ROUND_MS = 5_000;

/**
 * Kills calls at random instants, on a MySQL of its own, and adds the whole shop up between the rounds.
 * Ends at the first violation. Throws when there is no MySQL to be had.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const mysqld = await startPrivateMysqld({ ...(options.log && { log: options.log }) });
  try {
    const url = `${mysqld.url}/shop`;
    await ask(mysqld.url, (db) => db.query('CREATE DATABASE shop DEFAULT CHARACTER SET utf8mb4'));
    await ask(url, openShop);
    await up(url, { clock: CLOCK, source: options.source });
    await ask(url, (db) => db.query('ALTER EVENT order_timeout_tick DISABLE'));
    return await killAll(url, mysqld, await ask(url, takeBaseline), options);
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
  const left = (cut: keyof typeof done) => Math.max(wanted[cut] - done[cut], 0);
  const wanted = {
    'KILL QUERY': kills,
    'KILL CONNECTION': Math.ceil(kills / 5),
    SIGKILL: serverKills,
  };
  const done = { 'KILL QUERY': 0, 'KILL CONNECTION': 0, SIGKILL: 0 };
  const isEnough = () => left('KILL QUERY') + left('KILL CONNECTION') === 0;
  const counts = new Map<string, number>();
  const count = (name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  const director = randomFrom(seed, 'director');
  const scene: Scene = {
    url,
    durations: new Map(),
    count,
    cutSucceeded: (cut) => (done[cut] += 1),
    nextCut: () => {
      const share = left('KILL CONNECTION') / (left('KILL QUERY') + left('KILL CONNECTION'));
      return director.chance(share) ? 'KILL CONNECTION' : 'KILL QUERY';
    },
  };
  const victims = Array.from({ length: VICTIMS }, (_, nth) => randomFrom(seed, `victim ${nth}`));
  let checks = 0;
  let violation: string | undefined;
  try {
    while (!isEnough() || left('SIGKILL') > 0) {
      // Without calls left to kill they still call, so that the server's end meets somebody.
      if (left('SIGKILL') > 0) {
        await round(scene, victims, () => false, killServer(mysqld, director));
        done.SIGKILL += 1;
      } else await round(scene, victims, isEnough);
      await ask(url, (db) => checkWhole(db, baseline));
      checks += 1;
      log?.(`${JSON.stringify(done)}, ${checks} checks`);
    }
    await ask(url, sweepAll);
    await racePayments(url, payments, seed, count, log);
    await ask(url, (db) => checkWhole(db, baseline));
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
  isEnough: () => boolean,
  meanwhile?: Promise<void>,
): Promise<void> {
  const endAt = Date.now() + ROUND_MS;
  let isBroken = false;
  const isOver = () => isBroken || Date.now() > endAt || isEnough();
  const lives = victims.map((random) =>
    liveThrough(scene, random, isOver).catch((error: unknown) => {
      isBroken = true;
      throw error;
    }),
  );
  const results = await Promise.allSettled([...lives, meanwhile]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function killServer(mysqld: PrivateMysqld, random: Random): Promise<void> {
  await sleep(random.between(500, ROUND_MS - 1_000));
  await mysqld.kill('SIGKILL');
  await mysqld.restart();
}

/** While nobody is at work: order by order, balance by balance, and what the engine says of itself. */
async function checkWhole(db: Connection, baseline: Baseline): Promise<void> {
  const [balance] = await findBalanceViolations(db, baseline);
  const [broken] = await findBroken(db);
  const [violation] = await findViolations(db);
  const seen = violation && `${violation.invariant}: ${violation.detail}`;
  const worst = balance?.detail ?? broken ?? seen;
  if (worst !== undefined) throw new Violation(worst);
}

/** At the end nothing that is due stays pending, however often it was cut short. */
async function sweepAll(db: Connection): Promise<void> {
  let row;
  do row = await answerOf(db, 'CALL cancel_expired_orders()');
  while (row.outcome !== 'completed' || row.cancelled !== 0);
  const due = await countDue(db);
  if (due > 0) throw new Violation(`${due} due orders are still pending after a sweep`);
}
