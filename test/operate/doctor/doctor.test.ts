import { describe, expect, test } from 'vitest';
import { diagnose, fix, hasFailed } from '../../../scripts/operate/doctor';
import { readSource, up } from '../../../scripts/deploy';
import { sweepLock } from '../../../scripts/deploy/lock';
import { deployer } from '../../deploy/support/deployer';
import { withText } from '../../deploy/support/sources';
import { holding } from '../../procedures/obstacles';
import { createShop, type Shop, until } from '../../support';
import { failed, said } from '../said';

const says = async (shop: Shop, about: string) => said(await diagnose(shop.url), about);

const DEFINER = "'order_timeout'@'localhost'";
const alterEvent = (how: string) => `ALTER DEFINER = ${DEFINER} EVENT order_timeout_tick ${how}`;

const NOTHING_TO_MEND = { done: [], remarks: [] };

test('in a sound deployment nothing fails, and there is nothing to mend', async () => {
  const shop = await createShop({ event: true });
  const findings = await diagnose(shop.url);

  expect(failed(findings)).toEqual([]);
  expect(findings.map(({ about }) => about)).toEqual([
    ...['server', 'replication', 'scheduler', 'event', 'last_sweep', 'definer', 'objects'],
    ...['execute_grants', 'index', 'setting', 'backlog', 'failures', 'runs', 'findings'],
    ...['late_payments', 'owed', 'clock'],
  ]);
  expect(said(findings, 'event')).toBe(
    'ok: Enabled, as deployed; it runs as order_timeout@localhost.',
  );
  expect(await fix(shop.url)).toEqual(NOTHING_TO_MEND);
});

test('a database without order-timeout is said to be one, and left alone', async () => {
  const shop = await createShop({ deploy: false });

  expect(await says(shop, 'deployment')).toMatch(/^fail: Nothing of order-timeout is deployed/);
  expect((await fix(shop.url)).done).toEqual([]);
});

test.each([
  ['is switched off', alterEvent('DISABLE'), /^fail: DISABLED/m, /is enabled/],
  [
    'is missing',
    'DROP EVENT order_timeout_tick',
    /^fail: .+ is missing/,
    /^The event order_timeout_tick was missing and is created$/,
  ],
  [
    'somebody has altered by hand, so that it runs as that person,',
    'ALTER EVENT order_timeout_tick ENABLE',
    /^warn: Enabled; it runs as root@.+ instead of order_timeout@localhost/,
    /order_timeout_tick/,
  ],
])('an event that %s is said to be, and is mended', async (_, sql, told, done) => {
  const shop = await createShop({ event: true });
  await shop.run(sql);
  expect(await says(shop, 'event')).toMatch(told);

  expect((await fix(shop.url)).done).toEqual([expect.stringMatching(done)]);
  expect(await fix(shop.url)).toEqual(NOTHING_TO_MEND);
  const event = `SELECT status AS status, definer AS definer
                   FROM information_schema.events WHERE event_schema = DATABASE()`;
  expect(await shop.run(event)).toEqual([
    { status: 'ENABLED', definer: 'order_timeout@localhost' },
  ]);
});

