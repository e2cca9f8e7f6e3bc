import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, inject, it, onTestFinished, test } from 'vitest';
import { explain } from '../../scripts/cli/errors';
import { up } from '../../scripts/deploy';
import { deploymentLock } from '../../scripts/deploy/lock';
import { createShop, pendingOrder, sessionEnd } from '../support';
import { run } from './support';

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
    const shop = await createShop({ deploy: false });
    const { out, exitCode, questions } = await run(['up', '--url', shop.url], { answer: 'n' });
    expect(out).toContain('The first sweep would cancel 0 orders');
    expect(out).toContain('migration 0001_tables');
    expect(questions).toEqual([expect.stringContaining('Go ahead? [y/N]')]);
    expect(out).toContain('Nothing was changed.');
    expect(exitCode).toBe(1);
  });

  it('without a terminal and without --yes is wrong usage, and changes nothing', async () => {
    const shop = await createShop({ deploy: false });
    const { err, exitCode } = await run(['up', '--url', shop.url]);
    expect(err).toContain('Add --yes');
    expect(exitCode).toBe(2);
    expect(await shop.run("SHOW TABLES LIKE 'order\\_timeout%'")).toEqual([]);
  });

  it('never asks with --yes, has a line per step elsewhere than on a terminal, and then has nothing to do', async () => {
    const shop = await createShop({ deploy: false });
    const first = await run(['up', '--url', shop.url, '--clock', '+00:00', '--yes']);
    expect(first).toMatchObject({ exitCode: 0 });
    expect(first.err).toMatch(/^ *1\/\d+ index order_timeout_due on orders \(\d+ ms\)$/m);
    expect(first.out).toMatch(/Deployed: \d+ steps in/);
    const second = await run(['up', '--url', shop.url, '--yes']);
    expect(second).toMatchObject({ exitCode: 0, err: '' });
    expect(second.out).toContain('Nothing to do');
    expect(await run(['verify', '--url', shop.url])).toMatchObject({ exitCode: 0 });

    const status = await run(['status', '--url', shop.url, '--json']);
    expect(JSON.parse(status.out)).toMatchObject({ database: shop.name, pendingSteps: [] });
    expect((await run(['status', '--url', shop.url])).out).toContain('Up to date.');

    // Whether "down" drops the definer account hangs on the server's other schemas: it is in use here all along.
    await createShop();
    const down = await run(['down', '--url', shop.url], { answer: 'yes' });
    expect(`${down.err}exit code ${down.exitCode}`).toMatch(/exit code 0$/);
    expect(down.out).toContain('event order_timeout_tick: drop');
    expect((await run(['down', '--url', shop.url, '--yes'])).out).toContain('Nothing to do');
  });

  it('ends with 4 while another deployment holds the lock, and says who it is', async () => {
    const shop = await createShop({ deploy: false });
    const other = await shop.connect();
    await other.query('DO GET_LOCK(?, 0)', [deploymentLock(shop.name)]);
    const { err, exitCode } = await run(['up', '--url', shop.url, '--yes']);
    expect(exitCode).toBe(4);
    expect(err).toContain(`Connection ${other.threadId} is deploying`);
  });

  it('has a line per finding and ends with 1', async () => {
    const shop = await createShop({ deploy: false });
    await shop.run('DROP TABLE order_coupons');
    await shop.run('DROP TABLE user_points');
    const { err, exitCode } = await run(['up', '--url', shop.url, '--yes']);
    expect(err).toMatch(/order_coupons.*\n(.*\n)*.*user_points/);
    expect(exitCode).toBe(1);
  });
});

describe('"plan"', () => {
  it('prints nothing but SQL', async () => {
    const shop = await createShop({ deploy: false });
    const { out, exitCode } = await run(['plan', '--url', shop.url]);
    expect(out).toMatch(/^-- order-timeout/);
    expect(out).toContain('CREATE DEFINER');
    expect(exitCode).toBe(0);
  });
});

