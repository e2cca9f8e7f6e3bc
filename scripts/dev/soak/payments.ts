import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { answerOf } from './calls';
import { conflictsAgain, Violation } from './errors';
import { type Random, randomFrom } from './random';
import { placeOrder } from './shop';

const DUE_MINUTES = 45;

/**
 * For each order that is due its payment is told twice at once, while somebody else cancels it, sweeps, or pays it
 * too. Never both, never neither: the order is paid or cancelled, and every payment that did not pay it is recorded
 * once, to be sent back. Counts how often an order ended which way. Throws a Violation.
 */
export async function racePayments(
  url: string,
  races: number,
  seed: number,
  count: (end: string) => void,
  log?: (line: string) => void,
): Promise<void> {
  const random = randomFrom(seed, 'payments');
  const rivals = await Promise.all(Array.from({ length: 3 }, () => createConnection(url)));
  try {
    for (let raced = 1; raced <= races; raced += 1) {
      count(await race(rivals, random));
      if (raced % 500 === 0) log?.(`${raced} payments raced`);
    }
  } finally {
    for (const db of rivals) db.destroy();
  }
}

/** One at a time: a sweep takes all that are due. */
async function race(rivals: readonly Connection[], random: Random): Promise<string> {
  const [shop] = rivals as [Connection];
  const { orderId } = await placeOrder(shop, random, DUE_MINUTES);
  const reference = `payment ${orderId}`;
  const another = `another payment ${orderId}`;
  const payment = ['accept_payment', 'CALL accept_payment(?, ?)', [orderId, reference]] as const;
  const rival = random.pick([
    ['cancel_expired_order', 'CALL cancel_expired_order(?)', [orderId]],
    ['cancel_order_as_admin', "CALL cancel_order_as_admin(?, 'soak')", [orderId]],
    ['cancel_expired_orders', 'CALL cancel_expired_orders()', []],
    ['accept_payment', 'CALL accept_payment(?, ?)', [orderId, another]],
  ] as const);
  const answers = [payment, payment, rival].map(async ([, sql, values], nth) => {
    const db = rivals[nth] ?? shop;
    await sleep(random.chance(0.5) ? random.between(0, 4) : 0);
    return String((await conflictsAgain(db, () => answerOf(db, sql, values))).outcome);
  });
  const [told, again] = await Promise.all(answers);
  const [name] = rival;
  const references = name === 'accept_payment' ? [another, reference] : [reference];
  const isPaid = await judge(shop, orderId, references, [told, again].sort().join(' and '), name);
  return `payment beside ${name}: ${isPaid ? 'paid' : 'cancelled'}`;
}

/** Returns whether the order was paid. `told`: what the two calls with its payment answered. */
async function judge(
  shop: Connection,
  orderId: number,
  references: readonly string[],
  told: string,
  rival: string,
): Promise<boolean> {
  const [[row]] = await shop.query<RowDataPacket[]>(
    `SELECT o.status,
            (SELECT GROUP_CONCAT(reference ORDER BY reference) FROM order_timeout_payment WHERE order_id = o.id) AS recorded,
            (SELECT GROUP_CONCAT(outcome, IF(to_send_back, ' back', '') ORDER BY outcome)
               FROM order_timeout_payment WHERE order_id = o.id) AS outcomes,
            (SELECT COUNT(*) FROM order_timeout_cancellation WHERE order_id = o.id) AS cancellations,
            (SELECT COUNT(*) FROM order_timeout_refund WHERE order_id = o.id AND o.status = 2) AS refunds_of_paid
       FROM orders AS o WHERE o.id = ?`,
    [orderId],
  );
  const seen = { ...row };
  const isPaid = seen.status === 2;
  const outcomes = isPaid
    ? ['accepted', ...references.slice(1).map(() => 'already_paid back')]
    : references.map(() => 'too_late back');
  const expected = {
    status: isPaid ? 2 : 3,
    recorded: [...references].sort().join(),
    outcomes: outcomes.join(),
    cancellations: isPaid ? 0 : 1,
    refunds_of_paid: 0,
  };
  const answers = isPaid
    ? ['accepted and already_accepted', 'already_paid and already_paid']
    : ['too_late and too_late'];
  if (!isDeepStrictEqual(seen, expected) || !answers.includes(told))
    throw new Violation(
      `order ${orderId}, its payment told twice beside ${rival}: ${JSON.stringify(seen)}, told ${told}; expected ${JSON.stringify(expected)}, told ${answers.join(', or ')}`,
    );
  return isPaid;
}
