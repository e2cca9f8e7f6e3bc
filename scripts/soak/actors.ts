import { setTimeout as sleep } from 'node:timers/promises';
import type { Counters } from './counters';
import type { Random } from './random';
import { errnoOf, isConnectionLost, isQueryKilled, openSession, type Session } from './session';
import { giveBackPart, type Placed, payOrder, placeOrder, reopenOrder } from './shop';

/** Somebody who does one thing after the other. */
export interface Actor {
  readonly name: string;
  /** One thing; an error is what the faults do, unless it is no error of the server's. */
  act(): Promise<void>;
  /** Its connections, for the faults to kill. */
  connections(): readonly number[];
  end(): void;
}

/** What the actors share. */
export interface Scene {
  readonly url: string;
  readonly counters: Counters;
  /** Orders placed lately, by anybody. */
  readonly recent: Placed[];
}

interface CallRow {
  readonly outcome: string;
}

const RECENT = 40;

/** Places, pays and cancels orders, and asks for those that are past their time. */
export function makeUser(scene: Scene, name: string, random: Random): Actor {
  return actorWith(scene, name, random, async (session) => {
    const { counters, recent } = scene;
    if (recent.length < 5 || random.chance(0.45)) {
      recent.push(await placeOrder(session, random));
      if (recent.length > RECENT) recent.shift();
      counters.add('orders placed');
      return;
    }

    const { orderId, userId } = random.pick(recent);
    const what = random.next();
    if (what < 0.4) {
      if (await payOrder(session, orderId)) counters.add('orders paid');
    } else if (what < 0.7) {
      const sql = 'CALL cancel_order(?, ?, ?)';
      const [row] = await session.rows<CallRow>(sql, [orderId, userId, 'changed my mind']);
      counters.add(`cancel_order: ${row?.outcome ?? 'no answer'}`);
    } else if (what < 0.95) {
      const [row] = await session.rows<CallRow>('CALL cancel_expired_order(?)', [orderId]);
      counters.add(`cancel_expired_order: ${row?.outcome ?? 'no answer'}`);
    } else {
      await session.rows('CALL hold_order(?, 1, ?)', [orderId, 'at the cashier']);
      await session.rows('CALL release_order_hold(?)', [orderId]);
      counters.add('orders held and released');
    }
  });
}

/** Sets cancelled orders back to pending, gives parts back, and cancels some for the shop. */
export function makeAdmin(scene: Scene, name: string, random: Random): Actor {
  return actorWith(scene, name, random, async (session) => {
    await sleep(random.between(5, 50));
    if (scene.recent.length === 0) return;
    const { orderId } = random.pick(scene.recent);
    const what = random.next();
    if (what < 0.3) {
      if (await giveBackPart(session, orderId)) scene.counters.add('parts given back by the shop');
    } else if (what < 0.7) {
      if (await reopenOrder(session, random, orderId)) scene.counters.add('orders reopened');
    } else {
      await session.rows('CALL cancel_order(?, NULL, ?)', [orderId, 'out of stock']);
      scene.counters.add('cancelled by an admin, or tried');
    }
  });
}

/** Sweeps beside the event. */
export function makeSweeper(scene: Scene, name: string, random: Random): Actor {
  return actorWith(scene, name, random, async (session) => {
    await sleep(random.between(20, 300));
    const [row] = await session.rows<CallRow>('CALL cancel_expired_orders()');
    scene.counters.add(`sweeps ${row?.outcome ?? 'without an answer'}`);
  });
}

/** Holds an order, a coupon or a points row for a while, and locks them in the wrong order at times. */
export function makeBlocker(scene: Scene, name: string, random: Random): Actor {
  return actorWith(scene, name, random, async (session) => {
    await sleep(random.between(10, 100));
    if (scene.recent.length === 0) return;
    const { orderId, userId } = random.pick(scene.recent);
    const locks = [
      ['SELECT id FROM user_coupons WHERE user_id = ? FOR UPDATE', userId],
      ['SELECT id FROM user_points WHERE user_id = ? FOR UPDATE', userId],
      ['SELECT id FROM orders WHERE id = ? FOR UPDATE', orderId],
    ] as const;
    const first = random.between(0, locks.length - 1);
    await session.inTransaction(async () => {
      for (const [sql, id] of random.chance(0.5)
        ? locks.slice(first)
        : [locks[first] ?? locks[0]]) {
        await session.rows(sql, [id]);
        await sleep(random.between(0, 60));
      }
    });
    scene.counters.add('rows held by somebody');
  });
}

const LOCK_WAIT_TIMEOUT = 1205;
const DEADLOCK = 1213;
const KILLED = 'connections killed, seen by the caller';

const FAULT_NAMES: Readonly<Record<number, string>> = {
  [LOCK_WAIT_TIMEOUT]: 'lock wait timeouts',
  [DEADLOCK]: 'deadlocks',
  3024: 'queries out of time',
};

/** An error of MySQL's own that no fault explains: the engine's fault, or the soak's. */
export class Unexplained extends Error {}

/** Runs `work` on a session of the actor's own; counts the errors that faults explain, throws the others. */
function actorWith(
  scene: Scene,
  name: string,
  random: Random,
  work: (session: Session) => Promise<void>,
): Actor {
  const session = openSession(scene.url, random);
  return {
    name,
    act: async () => {
      try {
        await work(session);
      } catch (error) {
        noteFault(scene.counters, name, error);
        await sleep(20);
      }
    },
    connections: () => (session.id === undefined ? [] : [session.id]),
    end: () => {
      session.drop();
    },
  };
}

export function noteFault(counters: Counters, name: string, error: unknown): void {
  const errno = errnoOf(error);
  const known = isQueryKilled(error) ? 'queries killed, seen by the caller' : FAULT_NAMES[errno];
  if (known !== undefined) counters.add(known, 'faults');
  else if (isConnectionLost(error)) counters.add(KILLED, 'faults');
  else
    throw new Unexplained(`${name}: ${String(errno)} ${(error as Error).message}`, {
      cause: error,
    });
}
