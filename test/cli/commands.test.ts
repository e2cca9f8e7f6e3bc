import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, inject, it, onTestFinished, test } from 'vitest';
import { explain } from '../../scripts/cli/errors';
import { up } from '../../scripts/deploy';
import { deploymentLock } from '../../scripts/deploy/lock';
import { snapshot } from '../deploy/support/snapshot';
import { pages, readPage, ROOT } from '../docs/pages';
import { createShop, pendingOrder, sessionEnd, shopOfFile } from '../support';
import { commandLine, json, run } from './support';

const shop = shopOfFile();

/** The path of a file that is gone when the test ends. */
function fileWith(text: string): string {
  const file = join(tmpdir(), `order-timeout-${randomUUID()}`);
  writeFileSync(file, text);
  onTestFinished(() => {
    rmSync(file);
  });
  return file;
}

describe('"up"', () => {
  it('shows what it would do and asks, and takes no for an answer', async () => {
    const bare = await createShop({ deploy: false });
    const before = await snapshot(shop);
    const { out, exitCode, questions } = await run(['up', '--url', bare.url], { answer: 'n' });
    expect(out).toContain('The first sweep would cancel 0 orders');
    expect(out).toContain('migration 0001_tables');
    expect(questions).toEqual([expect.stringContaining('Go ahead? [y/N]')]);
    expect(out).toContain('Nothing was changed.');
    expect(exitCode).toBe(1);
    expect(await snapshot(shop)).toEqual(before);
  });

  it('without a terminal and without --yes is wrong usage, and changes nothing', async () => {
    const bare = await createShop({ deploy: false });
    const { err, exitCode } = await run(['up', '--url', bare.url]);
    expect(err).toContain('Add --yes');
    expect(exitCode).toBe(2);
    expect(await bare.run("SHOW TABLES LIKE 'order\\_timeout%'")).toEqual([]);
  });

  it('never asks with --yes, has a line per step elsewhere than on a terminal, and then has nothing to do', async () => {
    const bare = await createShop({ deploy: false });
    const first = await run(['up', '--url', bare.url, '--clock', '+00:00', '--yes']);
    expect(first).toMatchObject({ exitCode: 0 });
    expect(first.err).toMatch(/^ *1\/\d+ index order_timeout_due on orders \(\d+ ms\)$/m);
    expect(first.out).toMatch(/Deployed: \d+ steps in/);
    expect(first.out).toContain('"orders.paid_at: paid_at" is written into the file');
    expect((await run(['shop', '--url', bare.url])).out).toContain('paid_at: paid_at');
    const second = await run(['up', '--url', bare.url, '--yes']);
    expect(second).toMatchObject({ exitCode: 0, err: '' });
    expect(second.out).toContain('Nothing to do');
    expect(await run(['verify', '--url', bare.url])).toMatchObject({ exitCode: 0 });

    const status = await run(['status', '--url', bare.url, '--json']);
    expect(JSON.parse(status.out)).toMatchObject({ database: bare.name, pendingSteps: [] });
    expect((await run(['status', '--url', bare.url])).out).toContain('Up to date.');

    // Whether "down" drops the definer account hangs on the server's other schemas: it is in use here all along.
    await createShop();
    const down = await run(['down', '--url', bare.url], { answer: 'yes' });
    expect(`${down.err}exit code ${down.exitCode}`).toMatch(/exit code 0$/);
    expect(down.out).toContain('event order_timeout_tick: drop');
    expect((await run(['down', '--url', bare.url, '--yes'])).out).toContain('Nothing to do');
  });

  it('ends with 4 while another deployment holds the lock, and says who it is', async () => {
    const bare = await createShop({ deploy: false });
    const other = await bare.connect();
    await other.query('DO GET_LOCK(?, 0)', [deploymentLock(bare.name)]);
    const { err, exitCode } = await run(['up', '--url', bare.url, '--yes']);
    expect(exitCode).toBe(4);
    expect(err).toContain(`Connection ${other.threadId} is deploying`);
  });

  it('has a line per finding and ends with 1', async () => {
    const bare = await createShop({ deploy: false });
    await bare.run('DROP TABLE order_coupons');
    await bare.run('DROP TABLE user_points');
    const { err, exitCode } = await run(['up', '--url', bare.url, '--yes']);
    expect(err).toMatch(
      /^No shop file was given.*--guess.*\n(.*\n)*.*order_coupons.*\n(.*\n)*.*user_points/,
    );
    expect(exitCode).toBe(1);
    const file = join(ROOT, 'sql/shops/built-in.yaml');
    const given = await run(['up', '--url', bare.url, '--shop', file, '--yes']);
    expect(given.err).toMatch(/^line 21, .*order_coupons/);
  });
});

