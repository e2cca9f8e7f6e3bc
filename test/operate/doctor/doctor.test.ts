import { beforeAll, describe, expect, test } from 'vitest';
import { diagnose, type Finding, fix, hasFailed } from '../../../scripts/operate/doctor';
import { createShop, type Shop } from '../../support';

const finding = (findings: readonly Finding[], about: string) =>
  findings
    .filter((one) => one.about === about)
    .map(({ severity, text, remedy }) => `${severity}: ${text} ${remedy}`.trim())
    .join('\n');

const eventOf = (shop: Shop) =>
  shop.run<{ status: string; definer: string }>(
    `SELECT status AS status, definer AS definer FROM information_schema.events
      WHERE event_schema = DATABASE()`,
  );

const AS_DEPLOYED = { status: 'ENABLED', definer: 'order_timeout@localhost' };

test('in a sound deployment nothing fails, and there is nothing to mend', async () => {
  const shop = await createShop({ event: true });
  const findings = await diagnose(shop.url);

  expect(findings.filter(({ severity }) => severity === 'fail')).toEqual([]);
  expect(findings.map(({ about }) => about)).toEqual([
    'server',
    'replication',
    'scheduler',
    'event',
    'last_sweep',
    'definer',
    'objects',
    'execute_grants',
    'index',
    'setting',
    'backlog',
    'failures',
    'runs',
    'findings',
    'late_payments',
    'owed',
    'clock',
  ]);
  expect(finding(findings, 'event')).toBe(
    'ok: Enabled, as deployed; it runs as order_timeout@localhost.',
  );
  expect(await fix(shop.url)).toEqual({ done: [], remarks: [] });
});

test('a database without order-timeout is said to be one, and left alone', async () => {
  const shop = await createShop({ deploy: false });
  const findings = await diagnose(shop.url);

  expect(finding(findings, 'deployment')).toMatch(/^fail: Nothing of order-timeout is deployed/);
  expect((await fix(shop.url)).done).toEqual([]);
});

test('an event that is switched off fails, and is enabled again as its own account', async () => {
  const shop = await createShop();
  expect(finding(await diagnose(shop.url), 'event')).toMatch(/^fail: DISABLED/m);

  expect((await fix(shop.url)).done).toHaveLength(1);
  expect(await fix(shop.url)).toEqual({ done: [], remarks: [] });
  expect(await eventOf(shop)).toEqual([AS_DEPLOYED]);
});

test('an event that is missing fails, and is created again', async () => {
  const shop = await createShop({ event: true });
  await shop.run('DROP EVENT order_timeout_tick');
  expect(finding(await diagnose(shop.url), 'event')).toMatch(/^fail: .+ is missing/);

  expect((await fix(shop.url)).done).toEqual([
    'The event order_timeout_tick was missing and is created',
  ]);
  expect(await fix(shop.url)).toEqual({ done: [], remarks: [] });
  expect(await eventOf(shop)).toEqual([AS_DEPLOYED]);
});

test('an event that somebody has altered by hand runs as that person, which is said and mended', async () => {
  const shop = await createShop({ event: true });
  await shop.run('ALTER EVENT order_timeout_tick ENABLE');
  expect(finding(await diagnose(shop.url), 'event')).toMatch(
    /^warn: Enabled; it runs as root@.+ instead of order_timeout@localhost/,
  );

  await fix(shop.url);
  expect(await eventOf(shop)).toEqual([AS_DEPLOYED]);
});

test('an event with another interval or body fails', async () => {
  const shop = await createShop({ event: true });
  await shop.run(
    "ALTER DEFINER = 'order_timeout'@'localhost' EVENT order_timeout_tick ON SCHEDULE EVERY 1 HOUR",
  );
  expect(finding(await diagnose(shop.url), 'event')).toMatch(
    /^fail: .+order_timeout_tick was changed.+order-timeout up/,
  );
});

test('privileges that the definer account has lost fail, and are given back', async () => {
  const shop = await createShop();
  await shop.run("REVOKE INSERT ON user_coupon_ledger FROM 'order_timeout'@'localhost'");
  expect(finding(await diagnose(shop.url), 'definer')).toMatch(
    /^fail: .+lacks INSERT .+user_coupon_ledger/,
  );

  expect((await fix(shop.url)).done).toContainEqual(expect.stringContaining('grants'));
  expect(finding(await diagnose(shop.url), 'definer')).toMatch(/^ok/);
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
  expect(finding(await diagnose(shop.url), 'execute_grants')).toMatch(/^fail: .+cancel_order/);

  expect((await fix(shop.url)).done).toContainEqual(expect.stringMatching(/grants.*cancel_order/));
  expect(finding(await diagnose(shop.url), 'execute_grants')).toContain(`${username}@%`);
});

