import { expect, test } from 'vitest';
import { soak } from '../../scripts/dev/soak/soak';

const SEED = Number(process.env.SOAK_SEED ?? Math.floor(Math.random() * 2 ** 31));
const KILLS = Number(process.env.SOAK_KILLS ?? 60);
const PAYMENTS = Number(process.env.SOAK_PAYMENTS ?? 100);

test('killed calls leave nothing half and nothing twice; an order is paid or cancelled, never both', async () => {
  const report = await soak({
    kills: KILLS,
    serverKills: 1,
    payments: PAYMENTS,
    seed: SEED,
  });
  process.stdout.write(`Soak with seed ${SEED}: ${JSON.stringify(report.kills)}\n`);

  expect(report.violation).toBeUndefined();
  expect(report.kills['KILL QUERY']).toBeGreaterThanOrEqual(KILLS);
  expect(report.kills.SIGKILL).toBe(1);
  // Which comes first is left to chance here; test/races/payment.test.ts forces either.
  const raced = [...report.counts].filter(([name]) => name.startsWith('payment beside'));
  expect(raced.reduce((sum, [, count]) => sum + count, 0)).toBe(PAYMENTS);
}, 300_000);
