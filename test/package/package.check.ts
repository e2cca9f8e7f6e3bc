import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { brokenLinks, ROOT } from '../docs/pages';
import { createShop, pendingOrder } from '../support';
import { createProject, execute, packClient } from './project';

let folder = '';
let engine = '';
let client = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'order-timeout-package-'));
  await execute('npm', ['pack', '--pack-destination', folder], { cwd: ROOT });
  const [tarball] = (await readdir(folder)).filter((file) => file.endsWith('.tgz'));
  engine = join(folder, String(tarball));
  client = await packClient();
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(client, { force: true });
});

const project = (name: string, ...packages: string[]) =>
  createProject(join(folder, name), ...packages);

const program = (name: string) => `
  import { cancelExpiredOrder } from '${name}';
  import { createPool } from 'mysql2/promise';
  const db = createPool(process.env.MYSQL_URL);
  cancelExpiredOrder(db, Number(process.env.ORDER_ID)).then(async ({ outcome }) => {
    console.log(outcome);
    await db.end();
  });`;
const asCommonJs = (text: string) =>
  text.replaceAll(/import (\{.*\}) from ('.*');/g, 'const $1 = require($2);');

const tells = (name: string, cases: readonly string[]) => `
  import { cancelExpiredOrder, OrderTimeoutError, OutcomeUnknownError } from '${name}';
  import { createConnection, createPool } from 'mysql2/promise';
  export async function tell(orderId: number): Promise<string> {
    const connection = await createConnection({ host: 'localhost' });
    await cancelExpiredOrder(connection, orderId);
    const db = createPool({ host: 'localhost' });
    await cancelExpiredOrder(await db.getConnection(), orderId);
    const { outcome } = await cancelExpiredOrder(db, orderId).catch((error: unknown) => {
      if (error instanceof OrderTimeoutError && error.code === 'OUTCOME_UNKNOWN') {
        const unknown: OutcomeUnknownError = error;
        throw unknown.cause;
      }
      throw error;
    });
    switch (outcome) {
      ${cases.map((outcome) => `case '${outcome}': return outcome;`).join('\n')}
      default: { const forgotten: never = outcome; return forgotten; }
    }
  }`;
const OUTCOMES = [
  ...['cancelled', 'not_found', 'not_pending', 'not_expired', 'excluded', 'on_hold'],
  'contradictory',
];

describe('the packed engine, installed in an empty project', () => {
  test('npx order-timeout up deploys, and its wrappers cancel from CommonJS and from an ES module', async () => {
    const { run, file } = await project('engine', engine);
    const shop = await createShop({ deploy: false });
    const env = { MYSQL_URL: shop.url };
    await run('npx', ['order-timeout', 'up', '--clock', '+00:00', '--yes'], env);
    await shop.run('ALTER EVENT order_timeout_tick DISABLE');

    for (const name of [
      await file('call.cjs', asCommonJs(program('order-timeout'))),
      await file('call.mjs', program('order-timeout')),
    ]) {
      const { orderId } = await pendingOrder(shop, { coupon: 1000 });
      const { stdout } = await run('node', [name], { ...env, ORDER_ID: String(orderId) });
      expect(`${name}: ${stdout}`).toBe(`${name}: cancelled\n`);
    }
    await run('npx', ['order-timeout', 'down', '--drop-journal', '--yes'], env);
  });

  test('it is at most 150 KiB, and has nothing of what only a checkout needs', async () => {
    const { stdout } = await execute('npm', ['pack', '--dry-run', '--json'], { cwd: ROOT });
    const [packed] = JSON.parse(stdout) as { size: number; files: { path: string }[] }[];

    expect(packed?.size).toBeLessThan(150 * 1024);
    expect(packed?.files.map(({ path }) => path).filter((path) => path.includes('dev/'))).toEqual(
      [],
    );
  });
});

describe('the packed client, installed beside mysql2', () => {
  test('makes at most 18 packages and 10 MB, and cancels from CommonJS, an ES module and a bundle; every link works', async () => {
    const { path, run, file } = await project('client', client, 'mysql2');
    const { stdout: tree } = await run('npm', ['ls', '--all', '--parseable']);
    const { stdout: used } = await run('du', ['-sk', '--apparent-size', 'node_modules']);
    expect(tree.trim().split('\n').length - 1).toBeLessThanOrEqual(18);
    expect(Number.parseInt(used)).toBeLessThan(10 * 1024);

    const esm = await file('call.mjs', program('order-timeout-client'));
    await build({
      entryPoints: [join(path, esm)],
      outfile: join(path, 'bundle.mjs'),
      bundle: true,
      format: 'esm',
      platform: 'node',
      external: ['mysql2'],
    });
    const shop = await createShop();
    for (const name of [
      await file('call.cjs', asCommonJs(program('order-timeout-client'))),
      esm,
      'bundle.mjs',
    ]) {
      const { orderId } = await pendingOrder(shop, { coupon: 1000 });
      const env = { MYSQL_URL: shop.url, ORDER_ID: String(orderId) };
      expect(`${name}: ${(await run('node', [name], env)).stdout}`).toBe(`${name}: cancelled\n`);
    }

    const root = join(path, 'node_modules/order-timeout-client');
    const docs = (await readdir(join(root, 'docs'))).map((name) => join('docs', name));
    expect(['README.md', ...docs].flatMap((page) => brokenLinks(root, page))).toEqual([]);
  });

  test.each(['2.3.0', '3.9.8', '3.24.6'])(
    'a strict program compiles with mysql2 %s, and one that forgets an outcome does not',
    async (version) => {
      const packages = [client, `mysql2@${version}`, 'typescript@5.9.3', '@types/node@20'];
      const { run, file } = await project(`types-${version}`, ...packages);
      const options = ['--strict', '--noEmit', '--module', 'node16', '--target', 'es2022'];
      // The declarations of some versions of mysql2 itself don't compile: only errors of others count.
      const errorsOf = async (name: string) =>
        run('npx', ['tsc', ...options, name]).then(
          () => [],
          (error: unknown) =>
            (error as { stdout: string }).stdout
              .split('\n')
              .filter(
                (line) => /^\S+\.m?ts\(/.test(line) && !line.startsWith('node_modules/mysql2/'),
              ),
        );

      for (const extension of ['ts', 'mts']) {
        const all = await file(`all.${extension}`, tells('order-timeout-client', OUTCOMES));
        expect(await errorsOf(all)).toEqual([]);
      }
      const forgets = await file('forgets.ts', tells('order-timeout-client', OUTCOMES.slice(1)));
      expect(await errorsOf(forgets)).toEqual([
        expect.stringContaining(`not assignable to type 'never'`) as string,
      ]);
    },
  );
});

test('publint and attw find nothing wrong with either package', async () => {
  for (const tarball of [engine, client]) {
    const tool = (name: string) => join(ROOT, 'node_modules/.bin', name);
    expect((await execute(tool('publint'), ['--strict', tarball])).stdout).toContain('All good!');
    expect((await execute(tool('attw'), [tarball])).stdout).toContain('No problems found');
  }
});
