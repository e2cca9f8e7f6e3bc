import * as fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { createShop } from '../support';
import { differenceNames, engineRules } from './differences';
import { type Engine, openEngine, type SweepBy } from './engine';
import { scenarios } from './generate';
import { play } from './scenario';
import { sorted } from './shop-data';

/** How many shops are generated, and from where on: ORACLE_SEED repeats a run. */
const SHOPS = Number(process.env.ORACLE_SHOPS ?? 100);
const SEED = Number(process.env.ORACLE_SEED ?? Math.floor(Math.random() * 2 ** 31));

let engine: Engine;

beforeAll(async () => {
  engine = await openEngine(await createShop({ clock: '+08:00' }));
  process.stdout.write(`Against the reference: ${SHOPS} shops, ORACLE_SEED=${SEED}\n`);
});

test.each<SweepBy>(['cancel_expired_orders', 'cancel_expired_order'])(
  'every generated shop ends as by the reference and the differences decided on, through %s',
  async (sweepBy) => {
    await fc.assert(
      fc.asyncProperty(scenarios, async (scenario) => {
        const expected = play(scenario, engineRules());
        const actual = await engine.play(scenario, sweepBy);
        expect(sorted(actual.shop)).toEqual(sorted(expected.shop));
        expect(actual.outcomes).toEqual(expected.outcomes);
      }),
      // A bug that was put in on purpose needs no smallest example.
      { numRuns: SHOPS, seed: SEED, endOnFailure: process.env.MUTATION !== undefined },
    );
  },
  60_000 + SHOPS * 1_000,
);

test('the generated shops are such that each difference decides some of them', () => {
  const decided = new Map(differenceNames.map((name) => [name, 0]));
  for (const scenario of fc.sample(scenarios, { numRuns: 2000, seed: 1 })) {
    const byAll = JSON.stringify(play(scenario, engineRules()).shop);
    for (const [without, count] of decided) {
      const byOthers = JSON.stringify(play(scenario, engineRules({ without })).shop);
      if (byOthers !== byAll) decided.set(without, count + 1);
    }
  }
  for (const [name, count] of decided) expect(count, name).toBeGreaterThanOrEqual(5);
});
