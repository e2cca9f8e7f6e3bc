import type { Bench } from '../bench';
import { roundsFor } from '../sizes';
import { median } from '../statistics';
import { VARIANTS } from '../variants';
import { DUE_ONLY, type Throughput } from './throughput';

/** The engine's throughput as the backlog grows. The sizes take turns. */
export async function measureGrowth({ sizes, ...bench }: Bench): Promise<Throughput[]> {
  const engine = await bench.shop('engine');
  const measured = new Map<number, number[]>(sizes.growingBacklogs.map((backlog) => [backlog, []]));
  for (let round = 1; round <= sizes.rounds; round += 1) {
    for (const [backlog, rounds] of measured) {
      if (round > roundsFor(backlog, sizes.rounds)) continue;
      await engine.refill(backlog, DUE_ONLY);
      const startedAt = performance.now();
      await VARIANTS.engine.run(engine.db);
      const perSecond = (backlog / (performance.now() - startedAt)) * 1000;
      rounds.push(perSecond);
      bench.progress(`growth, round ${round}: ${backlog} orders: ${Math.round(perSecond)}/s`);
    }
  }
  return [...measured].map(([backlog, rounds]) => ({
    variant: 'engine',
    backlog,
    perSecond: median(rounds),
    rounds,
  }));
}