test('a procedure that was changed in the database is named', async () => {
  const shop = await createShop();
  await shop.run('DROP PROCEDURE hold_order');
  await shop.run('CREATE PROCEDURE hold_order () SELECT 1');
  expect(finding(await diagnose(shop.url), 'objects')).toMatch(
    /^fail: The procedure hold_order .+order-timeout up/,
  );
});

test('an index that is missing or invisible fails', async () => {
  const shop = await createShop();
  await shop.run('ALTER TABLE orders ALTER INDEX order_timeout_due INVISIBLE');
  expect(finding(await diagnose(shop.url), 'index')).toMatch(/^fail: orders .+ VISIBLE/);
  await shop.run('ALTER TABLE orders DROP INDEX order_timeout_due');
  expect(finding(await diagnose(shop.url), 'index')).toMatch(/^fail: .+\(status, source_type/);
});

test('EXECUTE on the whole schema is warned of, with the account', async () => {
  const shop = await createShop();
  const { username } = new URL(await shop.createAccount(`EXECUTE ON \`${shop.name}\`.*`));
  expect(finding(await diagnose(shop.url), 'execute_grants')).toMatch(
    new RegExp(`^warn: EXECUTE on the whole schema: ${username}@%.+forged`, 'm'),
  );
});

test('an ALTER that waits, and makes everybody wait, is named with whom it waits for', async () => {
  const shop = await createShop();
  const [reader, alter] = [await shop.connect(), await shop.connect()];
  await reader.query('START TRANSACTION');
  await reader.query('SELECT COUNT(*) FROM user_points');
  const waiting = alter.query('ALTER TABLE user_points ADD COLUMN more INT').catch(() => undefined);
  let findings: Finding[] = [];
  while (finding(findings, 'lock_waits') === '') findings = await diagnose(shop.url);
  await reader.query('COMMIT');
  await waiting;

  expect(finding(findings, 'lock_waits')).toMatch(
    new RegExp(
      `^warn: Connection ${alter.threadId} waits to change user_points \\(ALTER TABLE.+for connection ${reader.threadId};`,
    ),
  );
  expect(finding(await diagnose(shop.url), 'lock_waits')).toBe('');
});

test('an event whose account may not do its work fails by what the scheduler says, and is well after a sweep', async () => {
  const shop = await createShop({ event: true });
  await shop.run(
    "ALTER DEFINER = 'order_timeout'@'localhost' EVENT order_timeout_tick ON SCHEDULE EVERY 1 SECOND",
  );
  await shop.run(
    `REVOKE EXECUTE ON \`${shop.name.replaceAll('_', '\\_')}\`.* FROM 'order_timeout'@'localhost'`,
  );
  const lastSweep = async () => finding(await diagnose(shop.url), 'last_sweep');
  let said = '';
  while (!said.startsWith('fail')) said = await lastSweep();
  expect(said).toMatch(/execute command denied to user 'order_timeout'@'localhost'.+--fix/i);

  await fix(shop.url);
  await shop.run('DO SLEEP(2)');
  expect(finding(await diagnose(shop.url), 'definer')).toMatch(/^ok/);
});

describe('an account that may see little', () => {
  let findings: Finding[];

  beforeAll(async () => {
    const shop = await createShop({ event: true });
    findings = await diagnose(
      await shop.createAccount(`SELECT, SHOW VIEW, EXECUTE, EVENT ON \`${shop.name}\`.*`),
    );
  });

  test('is told what was not looked at, and nothing that is not so', () => {
    expect(hasFailed(findings)).toBe(false);
    expect(finding(findings, 'objects')).toMatch(/^warn: \d+ objects were compared by name only/);
    expect(finding(findings, 'execute_grants')).toMatch(/^warn: Not looked at/);
    expect(finding(findings, 'definer')).toMatch(/^warn: .+ not looked at/);
  });

  test('takes an event that it may not see for one that it may not see', async () => {
    const shop = await createShop();
    const seen = await diagnose(await shop.createAccount(`SELECT, EXECUTE ON \`${shop.name}\`.*`));
    expect(hasFailed(seen)).toBe(false);
    expect(finding(seen, 'event')).toMatch(/^warn: Not looked at/);
  });
});
