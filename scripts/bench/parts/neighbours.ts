import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../bench';
import { type Experience, workAtPace } from '../neighbours/customers';
import { createOrder, type UsableCoupon } from '../neighbours/order-creation';
import { pay, type UnpaidOrder } from '../neighbours/payment';
import { select } from '../server';
import type { BenchShop } from '../shop';
import { roundsFor } from '../sizes';
import { latency, type Latency, median } from '../statistics';
import { sweepAll } from '../variants';

export interface Neighbours {
  readonly payments: Latency;
  readonly creations: Latency;
  readonly failedPayments: number;
  readonly failures: readonly string[];
  readonly deadlocks: number;
  readonly lockTimeouts: number;
  readonly lockWaits: number;
}

export interface NeighboursResult {
  readonly backlog: number;
  /** Over all rounds. */
  readonly alone: Neighbours;
  readonly draining: Neighbours;
  /** Payments' p99 while draining over alone: of all rounds together, and of each of them. */
  readonly paymentsP99Ratio: number;
  readonly ratios: readonly number[];
  readonly drainPerSecond: number;
}

const PAYMENT_CONNECTIONS = 2;
const PAYMENT_PACE_MS = 20;
const CREATION_PACE_MS = 40;
/** Longer than any drain here takes. */
const LONGEST_SECONDS = 90;

/** Payments and new orders, alone and then while a backlog drains, in each round. */
export async function measureNeighbours(bench: Bench): Promise<NeighboursResult> {
  const { sizes } = bench;
  const backlog = sizes.neighboursBacklog;
  const shop = await bench.shop('engine');
  for (const counter of COUNTERS) {
    await bench.server.admin.query('SET GLOBAL innodb_monitor_enable = ?', [counter]);
  }
  const rounds: { alone: Encounter; draining: Encounter; perSecond: number }[] = [];
  for (let round = 1; round <= roundsFor(backlog, sizes.rounds); round += 1) {
    const work = await openForBusiness(bench, shop);
    const alone = await work(() => sleep(sizes.aloneSeconds * 1000));
    let perSecond = 0;
    const draining = await work(async () => {
      const startedAt = performance.now();
      await sweepAll(shop.db);
      perSecond = (backlog / (performance.now() - startedAt)) * 1000;
    });
    rounds.push({ alone, draining, perSecond });
    bench.progress(
      `neighbours, round ${round}: payments' p99 ${latency(alone.payments).p99.toFixed(1)} ms alone, ` +
        `${latency(draining.payments).p99.toFixed(1)} ms while ${backlog} orders drain`,
    );
  }
  const alone = summarise(rounds.map((round) => round.alone));
  const draining = summarise(rounds.map((round) => round.draining));
  return {
    backlog,
    alone,
    draining,
    paymentsP99Ratio: draining.payments.p99 / alone.payments.p99,
    ratios: rounds.map(
      (round) => latency(round.draining.payments).p99 / latency(round.alone.payments).p99,
    ),
    drainPerSecond: median(rounds.map(({ perSecond }) => perSecond)),
  };
}

/** What the neighbours met in one stretch of work: times in milliseconds. */
interface Encounter extends Omit<Neighbours, 'payments' | 'creations'> {
  readonly payments: readonly number[];
  readonly creations: readonly number[];
}

type Work = (until: () => Promise<void>) => Promise<Encounter>;