test('"plan" prints nothing but SQL', async () => {
  const bare = await createShop({ deploy: false });
  const { out, exitCode } = await run(['plan', '--url', bare.url]);
  expect(out).toMatch(/^-- order-timeout/);
  expect(out).toContain('CREATE DEFINER');
  expect(exitCode).toBe(0);
});

test('"verify" ends with 3 and has a line per difference', async () => {
  const changed = await createShop();
  await changed.run('DROP PROCEDURE cancel_order');
  const { out, exitCode } = await commandLine(changed, ['verify']);
  expect(out).toContain('The procedure cancel_order is missing');
  expect(exitCode).toBe(3);
  expect(await json(changed, ['verify'])).toMatchObject({
    differences: expect.arrayContaining([
      { about: 'procedure', name: 'cancel_order', text: 'The procedure cancel_order is missing' },
    ]) as unknown,
  });
});

test('"run" and "cancel" do what they say', async () => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const young = await pendingOrder(shop, { ageMinutes: 1 });
  await pendingOrder(shop, { coupon: 1000 });

  expect(await json(shop, ['cancel', String(orderId)])).toMatchObject({
    orderId: String(orderId),
    outcome: 'cancelled',
    couponRefunded: '1000',
    pointsRefunded: '50',
  });
  expect(await commandLine(shop, ['cancel', String(young.orderId)])).toMatchObject({
    out: `Order ${young.orderId} was not cancelled: its time is not up yet.`,
    exitCode: 1,
  });

  expect((await commandLine(shop, ['run'])).out).toMatch(
    /^1 order cancelled in \d+ ms; given back: coupon 1,000/,
  );
  await shop.run('UPDATE order_timeout_setting SET paused = 1');
  const { out, exitCode } = await commandLine(shop, ['run']);
  expect(out).toContain('order-timeout resume');
  expect(exitCode).toBe(1);
});

test('"hold" says of an order that is over that it is not held', async () => {
  const { orderId } = await pendingOrder(shop);
  await shop.run('UPDATE orders SET status = 2 WHERE id = ?', [orderId]);
  expect(await commandLine(shop, ['hold', String(orderId), '--minutes', '5'])).toMatchObject({
    out: `Order ${orderId} is not held: it is paid or cancelled already.`,
    exitCode: 1,
  });
});

/** The server of the test run, with this changed in its URL. */
const urlWith = (change: Partial<URL>) => Object.assign(new URL(inject('mysqlUrl')), change).href;
const NOBODY = { username: 'nobody', password: 'secret-7', pathname: '/x' };
const NOWHERE = 'mysql://root@127.0.0.1:1';