describe('"down"', () => {
  it('ends with 1 while the journal has rows', async () => {
    const shop = await createShop();
    await pendingOrder(shop, { coupon: 1000 });
    await shop.run('CALL cancel_expired_orders()');
    const { err, exitCode } = await run(['down', '--url', shop.url, '--yes']);
    expect(err).toContain('--drop-journal');
    expect(exitCode).toBe(1);
  });
});

describe('"verify"', () => {
  it('ends with 3 and has a line per difference', async () => {
    const shop = await createShop();
    await shop.run('DROP PROCEDURE cancel_order');
    const { out, exitCode } = await run(['verify', '--url', shop.url]);
    expect(out).toContain('The procedure cancel_order is missing');
    expect(exitCode).toBe(3);
    const { out: json } = await run(['verify', '--url', shop.url, '--json']);
    expect(JSON.parse(json)).toMatchObject({
      differences: expect.arrayContaining([
        { about: 'procedure', name: 'cancel_order', text: 'The procedure cancel_order is missing' },
      ]) as unknown,
    });
  });
});

describe('"run" and "cancel"', () => {
  it('do what they say', async () => {
    const shop = await createShop();
    const { orderId } = await pendingOrder(shop, { coupon: 1000, points: 50 });
    const young = await pendingOrder(shop, { ageMinutes: 1 });
    await pendingOrder(shop, { coupon: 1000 });

    const cancelled = await run(['cancel', String(orderId), '--url', shop.url, '--json']);
    expect(JSON.parse(cancelled.out)).toMatchObject({
      orderId: String(orderId),
      outcome: 'cancelled',
      couponRefunded: '1000',
      pointsRefunded: '50',
    });
    expect(cancelled.exitCode).toBe(0);
    const refused = await run(['cancel', String(young.orderId), '--url', shop.url]);
    expect(refused).toMatchObject({
      out: `Order ${young.orderId} was not cancelled: its time is not up yet.`,
      exitCode: 1,
    });

    expect((await run(['run', '--url', shop.url])).out).toMatch(
      /^1 order cancelled in \d+ ms; given back: coupon 1,000/,
    );
    await shop.run('UPDATE order_timeout_setting SET paused = 1');
    expect(await run(['run', '--url', shop.url])).toMatchObject({
      out: expect.stringContaining('paused is 1') as string,
      exitCode: 1,
    });
  });

  it.each(['0', '-1', 'abc', '99999999999999999999'])('refuse the id %s', async (id) => {
    expect(await run(['cancel', '--url', 'mysql://a@b/c', '--', id])).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('Expected a positive id') as string,
    });
  });
});

