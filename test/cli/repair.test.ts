import { expect, test } from 'vitest';
import { findDisagreements } from '../../scripts/dev/invariants';
import { loadExampleShop } from '../../scripts/dev/shop';
import { holding } from '../procedures/obstacles';
import { changesOf, lockWait, order, shopOfFile } from '../support';
import { commandLine, json } from './support';

const shop = shopOfFile({ clock: '+08:00' });

/** As the shop's old task left it, among other orders, of which some are cancelled and nothing is missing. */
const loadIncidents = async (orders = 0) =>
  loadExampleShop(await shop.connect(), { orders, incidents: 'lost', clock: shop.clock });

const ALL = ['repair', '--all', '--source-type', '4', '--since', '1d'];

test('the two incidents are found among a shop’s orders, repaired, and found no more', async () => {
  await loadIncidents(300);

  const incident = { userId: '9110', kind: 'coupon', taken: '1000', returned: '0' };
  expect(await json(shop, ['audit'])).toEqual(
    [
      { orderId: '26743', targetId: '1532' },
      { orderId: '28229', targetId: '1690' },
    ].map((found) => ({ ...incident, ...found, missing: '1000', source: 'order_coupons' })),
  );
  const audit = await commandLine(shop, ['audit']);
  expect(audit.out).toContain('Missing: coupon 2,000, of 2 orders');
  expect(audit.exitCode).toBe(3);

  const repair = await commandLine(shop, [...ALL, '--yes']);
  expect(repair.err).toBe('');
  expect(repair.exitCode).toBe(0);
  expect(repair.out).toContain('Given back: coupon 2,000, of 2 orders');

  const again = await commandLine(shop, ['audit']);
  expect(again.exitCode).toBe(0);
  expect(again.out).toContain('Nothing is missing');
  expect(
    await shop.run(
      'SELECT id, status, balance_amount FROM user_coupons WHERE user_id = 9110 ORDER BY id',
    ),
  ).toEqual([
    { id: 1532, status: 1, balance_amount: 1000 },
    { id: 1690, status: 1, balance_amount: 3000 },
  ]);
  expect(await findDisagreements(await shop.connect())).toEqual([]);
});

test('repair from many sessions at once gives 1000 each, once', async () => {
  await loadIncidents();

  const sessions = await Promise.all(
    [
      [...ALL, '--yes'],
      ['repair', '28229'],
      ['repair', '26743'],
    ].flatMap((args) => Array.from({ length: 6 }, () => commandLine(shop, [...args, '--json']))),
  );

  expect(sessions.map(({ err }) => err).join('')).toBe('');
  const given = sessions.flatMap(
    ({ out }) => (JSON.parse(out) as { repaired: { targetId: string; given: string }[] }).repaired,
  );
  expect(given.map(({ targetId, given: amount }) => [targetId, amount]).sort()).toEqual([
    ['1532', '1000'],
    ['1690', '1000'],
  ]);
  expect(
    await shop.column(
      "SELECT change_amount FROM user_coupon_ledger WHERE action = 'repair_refund'",
    ),
  ).toEqual([1000, 1000]);
});

test('repair --all shows what it would give back, and asks', async () => {
  await loadIncidents();

  const changed = await changesOf(shop, async () => {
    const declined = await commandLine(shop, ALL, { answer: 'n' });
    expect(declined.questions).toEqual(['Give it back? [y/N] ']);
    expect(declined.out).toContain('To give back: coupon 2,000');
    expect(declined.out).toContain('Nothing was changed.');
    expect(declined.exitCode).toBe(1);

    const alone = await commandLine(shop, ALL);
    expect(alone.err).toContain('nobody can be asked. Add --yes');
    expect(alone.exitCode).toBe(2);
  });
  expect(changed).toEqual({});

  const agreed = await commandLine(shop, ALL, { answer: 'y' });
  expect(agreed.out).toContain('Given back: coupon 2,000');
});

test('repair --all whose orders all fail does not say that nothing is missing', async () => {
  await loadIncidents();
  await shop.run(`CREATE TRIGGER refuse BEFORE UPDATE ON user_coupons FOR EACH ROW
                  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'frozen'`);

  const { out, exitCode } = await commandLine(shop, [...ALL, '--yes']);

  expect(out).toMatch(/^Nothing was given back\.\nOrder 26743 failed: .*frozen$/m);
  expect(out).not.toContain('nothing is missing');
  expect(exitCode).toBe(1);
});