describe('errors for people: one line, no stack, no password', () => {
  it.each<[string, number, string, string]>([
    ['a wrong password', 1, urlWith(NOBODY), 'Is the user or the password wrong?'],
    ['no server', 1, `${NOWHERE}/x`, 'No server listens there'],
    ['no such database', 1, urlWith({ pathname: '/order_timeout_test_none' }), 'no such database'],
    ['no database', 2, urlWith({ pathname: '' }), 'The URL names no database'],
    ['another protocol', 2, 'postgres://a:secret-7@b/c', 'The URL is none of MySQL'],
    ['TLS that would be left out', 2, 'mysql://a@127.0.0.1:1/x?ssl=true', 'use --ssl-mode'],
    ...[
      'mysql://a:secret@7/word#x@host/shop',
      'mysql://a:12/secret-7@host/shop',
      'mysql://a:12?secret-7@host/shop',
      'mysql://a:secret-7%@host/shop',
      'mysql://a:b@host/sh%op',
    ].map((url): [string, number, string, string] => [url, 2, url, 'written as %40']),
  ])('%s', async (_, exitCode, url, message) => {
    const ran = await run(['status', '--url', url]);
    expect(ran).toMatchObject({ exitCode, out: '' });
    expect(ran.err).toContain(message);
    expect(ran.err).not.toMatch(/secret|^ +at /m);
    expect(ran.err.trim().split('\n')).toHaveLength(1);
  });

  it.each<[string[], string]>([
    [['nosuch'], 'nosuch'],
    [['up', '--nosuch'], '--nosuch'],
    [['cancel'], "missing required argument 'id'"],
    [['cancel', '--', '-1'], 'Expected a positive id'],
    [['status'], 'set MYSQL_URL'],
    ...['8', '+24:00', '+14:30'].map((clock): [string[], string] => [
      ['up', '--clock', clock],
      'from -13:45 to +14:00',
    ]),
    [['up', '--clock', 'Asia/Shanghai'], 'an hour that comes twice'],
  ])('%j is wrong usage', async (args, message) => {
    const { err, exitCode } = await run(args);
    expect(err).toContain(message);
    expect(exitCode).toBe(2);
  });

  it.each<[string[], string]>([
    [['metrics', '--out', '/nowhere/x.prom'], "/nowhere/x.prom can't be written"],
    [['report', '--since', '1d', '--html', '/nowhere/x'], "/nowhere/x can't be written"],
    [['plan', '--shop', '/nowhere/shop.yaml'], "/nowhere/shop.yaml can't be read"],
  ])('%j: a file that is not there is told from a server that is not', async (args, said) => {
    const { err, exitCode } = await commandLine(shop, args);
    expect(exitCode).toBe(1);
    expect(err).toContain(said);
    expect(err).not.toContain('socket');
  });

  it('what was meant for something else is not shown whole as a shop file', async () => {
    const file = fileWith(`${'x'.repeat(500)} secret-7`);
    const { err, exitCode } = await commandLine(shop, ['plan', '--shop', file]);
    expect(exitCode).toBe(1);
    expect(err).toContain('expected a mapping, found "xxx');
    expect(err).not.toContain('secret-7');
  });

  it('a connection that is lost while somebody is asked', async () => {
    const bare = await createShop({ deploy: false });
    const confirm = async () => {
      const lock = deploymentLock(bare.name);
      const [row] = await bare.run<{ id: number }>('SELECT IS_USED_LOCK(?) AS id', [lock]);
      await bare.run('KILL ?', [row?.id]);
      await sessionEnd(bare, row?.id ?? 0);
      return true;
    };
    const error = await up(bare.url, { confirm }).catch((reason: unknown) => reason);
    expect(explain(error)).toMatchObject({
      exitCode: 1,
      message: expect.stringContaining('The connection was lost') as string,
    });
  });

  it('a text that is too long', async () => {
    const reason = 'x'.repeat(256);
    const hold = ['hold', '1', '--minutes', '5', '--reason', reason];
    const { err, exitCode } = await commandLine(shop, hold);
    expect(err).toContain('at most 255 characters');
    expect(exitCode).toBe(2);
  });

  it('a missing privilege, and nothing deployed', async () => {
    const url = await shop.createAccount(`SELECT ON ${shop.name}.orders`);
    const bare = await createShop({ deploy: false });
    for (const [args, where, message] of [
      ['run', url, 'This account lacks EXECUTE'],
      ['run', bare.url, 'order-timeout up'],
      ['pause', bare.url, 'Is order-timeout deployed in this database'],
    ] as const) {
      const { err, exitCode } = await run([args, '--url', where]);
      expect(err).toContain(message);
      expect(exitCode).toBe(1);
    }
  });
});

test('the password comes from a file, the URL or MYSQL_PWD', async () => {
  const url = new URL(await shop.createAccount(`ALL ON ${shop.name}.*`));
  const { password: MYSQL_PWD } = url;
  url.password = '';
  const file = fileWith(`\uFEFF${MYSQL_PWD}\r\nnot this line`);
  const status = ['status', '--url', url.href];
  expect(await run(status)).toMatchObject({ exitCode: 1 });
  for (const [args, env] of [
    [status, { MYSQL_PWD }],
    [['status'], { MYSQL_URL: url.href, MYSQL_PWD }],
    [[...status, '--password-file', file], {}],
  ] as const)
    expect(await run(args, { env })).toMatchObject({ exitCode: 0 });
});

test('"wait" ends when the server answers, also without the database, or when the time is over', async () => {
  const wait = (url: string, ...limit: string[]) => run(['wait', '--url', url, ...limit]);
  expect(await wait(inject('mysqlUrl'))).toMatchObject({
    exitCode: 0,
    out: expect.stringMatching(/^MySQL .* answers\.$/) as string,
  });
  expect(await wait(urlWith({ pathname: '/order_timeout_test_none' }))).toMatchObject({
    exitCode: 0,
  });
  expect(await wait(NOWHERE, '--timeout', '0.3')).toMatchObject({ exitCode: 1 });
});

