import { expect, test } from 'vitest';
import { renderReport } from '../../scripts/soak/report';
import { soak } from '../../scripts/soak/soak';

const SEED = Number(process.env.SOAK_SEED ?? Math.floor(Math.random() * 2 ** 31));

test('a shop lives through half a minute of faults without a violation', async () => {
  const report = await soak({ seconds: 25, seed: SEED });
  process.stdout.write(`${renderReport(report)}\n`);

  expect(report.violation).toBeUndefined();
  expect(report.checks).toBeGreaterThanOrEqual(2);
}, 300_000);