/** Loads a round's shop. The work that it returns goes on until the promise it is given resolves. */
async function openForBusiness(bench: Bench, shop: BenchShop): Promise<Work> {
  const { neighboursBacklog, aloneSeconds } = bench.sizes;
  const seconds = aloneSeconds + LONGEST_SECONDS;
  const payments = (seconds * 1000 * PAYMENT_CONNECTIONS) / PAYMENT_PACE_MS;
  const creations = (seconds * 1000) / CREATION_PACE_MS;
  await shop.refill(neighboursBacklog + payments, { due: neighboursBacklog, young: payments });

  const unpaid = await select<UnpaidOrder>(
    shop.db,
    `SELECT id AS orderId, coupon_id AS couponId FROM orders WHERE id > ${neighboursBacklog} ORDER BY id`,
  );
  const { insertId } = await addCoupons(shop, creations);
  const coupons = await select<UsableCoupon>(
    shop.db,
    'SELECT id AS couponId, user_id AS userId, balance_amount AS balance FROM user_coupons WHERE id >= ? ORDER BY id',
    [insertId],
  );
  const payers = await Promise.all(
    Array.from({ length: PAYMENT_CONNECTIONS }, () => shop.connect()),
  );
  const creator = await shop.connect();
  const share = (nth: number) => unpaid.filter((_, index) => index % PAYMENT_CONNECTIONS === nth);
  const left = { payments: payers.map((_, nth) => share(nth)), coupons };

  return async (until) => {
    let isOver = false;
    const before = await readCounters(bench);
    const working = Promise.all([
      ...payers.map((payer, nth) =>
        workAtPace(payer, PAYMENT_PACE_MS, left.payments[nth] ?? [], pay, () => isOver),
      ),
      workAtPace(creator, CREATION_PACE_MS, left.coupons, createOrder, () => isOver),
    ]);
    try {
      await Promise.race([until(), working]);
    } finally {
      isOver = true;
    }
    const experiences = await working;
    const after = await readCounters(bench);
    const creating = experiences[PAYMENT_CONNECTIONS] ?? NONE;
    const paying = experiences.slice(0, PAYMENT_CONNECTIONS);
    left.payments = left.payments.map((orders, nth) => orders.slice(done(paying[nth] ?? NONE)));
    left.coupons = left.coupons.slice(done(creating));
    return describe(paying, creating, (counter) => after[counter] - before[counter]);
  };
}

const NONE: Experience = { times: [], failures: [] };

const done = ({ times, failures }: Experience) => times.length + failures.length;

/** Coupons that new orders will hold. */
async function addCoupons(shop: BenchShop, count: number): Promise<{ insertId: number }> {
  const [last] = await select<{ id: number }>(shop.db, 'SELECT MAX(id) AS id FROM user_coupons');
  const firstId = Number(last?.id) + 1;
  await shop.db.query(
    `INSERT INTO user_coupons (id, user_id, status, balance_amount)
     SELECT ? + id, 2000000000 + id, 1, 1000 FROM orders WHERE id <= ?`,
    [firstId, count],
  );
  return { insertId: firstId };
}

function describe(
  paying: readonly Experience[],
  creating: Experience,
  grown: (counter: Counter) => number,
): Encounter {
  const failedPayments = paying.flatMap(({ failures }) => failures);
  return {
    payments: paying.flatMap(({ times }) => times),
    creations: creating.times,
    failedPayments: failedPayments.length,
    failures: [...failedPayments, ...creating.failures],
    deadlocks: grown('lock_deadlocks'),
    lockTimeouts: grown('lock_timeouts'),
    lockWaits: grown('lock_row_lock_waits'),
  };
}

function summarise(rounds: readonly Encounter[]): Neighbours {
  const sum = (of: (round: Encounter) => number) =>
    rounds.reduce((total, round) => total + of(round), 0);
  return {
    payments: latency(rounds.flatMap(({ payments }) => payments)),
    creations: latency(rounds.flatMap(({ creations }) => creations)),
    failedPayments: sum((round) => round.failedPayments),
    failures: rounds.flatMap(({ failures }) => failures),
    deadlocks: sum((round) => round.deadlocks),
    lockTimeouts: sum((round) => round.lockTimeouts),
    lockWaits: sum((round) => round.lockWaits),
  };
}

const COUNTERS = ['lock_deadlocks', 'lock_timeouts', 'lock_row_lock_waits'] as const;
type Counter = (typeof COUNTERS)[number];

async function readCounters({ server }: Bench): Promise<Record<Counter, number>> {
  const rows = await select<{ name: Counter; count: string }>(
    server.admin,
    `SELECT name, COUNT AS count FROM information_schema.innodb_metrics WHERE name IN ('${COUNTERS.join("','")}')`,
  );
  const counts = { lock_deadlocks: 0, lock_timeouts: 0, lock_row_lock_waits: 0 };
  for (const { name, count } of rows) counts[name] = Number(count);
  return counts;
}