test('repair --all ends where its connection is lost, and says what was not tried', async () => {
  const orders = [];
  for (let made = 0; made < 4; made++)
    orders.push(await order(shop, { status: 'cancelled', coupon: 100, sourceType: 4 }));
  const [first, second, ...others] = orders.map(({ orderId }) => String(orderId));
  const blocker = await holding(shop, 'SELECT id FROM orders WHERE id = ? FOR UPDATE', [second]);

  const repair = commandLine(shop, [...ALL, '--yes', '--json']);
  const [waiting] = await lockWait(shop);
  await shop.run('KILL ?', [waiting]);

  const { out, exitCode } = await repair;
  expect(JSON.parse(out)).toMatchObject({
    repaired: [{ orderId: first }],
    failed: [{ orderId: second }],
    notTried: others,
  });
  expect(exitCode).toBe(1);
  await blocker.rollback();
  expect((await commandLine(shop, [...ALL, '--yes'])).out).toContain('coupon 300, of 3 orders');
});

test.for(['audit', 'reconcile'])(
  '%s gives no all-clear since a moment to come',
  async (command) => {
    expect(await commandLine(shop, [command, '--since', '2999-01-01'])).toMatchObject({
      out: '',
      err: expect.stringContaining('--since is in the future') as string,
      exitCode: 2,
    });
  },
);

test('repair of an order that there is not does not say that nothing is missing', async () => {
  expect((await commandLine(shop, ['repair', '404'])).out).toBe(
    'Nothing was given back: order 404 misses nothing, or there is no such cancelled order.',
  );
});

test('a list of findings that is cut off says so', async () => {
  for (let made = 0; made < 2; made++) await order(shop, { status: 'cancelled', coupon: 1000 });
  await commandLine(shop, ['reconcile']);

  expect((await commandLine(shop, ['findings', '--limit', '1'])).out).toMatch(
    /\n\n1 finding, and perhaps more \(--limit\)\.$/,
  );
  expect((await commandLine(shop, ['findings'])).out).toMatch(/\n\n2 findings\.$/);
});

test('repair --all keeps to the source types and dates that were named', async () => {
  const lost = (sourceType: number, ageMinutes: number) =>
    order(shop, { status: 'cancelled', coupon: 100, sourceType, ageMinutes });
  await lost(1, 60);
  const wanted = await lost(4, 60);
  await lost(4, 300);
  await lost(4, 20);

  const report = await json(shop, [
    ...['repair', '--all', '--yes', '--source-type', '2,4', '--since', '2h', '--until', '30m'],
  ]);

  expect(report).toMatchObject({
    repaired: [{ orderId: String(wanted.orderId), given: '100' }],
    failed: [],
  });
  expect(await json(shop, ['audit'])).toHaveLength(3);
});

test('what is missing becomes a finding, which a repair closes and a person may settle', async () => {
  const lost = () => order(shop, { status: 'cancelled', coupon: 1000, ageMinutes: 120 });
  const [repaired, kept] = [await lost(), await lost()];
  expect((await commandLine(shop, ['findings'])).out).toBe('There is nothing to look at.');

  expect((await commandLine(shop, ['reconcile'])).out).toMatch(/2 findings opened, 0 closed\.$/);
  const found = (await json(shop, ['findings'])) as { findingId: string; orderId: string }[];
  expect(found).toMatchObject(
    [repaired, kept].map(({ orderId }) => ({ orderId: String(orderId), what: 'missing_refund' })),
  );
  expect(await commandLine(shop, ['findings'])).toMatchObject({ exitCode: 3 });
  expect((await commandLine(shop, ['money', String(kept.orderId)])).out).toMatch(
    /^coupon \d+ .+ 1,000 +0 +0 +1,000 .+missing_refund$/m,
  );

  await commandLine(shop, ['repair', String(repaired.orderId)]);
  expect((await commandLine(shop, ['reconcile'])).out).toMatch(/0 findings opened, 1 closed\.$/);
  const settle = ['settle', found[1]?.findingId ?? '', '--remark', 'paid back in cash'];
  expect((await commandLine(shop, settle)).out).toMatch(/^Finding \d+ is settled\.$/);
  expect((await commandLine(shop, settle)).out).toMatch(/was settled already/);
  expect(await commandLine(shop, ['findings'])).toMatchObject({ exitCode: 0 });
});

test.each<[string[], string]>([
  [['repair'], 'Name an order, or give --all'],
  [['repair', '1', '--all'], 'not both'],
  [['repair', '1', '--since', '1d'], 'are for --all'],
  ...[[], ['--since', '1d'], ['--source-type', '1']].map((some): [string[], string] => [
    ['repair', '--all', '--yes', ...some],
    '--all needs --source-type (NULL for orders without one) and --since',
  ]),
  [
    ['repair', '--all', '--yes', '--source-type', '1', '--since', '1d', '--until', '2d'],
    '--since must be before --until',
  ],
])('%j is not clear enough for giving money back', async (args, message) => {
  const { err, exitCode } = await commandLine(shop, args);

  expect(err).toContain(message);
  expect(exitCode).toBe(2);
});
