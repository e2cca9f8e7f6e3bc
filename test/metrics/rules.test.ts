import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { toPrometheus } from '../../scripts/metrics/to-prometheus';
import { promtool, withPromtool } from './promtool';

const RULES = join(__dirname, '../../docs/monitoring/order-timeout.rules.yml');

withPromtool('promtool check rules accepts the alert rules', () => {
  promtool(['check', 'rules', RULES]);
});

withPromtool('each alert is raised when it should be, and not otherwise', () => {
  promtool(['test', 'rules', join(__dirname, 'order-timeout.rules.test.yml')]);
});

test('the rules ask for metrics that there are', async () => {
  const metrics = await toPrometheus(
    {
      paused: false,
      takesWrites: true,
      schedulerOn: true,
      eventEnabled: true,
      lastSweepAt: null,
      dueOrders: 0,
      overdueSeconds: 0,
      failedOrders: 0,
      quarantinedOrders: 0,
      heldOrders: 0,
      cutShortCalls: 0,
      lastHour: {
        runs: { completed: 0, outOfTime: 0, failed: 0, interrupted: 0 },
        ordersCancelled: 0,
        couponRefunded: 0n,
        pointsRefunded: 0n,
      },
    },
    'shop',
  );
  const asked = new Set(
    [...readFileSync(RULES, 'utf8').matchAll(/\border_timeout_\w+(?=[ [{)])/g)].map(
      ([name]) => name,
    ),
  );
  asked.delete('order_timeout_failure'); // The table, in an explanation.

  expect(asked.size).toBeGreaterThan(5);
  for (const name of asked) expect(metrics).toContain(`# TYPE ${name} gauge`);
});
