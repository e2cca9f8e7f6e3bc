import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { runDemo } from '../../scripts/demo';
import { money } from '../../scripts/demo/text';
import { complaints, type Seen } from '../../scripts/demo/verdict';
import { createShop } from '../support';

test('the demo shows the event giving back what user 9110 had lost, and leaves nothing behind', async () => {
  vi.stubEnv('MYSQL_URL', inject('mysqlUrl'));
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const lines: string[] = [];

  expect(await runDemo({ log: (text) => lines.push(text) })).toBe(true);

  const shown = lines.join('\n');
  expect(shown).toMatch(/^MySQL \d/);
  expect(shown).toMatch(/1690 +28229 +waits for payment +usable +20\.00 +0$/m);
  expect(shown).toMatch(/1532 +26743 +waits for payment +used up +0\.00 +0$/m);
  expect(shown).toMatch(/1690 +28229 +cancelled +usable +30\.00 +1$/m);
  expect(shown).toMatch(/1532 +26743 +cancelled +usable +10\.00 +1$/m);
  expect(shown).toContain('Called by event_scheduler@localhost');
  const shop = await createShop({ deploy: false });
  const [, database] = /in database (\w+):/.exec(shown) ?? [];
  expect(database).toBeDefined();
  expect(await shop.run('SHOW DATABASES LIKE ?', [database])).toEqual([]);
});

test('the demo fails when the balances, the ledgers and the run disagree', () => {
  const seen = (couponMoney: bigint, balance: number, timeoutRefunds: number): Seen => ({
    books: {
      pendingOrders: 0n,
      paidOrders: 0n,
      cancelledOrders: 0n,
      couponMoney,
      points: 0n,
      couponMoneyReturned: 0n,
      pointsReturned: 0n,
      disagreements: [],
    },
    incidents: [1690, 1532].map((couponId) => ({
      couponId,
      orderId: 1,
      orderStatus: 3,
      couponStatus: 1,
      balance,
      timeoutRefunds,
    })),
  });
  const runs = {
    runs: 1,
    isAtWork: false,
    outcomes: 'completed',
    startedAt: '',
    calledBy: '',
    cancelled: 0n,
    couponRefunded: 0n,
    pointsRefunded: 0n,
    failed: 0n,
    putOff: 0n,
    durationMs: 0n,
  };

  expect(complaints(seen(0n, 0, 0), seen(0n, 1000, 1), runs)).toEqual([]);
  expect(complaints(seen(0n, 0, 0), seen(5n, 1000, 1), runs)).toHaveLength(2);
  expect(complaints(seen(0n, 0, 0), seen(0n, 1000, 2), runs)).toHaveLength(2);
  expect(complaints(seen(0n, 0, 0), seen(0n, 0, 1), { ...runs, failed: 1n })).toHaveLength(3);
});

test.each([
  [0n, '0.00'],
  [5, '0.05'],
  [-1000n, '-10.00'],
  [123456789n, '1,234,567.89'],
])('%s in minor units is %s', (minorUnits, shown) => {
  expect(money(minorUnits)).toBe(shown);
});
