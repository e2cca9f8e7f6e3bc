import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type PrivateMysqld, startPrivateMysqld } from '../../scripts/dev/server';
import { createShopTables, loadExampleShop } from '../../scripts/dev/shop';
import { readPage, ROOT } from '../docs/pages';
import { createShop, type Shop } from '../support';
import { run } from './support';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const directory = mkdtempSync(join(tmpdir(), 'order-timeout-many-'));
const file = join(directory, 'databases.txt');

// Two shops on the test run's server, and two on one whose sessions begin with autocommit off.
let here: Shop[] = [];
let other: PrivateMysqld;
const there: string[] = [];

beforeAll(async () => {
  here = [await createShop({ deploy: false }), await createShop({ deploy: false })];
  other = await startPrivateMysqld({
    settings: {
      autocommit: 'OFF',
      'init-connect': 'SET autocommit = 0',
      'log-bin-trust-function-creators': 'ON',
    },
  });
  const db = await createConnection({ uri: other.url, multipleStatements: true });
  await db.query("CREATE USER dba IDENTIFIED BY 'many'");
  // Not CONNECTION_ADMIN, with which init_connect is skipped.
  await db.query(
    'GRANT ALL ON *.* TO dba WITH GRANT OPTION; REVOKE SUPER, CONNECTION_ADMIN ON *.* FROM dba',
  );
  await db.query('SET autocommit = 1');
  for (const name of ['shop_03', 'shop_04']) {
    await db.query('CREATE DATABASE ?? DEFAULT CHARACTER SET utf8mb4', [name]);
    await db.query('USE ??', [name]);
    await createShopTables(db);
    there.push(`mysql://dba:many@127.0.0.1:${other.port}/${name}`);
  }
  await loadExampleShop(db, { orders: 0, incidents: 'lost', clock: '+00:00' });
  db.destroy();
  writeFileSync(file, ['# two and two', ...here.map(({ url }) => url), ...there, ''].join('\n'));

  // The program as it is packed, in a second.
  for (const name of ['package.json', 'sql', 'migrations', 'node_modules']) {
    symlinkSync(join(ROOT, name), join(directory, name));
  }
  const main = join(directory, 'dist/cli/main.js');
  await build({
    entryPoints: [join(ROOT, 'scripts/cli/main.ts')],
    outfile: main,
    bundle: true,
    packages: 'external',
    platform: 'node',
  });
  chmodSync(main, 0o755);
  symlinkSync(main, join(directory, 'order-timeout'));
});

afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await other.stop();
});

test("the runbook's loop deploys to four databases on two servers, asks and pauses them, and goes on where one server is down", async () => {
  const up = await everywhere('up --yes --clock +00:00');
  expect(up).toMatchObject({ code: 0, exits: ['0', '0', '0', '0'] });
  expect(up.out).not.toContain('many');

  const pause = await everywhere('pause');
  expect(pause.exits).toEqual(['0', '0', '0', '0']);
  expect(
    await Promise.all(there.map((url) => value(url, 'SELECT paused FROM order_timeout_setting'))),
  ).toEqual([1, 1]);

  const doctor = await everywhere('doctor --json');
  expect(doctor).toMatchObject({ code: 0, exits: ['0', '0', '0', '0'] });
  const answer = join(directory, `answers/127.0.0.1_${other.port}_shop_03.doctor`);
  expect(JSON.parse(readFileSync(answer, 'utf8'))).toMatchObject({
    findings: expect.arrayContaining([
      expect.objectContaining({ about: 'setting', severity: 'warn' }),
    ]) as unknown,
  });
});

test('where sessions begin with autocommit off, a repair is committed', async () => {
  const [, url = ''] = there;
  expect(await run(['repair', '28229', '--url', url])).toMatchObject({ exitCode: 0 });
  expect(await value(url, "SELECT COUNT(*) FROM order_timeout_refund WHERE cause = 'repair'")).toBe(
    1,
  );
});

test('a server that is down has its error in its line, and stops no other', async () => {
  await other.kill('SIGKILL');
  const { code, out, exits } = await everywhere('doctor --json');
  expect(exits).toEqual(['0', '0', '1', '1']);
  expect(out).toMatch(/^1 {2}127\.0\.0\.1:\d+\/shop_04 {2}.*No server listens there/m);
  expect(code).toBe(1);
});

/** Runs the function of the runbook, as its reader would. */
async function everywhere(
  command: string,
): Promise<{ code: number; out: string; exits: string[] }> {
  const [, script = ''] =
    /<!-- everywhere -->\n```sh\n(.+?)\n```/s.exec(readPage('docs/runbook.md')) ?? [];
  const line = `${script}\neverywhere databases.txt ${command}`;
  const env = { ...process.env, PATH: `${directory}:${process.env.PATH ?? ''}` };
  const [code, out] = await new Promise<[number, string]>((resolve) => {
    execFile('sh', ['-c', line], { cwd: directory, env }, (error, stdout) => {
      resolve([error === null ? 0 : Number(error.code), stdout]);
    });
  });
  const exits = out
    .trim()
    .split('\n')
    .map((line) => line.slice(0, 1));
  return { code, out, exits };
}

/** Of another session than the command's. */
async function value(url: string, sql: string): Promise<unknown> {
  const db = await createConnection(url);
  const [[row]] = (await db.query<RowDataPacket[]>(sql)) as unknown as [[Record<string, unknown>]];
  db.destroy();
  return Object.values(row)[0];
}
