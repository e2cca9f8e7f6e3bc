import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { runDemo } from '../../scripts/dev/demo';
import { complaints, type Runs, type Seen } from '../../scripts/dev/demo/report';
import type { Example } from '../../scripts/dev/shop';
import { createShop } from '../support';

/** What it prints, once it has found that all is well. */
async function demo(shop: Example = 'built-in'): Promise<string> {
  vi.stubEnv('MYSQL_URL', inject('mysqlUrl'));
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const lines: string[] = [];
  expect(await runDemo({ shop, log: (text) => lines.push(text) })).toBe(true);
  return lines.join('\n');
}

test('the demo shows the event giving back what user 9110 had lost, and leaves nothing behind', async () => {
  const shown = await demo();

  expect(shown).toMatch(/^MySQL \d/);
  for (const row of [
    '1690 28229 waits for payment usable 20.00 0',
    '1532 26743 waits for payment used up 0.00 0',
    '1690 28229 cancelled usable 30.00 1',
    '1532 26743 cancelled usable 10.00 1',
  ])
    expect(shown.replaceAll(/ +/g, ' ')).toContain(` ${row}\n`);
  expect(shown).toContain('Called by event_scheduler@localhost');
  const shop = await createShop({ deploy: false });
  const [, database] = /in database (\w+):/.exec(shown) ?? [];
  expect(database).toBeDefined();
  expect(await shop.run('SHOW DATABASES LIKE ?', [database])).toEqual([]);
});

test('the demo of another shop shows its stock and coupons coming back', async () => {
  const shown = await demo('litemall');

  expect(shown).toMatch(/^ {2}cancelled +1,053 +1,579 +526$/m);
  expect(shown).toMatch(/^ {2}stock +[\d,]+ +[\d,]+ +2,119 +2,119$/m);
  expect(shown).toMatch(/^ {2}coupon +[\d,]+ +[\d,]+ +262 +262$/m);
});

test('the demo fails when the balances, the ledgers and the run disagree', () => {
  const seen = (coupon: bigint, balance: number, timeoutRefunds: number): Seen => ({
    counts: { cancelled: 0n, coupon },
    disagreements: [],
    incidents: [1690, 1532].map((coupon) => ({
      ...{ coupon, balance, 'timeout_refund rows': timeoutRefunds },
    })),
  });
  const runs: Runs = {
    outcomes: 'completed',
    startedAt: '',
    calledBy: '',
    sums: { cancelled: 0n, failed: 0n },
    returned: { coupon: 0n },
  };
  const complain = (after: Seen, { failed = 0n } = {}) => [
    ...complaints(seen(0n, 0, 0), after, { ...runs, sums: { cancelled: 0n, failed } }),
  ];

  expect(complain(seen(0n, 10, 1))).toEqual([]);
  expect(complain(seen(5n, 10, 1))).toEqual(['coupon: grew by 5, but the journal says 0.']);
  expect(complain(seen(0n, 10, 2))).toHaveLength(2);
  expect(complain(seen(0n, 0, 1), { failed: 1n })).toHaveLength(3);
  const disagreements = ['user 1: 5 more than its ledger adds up to'];
  expect(complain({ ...seen(0n, 10, 1), disagreements })).toEqual(disagreements);
});