test('TLS is used when asked for', async () => {
  const url = await shop.createAccount(`ALL ON ${shop.name}.*`);
  await shop.run(`ALTER USER '${new URL(url).username}' REQUIRE SSL`);
  const status = (...mode: string[]) => run(['status', '--url', url, ...mode]);
  expect(await status()).toMatchObject({ exitCode: 1 });
  expect(await status('--ssl-mode', 'required')).toMatchObject({ exitCode: 0 });
  expect(await status('--ssl-mode', 'verify-ca')).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining('TLS failed') as string,
  });
});

test('files for TLS that are none are told before anybody connects', async () => {
  const file = fileWith('not PEM');
  const [cert, key] = ['CERTIFICATE', 'PRIVATE KEY'].map((what) =>
    fileWith(`-----BEGIN ${what}-----\nx\n-----END ${what}-----\n`),
  ) as [string, string];
  for (const [args, message] of [
    [['--ssl-ca', file], `--ssl-ca: expected PEM ("-----BEGIN …"), and ${file} has none`],
    [['--ssl-mode', 'required', '--ssl-cert', cert], 'give both'],
    [['--ssl-mode', 'required', '--ssl-cert', cert, '--ssl-key', key], "can't be used"],
  ] as const) {
    const { err, exitCode } = await run(['status', '--url', `${NOWHERE}/x`, ...args]);
    expect(err).toContain(message);
    expect(exitCode).toBe(2);
  }
});

test('every command has help with an example that it takes', async () => {
  const { out } = await run(['--help']);
  const names = [...out.matchAll(/^ {2}([a-z][a-z-]+) \[options\]/gm)].map(([, name = '']) => name);
  expect(names.length).toBeGreaterThan(15);
  for (const name of names) {
    const help = await run([name, '--help']);
    expect(help.exitCode).toBe(0);
    expect(help.out).toContain(`$ order-timeout ${name}`);
  }
});

test('every command in the README and the docs is one, with options that it has', async () => {
  const lines = pages().flatMap((page) => [
    ...readPage(page).matchAll(/\border-timeout ([a-z]+(?:-[a-z]+)*)\b([^`\n]*)/g),
  ]);
  const documented = lines.filter(
    ([line]) => !/order-timeout (is|does|doesn|itself|cancels|gives)\b/.test(line),
  );
  expect(documented.length).toBeGreaterThan(40);
  for (const [line, name = '', rest = ''] of documented) {
    const { out } = await run([name, '--help']);
    for (const part of [`Usage: order-timeout ${name} `, ...(rest.match(/--[a-z][a-z-]+/g) ?? [])])
      expect([line, part, out.includes(part)]).toEqual([line, part, true]);
  }
});

describe('the program itself', () => {
  const program = [join(ROOT, 'node_modules/ts-node/dist/bin.js'), 'scripts/cli/main.ts'];
  const execute = (command: string, args: readonly string[]) =>
    promisify(execFile)(command, args, { cwd: ROOT, env: { ...process.env, NO_COLOR: '' } });
  const inShell = (reader: string, ...args: string[]) =>
    execute('bash', ['-c', `${reader}; exit "\${PIPESTATUS[0]}"`, 'bash', ...program, ...args]);

  it('runs in a checkout, without colours on a pipe', async () => {
    const args = ['status', '--url', shop.url];
    const { stdout } = await execute(process.execPath, [...program, ...args]);
    expect(stdout).toContain(shop.name);
    expect(stdout).not.toContain('\u001B');
  });

  it('goes on when whoever reads has seen enough and closes the pipe', async () => {
    expect((await inShell('node "$@" | true', 'plan', '--help')).stderr).toBe('');
  });

  it.skipIf(!existsSync('/dev/full'))(
    'says that its answer found no room on the disk',
    async () => {
      await expect(inShell('node "$@" >/dev/full', 'plan', '--help')).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^The answer could not be written: .*\n$/) as string,
      });
    },
  );

  it('completes a deployment whose progress nobody reads any more', async () => {
    const bare = await createShop({ deploy: false });
    await inShell('node "$@" 2>&1 >/dev/null | true', 'up', '--yes', '--url', bare.url);
    expect(await run(['verify', '--url', bare.url])).toMatchObject({ exitCode: 0 });
  });
});