test.each([
  [
    'an event with another interval or body',
    'event',
    [alterEvent('ON SCHEDULE EVERY 1 HOUR')],
    /^fail: .+order_timeout_tick was changed.+order-timeout up/,
  ],
  [
    'a procedure that was changed in the database',
    'objects',
    ['DROP PROCEDURE hold_order', 'CREATE PROCEDURE hold_order () SELECT 1'],
    /^fail: The procedure hold_order .+order-timeout up/,
  ],
  [
    'a table that was dropped',
    'objects',
    ['DROP TABLE order_timeout_hold'],
    /^fail: The table order_timeout_hold is missing\. order-timeout up makes no table again/,
  ],
  [
    'an index that is invisible',
    'index',
    ['ALTER TABLE orders ALTER INDEX order_timeout_due INVISIBLE'],
    /^fail: orders .+ VISIBLE/,
  ],
  [
    'an index that is missing',
    'index',
    ['ALTER TABLE orders DROP INDEX order_timeout_due'],
    /^fail: .+\(status, source_type/,
  ],
])('%s fails, with its name', async (_, about, statements, told) => {
  const shop = await createShop({ event: true });
  for (const sql of statements) await shop.run(sql);
  expect(await says(shop, about)).toMatch(told);
});

test('a view that a dump has put in for the time being, and whose restore was cut short, is named', async () => {
  const shop = await createShop();
  await shop.run(
    'CREATE OR REPLACE VIEW order_timeout_work_check AS SELECT 1 AS place, 1 AS check_name, 1 AS status, 1 AS detail',
  );
  const findings = await diagnose(shop.url);

  expect(said(findings, 'objects')).toMatch(/^fail: The view order_timeout_work_check .+ up/);
  expect(said(findings, 'health')).toMatch(/^fail: .+status is "1"/);
});

test('privileges that the definer account has lost fail, and are given back', async () => {
  const shop = await createShop();
  await shop.run(`REVOKE INSERT ON user_coupon_ledger FROM ${DEFINER}`);
  expect(await says(shop, 'definer')).toMatch(/^fail: .+lacks INSERT .+user_coupon_ledger/);

  expect((await fix(shop.url)).done).toContainEqual(expect.stringContaining('grants'));
  expect(await says(shop, 'definer')).toMatch(/^ok/);
});

test('of an account that has lost all of its privileges, as in a dump that was restored, some are named', async () => {
  const shop = await createShop();
  const granted = await shop.run<{ name: string }>(
    'SELECT table_name AS name FROM mysql.tables_priv WHERE db = DATABASE()',
  );
  for (const { name } of granted) await shop.run(`REVOKE ALL ON ?? FROM ${DEFINER}`, [name]);
  const said = await says(shop, 'definer');
  expect(said).toMatch(/^fail: .+lacks .+, and \d+ more\. .{0,80}--fix\.$/);
  expect(said.match(/lacks/g)).toHaveLength(5);

  await fix(shop.url);
  expect(await says(shop, 'definer')).toMatch(/^ok/);
});

test('while a table of the shop will not do, --fix leaves the account and the event as they are', async () => {
  const shop = await createShop({ event: true });
  await shop.run('ALTER TABLE user_points_ledger ADD COLUMN more INT NOT NULL');
  await shop.run('DROP EVENT order_timeout_tick');
  expect(await says(shop, 'objects')).toMatch(/^fail: .+user_points_ledger.more is NOT NULL/);

  const { done, remarks } = await fix(shop.url);
  expect(done).not.toContainEqual(expect.stringMatching(/is created|no more/));
  expect(remarks).toEqual(["The shop's tables will not do: first mend what objects says."]);
  expect(await shop.run('CALL cancel_expired_order(1)')).toMatchObject([[{}], {}]);
  await shop.run('ALTER TABLE user_points_ledger DROP COLUMN more');
  expect((await fix(shop.url)).done).toContainEqual(expect.stringMatching(/is created$/));
  expect(await up(shop.url)).toMatchObject({ outcome: 'nothing_to_do' });
});

test('--fix of another version takes nothing from the account that what is deployed needs', async () => {
  const shop = await createShop({ deploy: false });
  const newer = readSource();
  const older = withText(newer, 'order_timeout_clock', (text) =>
    text.replace('END$$', '    DO (SELECT COUNT(*) FROM order_timeout_old);\n$&'),
  );
  const text =
    'CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_old AS SELECT 1 AS one;\n';
  const view = { kind: 'view', name: 'order_timeout_old', text } as const;
  await up(shop.url, { source: { ...older, objects: [...older.objects, view] } });

  await fix(shop.url, { source: newer });
  expect(await shop.run('CALL order_timeout_clock()')).toMatchObject([[{}], {}]);
});

test('an event that --fix creates after a deployment that was cut short is no stranger to the next one', async () => {
  const shop = await createShop({ deploy: false });
  const onProgress = ({ title }: { title: string }) => {
    if (title.startsWith('setting')) throw new Error('cut');
  };
  await expect(up(shop.url, { clock: '+08:00', onProgress })).rejects.toThrow('cut');
  await fix(shop.url);

  expect(await up(shop.url, { clock: '+08:00' })).toMatchObject({ outcome: 'done' });
});

test('grants that a deployment lost when it was cut short fail, and are given back', async () => {
  const shop = await createShop();
  const account = await shop.createAccount('EXECUTE ON PROCEDURE cancel_order');
  const { username } = new URL(account);
  const grant = `GRANT EXECUTE ON PROCEDURE \`${shop.name}\`.cancel_order TO '${username}'@'%'`;
  await shop.run(`REVOKE EXECUTE ON PROCEDURE cancel_order FROM '${username}'@'%'`);
  await shop.run(
    "UPDATE order_timeout_object SET grants_to_restore = ? WHERE kind = 'procedure' AND name = 'cancel_order'",
    [JSON.stringify([grant])],
  );
  expect(await says(shop, 'execute_grants')).toMatch(/^fail: .+cancel_order/);

  expect((await fix(shop.url)).done).toContainEqual(expect.stringMatching(/grants.*cancel_order/));
  expect(await says(shop, 'execute_grants')).toContain(`${username}@%`);
});

test('EXECUTE on the whole schema, or on an inner routine, is warned of, with the accounts', async () => {
  const shop = await createShop();
  const accounts = [
    await shop.createAccount(`EXECUTE ON \`${shop.name}\`.*`),
    await shop.createAccount('EXECUTE ON FUNCTION order_timeout_settle_order'),
    await shop.createAccount('EXECUTE ON PROCEDURE order_timeout_health'),
  ].map((url) => `${new URL(url).username}@%`);
  expect(await says(shop, 'execute_grants')).toMatch(
    new RegExp(`^warn: EXECUTE on .+: ${accounts[0]} and ${accounts[1]}\\. .+forged`, 'm'),
  );
});

test('the runbook’s deploying account sees all, and is not one of those that are warned of', async () => {
  const shop = await createShop({ event: true });
  const findings = await diagnose(await deployer(shop));
  for (const about of ['definer', 'objects', 'execute_grants'])
    expect(said(findings, about)).toMatch(/^ok: [^\n]+$/);
});

test('an ALTER that waits, and makes everybody wait, is named with whom it waits for', async () => {
  const shop = await createShop();
  const reader = await holding(shop, 'SELECT COUNT(*) FROM user_points');
  const alter = await shop.connect();
  const waiting = alter.query('ALTER TABLE user_points ADD COLUMN more INT').catch(() => undefined);
  let told = '';
  await until(async () => (told = await says(shop, 'lock_waits')) !== '');
  await reader.query('COMMIT');
  await waiting;

  expect(told).toMatch(
    new RegExp(
      `^warn: Connection ${alter.threadId} waits to change user_points \\(ALTER TABLE.+for connection ${reader.threadId};`,
    ),
  );
  expect(await says(shop, 'lock_waits')).toBe('');
});

test('a sweep that has ended in the future tells that the clock was set back, after which no event runs', async () => {
  const shop = await createShop({ event: true });
  const holder = await shop.connect();
  await holder.query('DO GET_LOCK(?, 60)', [sweepLock(shop.name)]);
  await shop.run('UPDATE order_timeout_heartbeat SET beat_at = NOW(3) + INTERVAL 1 HOUR');
  expect(await says(shop, 'last_sweep')).toMatch(/^fail: .+was set back.+event_scheduler = OFF/);
});

test('an event whose account may not do its work fails by what the scheduler says, and is well after a sweep', async () => {
  const shop = await createShop({ event: true });
  await shop.run(alterEvent('ON SCHEDULE EVERY 1 SECOND'));
  await shop.run(`REVOKE EXECUTE ON \`${shop.name.replaceAll('_', '\\_')}\`.* FROM ${DEFINER}`);
  let told = '';
  await until(async () => (told = await says(shop, 'last_sweep')).startsWith('fail'));
  expect(told).toMatch(/execute command denied to user 'order_timeout'@'localhost'.+--fix/i);

  await fix(shop.url);
  await until(async () => (await says(shop, 'last_sweep')).startsWith('ok'));
  expect(await says(shop, 'definer')).toMatch(/^ok/);
});

describe('an account that may see little', () => {
  const seenBy = async (shop: Shop, privileges: string) =>
    diagnose(await shop.createAccount(`${privileges} ON \`${shop.name}\`.*`));

  test('is told what was not looked at, and nothing that is not so', async () => {
    const shop = await createShop({ event: true });
    const findings = await seenBy(shop, 'SELECT, SHOW VIEW, EXECUTE, EVENT');
    expect(hasFailed(findings)).toBe(false);
    expect(said(findings, 'objects')).toMatch(/^warn: \d+ objects were compared by name only/);
    expect(said(findings, 'execute_grants')).toMatch(/^warn: Not looked at/);
    expect(said(findings, 'definer')).toMatch(/^warn: Not looked at/);
  });

  test('takes an event that it may not see for one that it may not see', async () => {
    const findings = await seenBy(await createShop(), 'SELECT, EXECUTE');
    expect(hasFailed(findings)).toBe(false);
    expect(said(findings, 'event')).toMatch(/^warn: Not looked at/);
  });
});
