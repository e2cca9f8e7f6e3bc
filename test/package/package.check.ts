import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createShop, pendingOrder } from '../support';

const execute = promisify(execFile);
const ROOT = join(__dirname, '../..');
let project = '';

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'order-timeout-package-'));
  await writeFile(
    join(project, 'package.json'),
    '{ "name": "somebodys-project", "private": true }',
  );
  await execute('npm', ['pack', '--pack-destination', project], { cwd: ROOT });
  const [tarball] = (await readdir(project)).filter((file) => file.endsWith('.tgz'));
  await run('npm', ['install', `./${String(tarball)}`, 'typescript@5.9.3', '@types/node@20']);
});

afterAll(() => rm(project, { recursive: true, force: true }));

const run = (command: string, args: readonly string[], env: Record<string, string> = {}) =>
  execute(command, args, { cwd: project, env: { ...process.env, ...env } });

const CANCEL = `
  const db = createPool(process.env.MYSQL_URL);
  cancelExpiredOrder(db, Number(process.env.ORDER_ID)).then(async ({ outcome }) => {
    console.log(outcome);
    await db.end();
  });
`;

describe('the packed package, installed in an empty project', () => {
  test('npx order-timeout up deploys, and its wrappers cancel from CommonJS and from an ES module', async () => {
    const shop = await createShop({ deploy: false });
    await run('npx', ['order-timeout', 'up', '--clock', '+00:00', '--yes'], {
      MYSQL_URL: shop.url,
    });
    await shop.run('ALTER EVENT order_timeout_tick DISABLE');

    await writeFile(
      join(project, 'call.cjs'),
      `const { cancelExpiredOrder } = require('order-timeout');
       const { createPool } = require('mysql2/promise');${CANCEL}`,
    );
    await writeFile(
      join(project, 'call.mjs'),
      `import { cancelExpiredOrder } from 'order-timeout';
       import { createPool } from 'mysql2/promise';${CANCEL}`,
    );
    for (const file of ['call.cjs', 'call.mjs']) {
      const { orderId } = await pendingOrder(shop, { coupon: 1000 });
      const { stdout } = await run('node', [file], {
        MYSQL_URL: shop.url,
        ORDER_ID: String(orderId),
      });
      expect(`${file}: ${stdout}`).toBe(`${file}: cancelled\n`);
    }

    await run('npx', ['order-timeout', 'down', '--drop-journal', '--yes'], { MYSQL_URL: shop.url });
  });

  test('a strict TypeScript file that switches over the outcomes compiles, and one that forgets an outcome does not', async () => {
    const program = (cases: readonly string[]) => `
      import { cancelExpiredOrder } from 'order-timeout';
      import { createPool } from 'mysql2/promise';
      export async function tell(orderId: number): Promise<string> {
        const { outcome } = await cancelExpiredOrder(createPool('mysql://localhost/shop'), orderId);
        switch (outcome) {
          ${cases.map((outcome) => `case '${outcome}': return outcome;`).join('\n')}
          default: { const forgotten: never = outcome; return forgotten; }
        }
      }`;
    const outcomes = [
      'cancelled',
      'not_found',
      'not_pending',
      'not_expired',
      'excluded',
      'on_hold',
    ];
    await writeFile(join(project, 'all.ts'), program(outcomes));
    await writeFile(join(project, 'forgets.ts'), program(outcomes.slice(1)));
    const compile = (file: string) =>
      run('npx', ['tsc', '--strict', '--noEmit', '--module', 'node16', '--target', 'es2022', file]);

    expect(await compile('all.ts')).toMatchObject({ stdout: '' });
    await expect(compile('forgets.ts')).rejects.toMatchObject({
      stdout: expect.stringContaining(`not assignable to type 'never'`) as string,
    });
  });
});
