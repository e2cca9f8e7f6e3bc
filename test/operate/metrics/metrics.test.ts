import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Numbers } from '../../../scripts';
import { toPrometheus } from '../../../scripts/operate/metrics';
import { commandLine } from '../../cli/support';
import { createShop, pendingOrder } from '../../support';
import { isInstalled } from '../../support/programs';

/** Tests that need promtool, where it is. */
const withPromtool = test.skipIf(
  !isInstalled('promtool', 'apt-get install --no-install-recommends prometheus'),
);

/** Throws with what promtool has to say when it finds something. */
function promtool(args: readonly string[], input = ''): string {
  try {
    return execFileSync('promtool', [...args], { input, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`promtool ${args.join(' ')} finds:\n${stdout}${stderr}`, { cause: error });
  }
}

const NUMBERS: Numbers = {
  paused: false,
  takesWrites: true,
  schedulerOn: true,
  eventEnabled: true,
  lastSweepAt: new Date('2026-01-31T12:00:00Z'),
  dueOrders: 7,
  overdueSeconds: 75,
  failedOrders: 2,
  quarantinedOrders: 1,
  heldOrders: 3,
  openFindings: 4,
  owed: 8,
  latePayments: 1,
  runsCompleted: 5,
  runsOutOfTime: 0,
  runsFailed: 1,
  runsInterrupted: 0,
  ordersCancelled: 12,
  couponRefunded: '34000',
  pointsRefunded: '56',
  returned: { coupon: '34000', points: '56' },
};

test('every number is there, with the name of the shop', async () => {
  const text = await toPrometheus(NUMBERS, 'shop');

  expect(samplesOf(text)).toEqual([
    'order_timeout_last_sweep_timestamp_seconds{database="shop"} 1769860800',
    'order_timeout_paused{database="shop"} 0',
    'order_timeout_takes_writes{database="shop"} 1',
    'order_timeout_scheduler_on{database="shop"} 1',
    'order_timeout_event_enabled{database="shop"} 1',
    'order_timeout_due_orders{database="shop"} 7',
    'order_timeout_oldest_overdue_seconds{database="shop"} 75',
    'order_timeout_failed_orders{state="retrying",database="shop"} 2',
    'order_timeout_failed_orders{state="quarantined",database="shop"} 1',
    'order_timeout_held_orders{database="shop"} 3',
    'order_timeout_open_findings{database="shop"} 4',
    'order_timeout_late_payments{database="shop"} 1',
    'order_timeout_owed_refunds{database="shop"} 8',
    'order_timeout_last_hour_runs{outcome="completed",database="shop"} 5',
    'order_timeout_last_hour_runs{outcome="out_of_time",database="shop"} 0',
    'order_timeout_last_hour_runs{outcome="failed",database="shop"} 1',
    'order_timeout_last_hour_runs{outcome="interrupted",database="shop"} 0',
    'order_timeout_last_hour_cancelled_orders{database="shop"} 12',
    'order_timeout_last_hour_returned{kind="coupon",database="shop"} 34000',
    'order_timeout_last_hour_returned{kind="points",database="shop"} 56',
  ]);
});

withPromtool('promtool check metrics accepts the text', async () => {
  promtool(['check', 'metrics'], await toPrometheus(NUMBERS, 'shop "a"\\b'));
  promtool(['check', 'metrics'], await toPrometheus({ ...NUMBERS, lastSweepAt: null }, 'shop'));
});

test('the command measures the shop with an account that may only ask, whatever the clock, under a name of your own', async () => {
  const shop = await createShop({ clock: '+08:00' });
  await pendingOrder(shop, { coupon: 1000, points: 5 });
  await commandLine(shop, ['run']);
  await pendingOrder(shop, { ageMinutes: 40 });
  const held = await pendingOrder(shop);
  await commandLine(shop, ['hold', String(held.orderId), '--minutes', '5']);
  await shop.run(
    `INSERT INTO order_timeout_failure
            (order_id, attempts, first_failed_at, last_failed_at, retry_at, error_number, error_state, error_message)
     VALUES (1, 5, NOW(3), NOW(3), NULL, 1264, '22003', ''), (2, 1, NOW(3), NOW(3), NOW(3), 1264, '22003', '')`,
  );
  const url = await shop.createAccount(
    `EXECUTE ON PROCEDURE \`${shop.name}\`.order_timeout_numbers`,
  );

  const { out, err } = await commandLine(shop, ['metrics', '--name', 'shop@db1'], { url });

  expect(err).toBe('');
  const valueOf = (name: string) =>
    Number(new RegExp(`^order_timeout_${name}.* (\\d+)$`, 'm').exec(out)?.[1]);
  expect(Math.abs(Date.now() / 1000 - valueOf('last_sweep_timestamp_seconds'))).toBeLessThan(30);
  expect(Math.abs(600 - valueOf('oldest_overdue_seconds'))).toBeLessThan(30);
  const others = samplesOf(out).map((sample) => sample.replace(/,?database="shop@db1"/, ''));
  expect(others).toEqual(
    expect.arrayContaining([
      'order_timeout_takes_writes{} 1',
      'order_timeout_event_enabled{} 0',
      'order_timeout_due_orders{} 1',
      'order_timeout_failed_orders{state="retrying"} 1',
      'order_timeout_failed_orders{state="quarantined"} 1',
      'order_timeout_held_orders{} 1',
      'order_timeout_last_hour_cancelled_orders{} 1',
      'order_timeout_last_hour_returned{kind="coupon"} 1000',
      'order_timeout_last_hour_returned{kind="points"} 5',
    ]),
  );
});

test('a file is written all at once', async () => {
  const shop = await createShop();
  const directory = mkdtempSync(join(tmpdir(), 'order-timeout-metrics-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  const file = join(directory, 'order_timeout.prom');

  expect(await commandLine(shop, ['metrics', '--out', file])).toMatchObject({ out: '', err: '' });

  expect(readdirSync(directory)).toEqual(['order_timeout.prom']);
  expect(readFileSync(file, 'utf8')).toMatch(/^# HELP order_timeout_last_sweep.*[^\n]\n$/s);
});

const RULES = join(__dirname, '../../../docs/monitoring/order-timeout.rules.yml');

withPromtool('promtool check rules accepts the alert rules', () => {
  promtool(['check', 'rules', RULES]);
});

withPromtool('each alert is raised when it should be, and not otherwise', () => {
  promtool(['test', 'rules', join(__dirname, 'order-timeout.rules.test.yml')]);
});

test('the rules ask for metrics that there are', async () => {
  const metrics = await toPrometheus(NUMBERS, 'shop');
  const asked = new Set(
    [...readFileSync(RULES, 'utf8').matchAll(/\border_timeout_\w+(?=[ [{)])/g)].map(
      ([name]) => name,
    ),
  );
  asked.delete('order_timeout_failure'); // The tables, in explanations.
  asked.delete('order_timeout_payment');

  expect(asked.size).toBeGreaterThan(5);
  for (const name of asked) expect(metrics).toContain(`# TYPE ${name} gauge`);
});

function samplesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}