describe('errors for people', () => {
  it.each([
    [
      'a wrong password',
      { username: 'nobody', password: 'secret-7', pathname: '/x' },
      1,
      'Is the user or the password wrong?',
    ],
    ['no server', { port: '1', pathname: '/x' }, 1, 'No server listens there'],
    [
      'an unknown database',
      { pathname: '/order_timeout_test_none' },
      1,
      'There is no such database on this server',
    ],
    ['no database', { pathname: '' }, 2, 'The URL names no database'],
  ])('%s: a clear line, no stack, no password', async (_, change, exitCode, message) => {
    const url = Object.assign(new URL(inject('mysqlUrl')), change);
    const ran = await run(['status', '--url', url.href]);
    expect(ran).toMatchObject({ exitCode, out: '' });
    expect(ran.err).toContain(message);
    expect(ran.err).not.toMatch(/secret-7|^ +at /m);
    expect(ran.err.trim().split('\n')).toHaveLength(1);
  });

  it('another protocol: wrong usage, and the password is not repeated', async () => {
    const { err, exitCode } = await run(['status', '--url', 'postgres://a:secret-7@b/c']);
    expect(exitCode).toBe(2);
    expect(err).toContain('The URL is none of MySQL');
    expect(err).not.toContain('secret-7');
  });

  it.each([
    'mysql://a:secret@7/word#x@host/shop',
    'mysql://a:12/secret-7@host/shop',
    'mysql://a:12?secret-7@host/shop',
    'mysql://a:secret-7%@host/shop',
    'mysql://a:b@host/sh%op',
  ])(
    '%s, which is not encoded: wrong usage, and no piece of it is taken for a host',
    async (url) => {
      const { err, exitCode } = await run(['status', '--url', url]);
      expect(exitCode).toBe(2);
      expect(err).toMatch(/^The URL is none of MySQL: .* written as %40/);
      expect(err).not.toContain('secret');
    },
  );

  it('TLS that the URL asks for is not left out in silence', async () => {
    const { err, exitCode } = await run(['status', '--url', 'mysql://a@127.0.0.1:1/x?ssl=true']);
    expect(exitCode).toBe(2);
    expect(err).toContain('use --ssl-mode');
  });

  it('a file that is not there is told from a server that is not', async () => {
    const shop = await createShop();
    for (const args of [
      ['metrics', '--out', '/nowhere/x.prom'],
      ['report', '--since', '1d', '--html', '/nowhere/x.html'],
      ['plan', '--shop', '/nowhere/shop.yaml'],
    ]) {
      const { err, exitCode } = await run([...args, '--url', shop.url]);
      expect(exitCode).toBe(1);
      expect(err).toContain('/nowhere/');
      expect(err).not.toContain('socket');
    }
  });

  it('what was meant for something else is not shown whole as a shop file', async () => {
    const shop = await createShop();
    const file = fileWith(`${'x'.repeat(500)} secret-7`);
    const { err, exitCode } = await run(['plan', '--url', shop.url, '--shop', file]);
    expect(exitCode).toBe(1);
    expect(err).toContain('expected a mapping, found "xxx');
    expect(err).not.toContain('secret-7');
  });

  it('no URL at all', async () => {
    expect(await run(['status'])).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('set MYSQL_URL') as string,
    });
  });

  it('a connection that is lost while somebody is asked', async () => {
    const shop = await createShop({ deploy: false });
    const confirm = async () => {
      const lock = deploymentLock(shop.name);
      const [row] = await shop.run<{ id: number }>('SELECT IS_USED_LOCK(?) AS id', [lock]);
      await shop.run('KILL ?', [row?.id]);
      await sessionEnd(shop, row?.id ?? 0);
      return true;
    };
    const error = await up(shop.url, { confirm }).catch((reason: unknown) => reason);
    expect(explain(error)).toMatchObject({
      exitCode: 1,
      message: expect.stringContaining('The connection was lost') as string,
    });
  });

  it('a text that is too long', async () => {
    const shop = await createShop();
    const hold = ['hold', '1', '--minutes', '5', '--reason', 'x'.repeat(256), '--url', shop.url];
    expect(await run(hold)).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('at most 255 characters') as string,
    });
  });

  it('a missing privilege', async () => {
    const shop = await createShop();
    const url = await shop.createAccount(`SELECT ON ${shop.name}.orders`);
    expect(await run(['run', '--url', url])).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('This account lacks EXECUTE') as string,
    });
  });

  it('nothing deployed', async () => {
    const shop = await createShop({ deploy: false });
    expect(await run(['run', '--url', shop.url])).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('order-timeout up') as string,
    });
    expect(await run(['pause', '--url', shop.url])).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('Is order-timeout deployed in this database') as string,
    });
  });

  it.each(['8', '+24:00', '+14:30', 'Asia/Shanghai'])('the clock %s', async (clock) => {
    expect(await run(['up', '--clock', clock])).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('from -13:45 to +14:00') as string,
    });
  });

  it.each([[['nosuch']], [['up', '--nosuch']], [['cancel']]])('wrong usage: %s', async (args) => {
    expect(await run(args)).toMatchObject({ exitCode: 2 });
  });
});

describe('the password', () => {
  it('comes from a file, the URL or MYSQL_PWD', async () => {
    const shop = await createShop({ deploy: false });
    const url = new URL(await shop.createAccount(`ALL ON ${shop.name}.*`));
    const { password } = url;
    url.password = '';
    expect(await run(['status', '--url', url.href])).toMatchObject({ exitCode: 1 });
    expect(
      await run(['status', '--url', url.href], { env: { MYSQL_PWD: password } }),
    ).toMatchObject({ exitCode: 0 });
    expect(
      await run(['status'], { env: { MYSQL_URL: url.href, MYSQL_PWD: password } }),
    ).toMatchObject({ exitCode: 0 });
    const file = fileWith(`\uFEFF${password}\r\nnot this line`);
    expect(await run(['status', '--url', url.href, '--password-file', file])).toMatchObject({
      exitCode: 0,
    });
  });
});

