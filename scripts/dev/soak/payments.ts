import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { type Random, randomFrom } from './random';
import { placeOrders } from './shop';
import { Violation } from './victim';

export interface PaymentRaces {
  /** How many orders are fought for. */
  readonly races: number;
  readonly seed: number;
  readonly log?: ((line: string) => void) | undefined;
}

const DUE_MINUTES = 45;
const LOCK_CONFLICTS = new Set([1205, 1213]);

/**
 * For each order that is due its payment is told twice at once, while somebody else cancels it, sweeps, or pays it
 * too. Never both, never neither: the order is paid or cancelled, and every payment that did not pay it is recorded
 * once, to be sent back. Gives how often an order ended which way. Throws a Violation.
 */
export async function racePayments(
  url: string,
  { races, seed, log }: PaymentRaces,
): Promise<ReadonlyMap<string, number>> {
  const random = randomFrom(seed, 'payments');
  const counts = new Map<string, number>();
  const rivals = await Promise.all(Array.from({ length: 3 }, () => createConnection(url)));
  const shop = await createConnection(url);
  try {
    for (let raced = 1; raced <= races; raced += 1) {
      // One at a time: a sweep takes all that are due.
      const [order] = await placeOrders(shop, random, { ageMinutes: DUE_MINUTES });
      const end = await race(shop, rivals, random, order?.orderId ?? 0);
      counts.set(end, (counts.get(end) ?? 0) + 1);
      if (raced % 500 === 0) log?.(`${raced} payments raced`);
    }
  } finally {
    for (const db of [shop, ...rivals]) db.destroy();
  }
  return counts;
}

async function race(
  shop: Connection,
  rivals: readonly Connection[],
  random: Random,
  orderId: number,
): Promise<string> {
  const reference = `payment ${orderId}`;
  const another = `another payment ${orderId}`;
  const [name, rival, values] = random.pick([
    ['cancel_expired_order', 'CALL cancel_expired_order(?)', [orderId]],
    ['cancel_order_as_admin', "CALL cancel_order_as_admin(?, 'soak')", [orderId]],
    ['cancel_expired_orders', 'CALL cancel_expired_orders()', []],
    ['accept_payment', 'CALL accept_payment(?, ?)', [orderId, another]],
  ] as const);
  const calls = [
    ['CALL accept_payment(?, ?)', [orderId, reference]],
    ['CALL accept_payment(?, ?)', [orderId, reference]],
    [rival, values],
  ] as const;
  const delays = calls.map(() => (random.chance(0.5) ? random.between(0, 4) : 0));
  const [told = '', again = ''] = await Promise.all(
    calls.map(async ([sql, given], nth) => {
      await sleep(delays[nth]);
      return outcomeOf(rivals[nth] ?? shop, sql, given);
    }),
  );
  return await judge(shop, orderId, {
    name,
    told: [told, again].sort().join(' and '),
    references: name === 'accept_payment' ? [another, reference] : [reference],
  });
}

/** A lock conflict is answered by calling again, as the docs ask for. */
async function outcomeOf(db: Connection, sql: string, values: readonly unknown[]): Promise<string> {
  for (;;) {
    try {
      const [sets] = await db.query<RowDataPacket[][]>(sql, [...values]);
      return String(sets[0]?.[0]?.outcome);
    } catch (error) {
      if (!LOCK_CONFLICTS.has(Number((error as { errno?: number }).errno))) throw error;
    }
  }
}

interface Race {
  readonly name: string;
  readonly told: string;
  readonly references: readonly string[];
}

async function judge(
  shop: Connection,
  orderId: number,
  { name, told, references }: Race,
): Promise<string> {
  const [[found]] = await shop.query<RowDataPacket[]>(
    `SELECT o.status,
            (SELECT GROUP_CONCAT(reference ORDER BY reference) FROM order_timeout_payment WHERE order_id = o.id) AS recorded,
            (SELECT GROUP_CONCAT(outcome ORDER BY outcome) FROM order_timeout_payment WHERE order_id = o.id) AS outcomes,
            (SELECT COALESCE(SUM(to_send_back), 0) FROM order_timeout_payment WHERE order_id = o.id) AS to_send_back,
            (SELECT COUNT(*) FROM order_timeout_cancellation WHERE order_id = o.id) AS cancellations,
            (SELECT COUNT(*) FROM order_timeout_refund WHERE order_id = o.id) AS refunds
       FROM orders AS o WHERE o.id = ?`,
    [orderId],
  );
  const paid = found?.status === 2;
  const outcomes = paid
    ? ['accepted', ...references.slice(1).map(() => 'already_paid')]
    : references.map(() => 'too_late');
  const expected = {
    status: paid ? 2 : 3,
    recorded: [...references].sort().join(','),
    outcomes: outcomes.join(','),
    to_send_back: outcomes.filter((outcome) => outcome !== 'accepted').length,
    cancellations: paid ? 0 : 1,
  };
  const seen = { ...found, to_send_back: Number(found?.to_send_back) };
  const differs = Object.entries(expected).some(
    ([column, value]) => (seen as Record<string, unknown>)[column] !== value,
  );
  const answers = paid
    ? ['accepted and already_accepted', 'already_paid and already_paid']
    : ['too_late and too_late'];
  if (differs || !answers.includes(told) || (paid && Number(found.refunds) > 0))
    throw new Violation(
      `order ${orderId}, its payment told twice beside ${name}: ${JSON.stringify(seen)}, told ${told}; expected ${JSON.stringify(expected)}, told ${answers.join(', or ')}`,
    );
  return `payment beside ${name}: ${paid ? 'paid' : 'cancelled'}`;
}
