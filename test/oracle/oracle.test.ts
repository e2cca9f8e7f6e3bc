import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { BUILT_IN, RENUMBERED } from './codes';
import { differenceNames, engineRules } from './differences';
import { type Engine, openEngine, type Session } from './engine';
import { scenarios, sessions } from './generate';
import { play, playAll, type Scenario, type Step } from './scenario';
import { type ShopData, sorted, sumOf } from './shop-data';
import { type Finding, findingsOf, foundAtOnce, tellOf } from './told';

/** How many shops are generated, half for each kind of codes, and from where on: ORACLE_SEED repeats a run. */
const SHOPS = Math.ceil(Number(process.env.ORACLE_SHOPS ?? 50) / 2);
const SEED = Number(process.env.ORACLE_SEED ?? Math.floor(Math.random() * 2 ** 31));

const rules = engineRules();

describe.each([
  ['the built-in codes', BUILT_IN],
  ['codes of its own', RENUMBERED],
])('in a shop with %s', (_, codes) => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await openEngine(codes);
    process.stdout.write(`By the rules: ${SHOPS} shops, ORACLE_SEED=${SEED}\n`);
  });

  test(
    'whatever it holds: what is done, what is said and what is found is by the rules',
    async () => {
      const property = fc.asyncProperty(
        scenarios,
        sessions,
        fc.boolean(),
        async (scenario, callers, nullForZero) => {
          await engine.fill(scenario.shop, nullForZero);
          await goesByTheRules(engine, scenario, callers);
        },
      );
      await fc.assert(property, {
        numRuns: SHOPS,
        seed: SEED,
        // The smallest example that is found in time: what is wrong must be told before the test is cut off.
        interruptAfterTimeLimit: 40_000 + SHOPS * 1_000,
        // A bug that was put in on purpose needs no smallest example.
        endOnFailure: process.env.MUTATION !== undefined,
      });
    },
    60_000 + SHOPS * 1_000,
  );
});

async function goesByTheRules(
  engine: Engine,
  { shop: before, steps }: Scenario,
  callers: readonly Session[],
): Promise<void> {
  const shop = structuredClone(before);
  let calls = 0;
  const short: Finding[] = [];
  const goOn = async (step: Step) => {
    const known = shop.cancellations.length;
    const outcome = play(shop, step, rules);
    const caller = callers[calls++ % callers.length];
    if (caller === undefined) throw new Error('Nobody calls');
    expect(await engine.carryOut(step, caller), JSON.stringify(step)).toEqual(outcome);
    short.push(...findingsOf(shop, rules).filter(({ what }) => what === 'short'));
    const cancelled = shop.cancellations.slice(known).map(({ orderId }) => orderId);
    const atOnce = foundAtOnce(shop, cancelled, rules);
    if (atOnce.length > 0) expect(await engine.findings()).toEqual(expect.arrayContaining(atOnce));
  };
  const listen = async () => {
    expect(sorted(await engine.ask())).toEqual(sorted(tellOf(shop, rules)));
  };
  const look = async () => {
    const left = await engine.read();
    expect(sorted(left)).toEqual(sorted(shop));
    expect(conserved(left)).toEqual(conserved(before));
    expect(await engine.reconcile()).toBe(shop.orders.length);
    const expected = findingsOf(shop, rules);
    // What was short and is no more, as after a merge, stays a finding if a call had reason to look at it then.
    const found = (await engine.findings()).filter(
      (one) => !isAmong(short, one) || isAmong(expected, one),
    );
    expect(sorted({ found })).toEqual(sorted({ found: expected }));
    await listen();
  };

  for (const step of steps.slice(0, -1)) await goOn(step);
  // What the sweep is going to do is said before.
  await listen();
  for (const step of steps.slice(-1)) await goOn(step);
  await look();

  const missing = new Set(tellOf(shop, rules).audit.map(({ orderId }) => orderId));
  if (missing.size === 0) return;
  for (const orderId of missing) await goOn({ do: 'repair', orderId });
  await look();
  expect((await engine.ask()).audit).toEqual([]);
}

const isAmong = (findings: readonly Finding[], one: Finding) =>
  findings.some((other) => isDeepStrictEqual(one, other));

/** Whatever happens, each coupon's balance less its ledger stays what it was; so do all points. */
function conserved({ coupons, couponLedger, points, pointsLedger }: ShopData) {
  const changes = (id: number) =>
    sumOf(
      couponLedger.filter(({ couponId }) => couponId === id),
      ({ change }) => change,
    );
  return {
    coupons: new Map(coupons.map(({ id, balance }) => [id, balance - changes(id)])),
    points: sumOf(points, (row) => row.points) - sumOf(pointsLedger, (row) => row.points),
  };
}

test('the generated shops are such that each difference decides some of them, and each finding opens in some', () => {
  const times = new Map<string, number>([...differenceNames, ...FINDINGS].map((name) => [name, 0]));
  const count = (name: string) => times.set(name, (times.get(name) ?? 0) + 1);
  for (const scenario of fc.sample(scenarios, { numRuns: 2000, seed: 1 })) {
    const shop = playAll(scenario, rules);
    for (const what of new Set(findingsOf(shop, rules).map((finding) => finding.what))) count(what);
    const byAll = JSON.stringify(shop);
    for (const without of differenceNames)
      if (JSON.stringify(playAll(scenario, engineRules({ without }))) !== byAll) count(without);
  }
  expect([...times.keys()]).toEqual([...differenceNames, ...FINDINGS]);
  for (const [name, number] of times) expect(number, name).toBeGreaterThanOrEqual(5);
});

const FINDINGS = [
  'broken_invariant',
  'contradictory',
  'duplicate_rows',
  'ledger_differs',
  'missing_refund',
  'missing_target',
  'paid_after_refund',
  'pending_after_refund',
  'second_take',
  'short',
  'unknown_action',
];