describe('"wait"', () => {
  it('ends when the server answers, also when the database is not there yet', async () => {
    const url = new URL(inject('mysqlUrl'));
    expect(await run(['wait', '--url', url.href])).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/^MySQL .* answers\.$/) as string,
    });
    url.pathname = '/order_timeout_test_none';
    expect(await run(['wait', '--url', url.href])).toMatchObject({ exitCode: 0 });
  });

  it('gives up when the time is over', async () => {
    expect(
      await run(['wait', '--url', 'mysql://root@127.0.0.1:1', '--timeout', '0.3']),
    ).toMatchObject({ exitCode: 1 });
  });
});

describe('TLS', () => {
  it('is used when asked for', async () => {
    const shop = await createShop({ deploy: false });
    const account = new URL(await shop.createAccount(`ALL ON ${shop.name}.*`));
    await shop.run(`ALTER USER '${account.username}' REQUIRE SSL`);
    expect(await run(['status', '--url', account.href])).toMatchObject({ exitCode: 1 });
    expect(await run(['status', '--url', account.href, '--ssl-mode', 'required'])).toMatchObject({
      exitCode: 0,
    });
    expect(await run(['status', '--url', account.href, '--ssl-mode', 'verify-ca'])).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('TLS failed') as string,
    });
  });
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
  const root = join(__dirname, '..', '..');
  const pages = [
    'README.md',
    'README.zh-CN.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'docs/monitoring/README.md',
    ...readdirSync(join(root, 'docs'))
      .filter((file) => file.endsWith('.md'))
      .map((file) => join('docs', file)),
  ];
  const lines = pages.flatMap((page) => [
    ...readFileSync(join(root, page), 'utf8').matchAll(
      /\border-timeout ([a-z]+(?:-[a-z]+)*)\b([^`\n]*)/g,
    ),
  ]);
  const documented = lines.filter(
    ([line]) => !/order-timeout (is|does|doesn|itself|cancels|gives)\b/.test(line),
  );
  expect(documented.length).toBeGreaterThan(40);
  for (const [line, name = '', rest = ''] of documented) {
    const { out } = await run([name, '--help']);
    expect([line, out.includes(`Usage: order-timeout ${name} `)]).toEqual([line, true]);
    for (const [option] of rest.matchAll(/--[a-z][a-z-]+/g)) {
      expect([line, out.includes(option)]).toEqual([line, true]);
    }
  }
});

describe('the program itself', () => {
  const root = join(__dirname, '..', '..');
  const program = [join(root, 'node_modules/ts-node/dist/bin.js'), 'scripts/cli/main.ts'];

  it('runs in a checkout, without colours on a pipe', async () => {
    const shop = await createShop({ deploy: false });
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...program, 'status', '--url', shop.url],
      { cwd: root, env: { ...process.env, NO_COLOR: '' } },
    );
    expect(stdout).toContain('"up" would take');
    expect(stdout).not.toContain('\u001B');
  });

  it('goes on when whoever reads has seen enough and closes the pipe', async () => {
    const reader = 'node "$@" | true; exit "${PIPESTATUS[0]}"';
    const { stderr } = await promisify(execFile)(
      'bash',
      ['-c', reader, 'bash', ...program, 'plan', '--help'],
      { cwd: root },
    );
    expect(stderr).toBe('');
  });

  it('completes a deployment whose progress nobody reads any more', async () => {
    const shop = await createShop({ deploy: false });
    const reader = 'node "$@" 2>&1 >/dev/null | true; exit "${PIPESTATUS[0]}"';
    const up = [...program, 'up', '--yes', '--url', shop.url];
    await promisify(execFile)('bash', ['-c', reader, 'bash', ...up], { cwd: root });
    expect(await run(['verify', '--url', shop.url])).toMatchObject({ exitCode: 0 });
  });
});
