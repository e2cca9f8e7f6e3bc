import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { type Actor, noteFault, type Scene } from './actors';
import type { Random } from './random';
import { isQueryKilled, openSession, type Session, untilAnswered } from './session';
import { placeOrder } from './shop';

/** Kills the connection, or the query, of whoever comes to mind. */
export function makeKiller(
  scene: Scene,
  name: string,
  random: Random,
  victims: readonly Actor[],
): Actor {
  const session = openSession(scene.url, random);
  return {
    name,
    act: async () => {
      await sleep(random.between(50, 400));
      const id = random.pick(victims).connections()[0];
      if (id === undefined) return;
      const how = random.chance(0.5) ? 'KILL QUERY' : 'KILL';
      await kill(session, how, id);
      scene.counters.add(`${how} sent`, 'faults');
    },
    connections: () => [],
    end: () => {
      session.drop();
    },
  };
}

/** A victim that is gone already, or a server that is down, is no concern of the killer's. */
async function kill(session: Session, how: 'KILL' | 'KILL QUERY', id: number): Promise<void> {
  await session.rows(`${how} ${id}`).catch(() => undefined);
}

/**
 * Cancels orders of its own, has the call killed in the middle, and commits what it left: what a pool
 * does whose connection goes on with its next START TRANSACTION. Nobody else touches these orders
 * before the half is completed, as an application would not that asks again after an unknown outcome.
 */
export function makeHalfMaker(scene: Scene, name: string, random: Random): Actor {
  const victim = openSession(scene.url, random);
  const killer = openSession(scene.url, random);
  return {
    name,
    act: async () => {
      await sleep(random.between(5, 60));
      try {
        const { orderId } = await placeOrder(victim, random, { isDue: true });
        const sql = random.chance(0.5)
          ? `CALL cancel_order(${orderId}, NULL, 'half')`
          : `CALL cancel_expired_order(${orderId})`;
        await leaveHalf(scene, { victim, killer, random, sql });
      } catch (error) {
        noteFault(scene.counters, name, error);
        await sleep(20);
      }
    },
    connections: () => [],
    end: () => {
      victim.drop();
      killer.drop();
    },
  };
}

export interface HalfOptions {
  readonly victim: Session;
  readonly killer: Session;
  readonly random: Random;
  readonly sql: string;
  /** The kill comes at any time within. Default: as long as one call takes. */
  readonly withinMs?: number;
}

/** Runs a call, kills it at some instant, and commits. Throws what is no consequence of that. */
export async function leaveHalf(scene: Scene, options: HalfOptions): Promise<void> {
  const { victim, killer, random, sql, withinMs = 5 } = options;
  await victim.rows('SELECT 1');
  await killer.rows('SELECT 1');
  const id = victim.id ?? 0;
  // Not the session's own way with errors, which is the right one: drop the connection.
  const call = victim.rowsAndStay(sql).then(
    () => undefined,
    (error: unknown) => error,
  );
  await waitExactly(random.next() * withinMs);
  await kill(killer, 'KILL QUERY', id);
  const error = await call;
  if (error === undefined) {
    // The kill came too late for the call, and may yet hit what comes next.
    victim.drop();
    return;
  }
  if (!isQueryKilled(error)) {
    victim.drop();
    throw error as Error;
  }
  await victim.rows('START TRANSACTION');
  await victim.rows('COMMIT');
  scene.counters.add('killed calls of which the half was committed', 'faults');
}

/** Timers are too coarse for what takes a millisecond. */
async function waitExactly(ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) await turn();
}

/** What the server's killer needs of a mysqld. */
export interface Killable {
  kill(signal: 'SIGKILL'): Promise<void>;
  restart(): Promise<void>;
}

/** Kills the whole server at a random instant and starts it again. */
export function makeServerKiller(
  scene: Scene,
  name: string,
  random: Random,
  mysqld: Killable,
  betweenSeconds: readonly [number, number],
): Actor {
  const draw = () => Date.now() + random.between(...betweenSeconds) * 1000;
  let nextAt = draw();
  const session = openSession(scene.url, random);
  return {
    name,
    act: async () => {
      await sleep(random.between(20, 80));
      if (Date.now() < nextAt) return;
      await mysqld.kill('SIGKILL');
      await mysqld.restart();
      await untilAnswered(() => session.rows('SELECT 1'));
      scene.counters.add('mysqld killed and started again', 'faults');
      nextAt = draw();
    },
    connections: () => [],
    end: () => {
      session.drop();
    },
  };
}
