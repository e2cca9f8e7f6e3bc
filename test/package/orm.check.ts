import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createShop, lockWait, pendingOrder, type Shop } from '../support';

const execute = promisify(execFile);
const ROOT = join(__dirname, '../..');
const PACKAGES = [
  ...['mysql2@3', 'knex@3', 'kysely@0.28', 'drizzle-orm@0.45', 'sequelize@6', 'typeorm@0.3'],
  ...['reflect-metadata', '@mikro-orm/core@6', '@mikro-orm/mysql@6'],
];
const ORMS = ['Knex', 'Kysely', 'Drizzle', 'Sequelize', 'TypeORM', 'MikroORM'];

let project = '';
let docs = '';
let shop: Shop;

beforeAll(async () => {
  docs = await readFile(join(ROOT, 'docs/orm.md'), 'utf8');
  project = await mkdtemp(join(tmpdir(), 'order-timeout-orm-'));
  await writeFile(join(project, 'package.json'), '{ "name": "orms", "private": true }');
  const packed = await execute('npm', ['run', '--silent', 'pack:client'], { cwd: ROOT });
  const install = ['install', '--no-audit', '--no-fund', packed.stdout.trim(), ...PACKAGES];
  await execute('npm', install, { cwd: project });
  await rm(packed.stdout.trim());
  shop = await createShop();
});

afterAll(() => rm(project, { recursive: true, force: true }));

test.each(ORMS)('the lines for %s cancel inside its transaction', async (orm) => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });

  await run(orm, orderId);

  expect(await statusOf(orderId)).toBe(3);
});

test.each(ORMS)("an error in %s's transaction undoes the cancellation too", async (orm) => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });

  await expect(
    run(orm, orderId, (code) => code.replace(/\/\/ … your own.*/, "throw new Error('of my own');")),
  ).rejects.toMatchObject({ stderr: expect.stringContaining('of my own') as string });

  expect(await statusOf(orderId)).toBe(1);
});

test.each(ORMS)("%s's own object is refused, with what to hand in", async (orm) => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  const own: Record<string, string> = {
    Knex: 'trx',
    Kysely: 'trx',
    Drizzle: 'db',
    Sequelize: 'sequelize',
    TypeORM: 'dataSource',
    MikroORM: 'em',
  };

  await expect(
    run(orm, orderId, (code) =>
      code.replace(
        /cancelExpiredOrder\(.*, orderId\)/,
        `cancelExpiredOrder(${own[orm] ?? ''}, orderId)`,
      ),
    ),
  ).rejects.toMatchObject({
    stderr: expect.stringMatching(new RegExp(`This is ${orm}.*: give `)) as string,
  });

  expect(await statusOf(orderId)).toBe(1);
});

/** Each ORM with a pool of one connection: `run` outside a transaction, `inside` one that is undone when it throws. */
const OWN_CALLS: Readonly<Record<string, string>> = {
  Knex: `
    import Knex from 'knex';
    const orm = Knex({ client: 'mysql2', connection: uri, pool: { min: 1, max: 1 } });
    const run = (sql) => orm.raw(sql);
    const inside = (sql) => orm.transaction((trx) => trx.raw(sql));
    const close = () => orm.destroy();`,
  TypeORM: `
    import 'reflect-metadata';
    import { DataSource } from 'typeorm';
    const extra = { connectionLimit: 1 };
    const orm = await new DataSource({ type: 'mysql', connectorPackage: 'mysql2', url: uri, extra }).initialize();
    const run = (sql) => orm.query(sql);
    const inside = (sql) => orm.transaction((manager) => manager.query(sql));
    const close = () => orm.destroy();`,
  Sequelize: `
    import { Sequelize } from 'sequelize';
    const orm = new Sequelize(uri, { logging: false, pool: { max: 1 } });
    const run = (sql) => orm.query(sql);
    const inside = (sql) => orm.transaction((transaction) => orm.query(sql, { transaction }));
    const close = () => orm.close();`,
};

test.each(Object.keys(OWN_CALLS).flatMap((orm) => [`${orm}, outside`, `${orm}, inside`]))(
  "what is written after a killed call of an ORM's own is not lost: %s a transaction",
  async (how) => {
    const [orm = '', where = ''] = how.split(', ');
    const { orderId, couponId } = await pendingOrder(shop, { coupon: 1000 });
    const holder = await shop.connect();
    await holder.beginTransaction();
    await holder.query('SELECT 1 FROM user_coupons WHERE id = ? FOR UPDATE', [couponId]);
    const file = join(project, `${orm}-${where}-killed.mjs`);
    await writeFile(
      file,
      `const uri = '${shop.url}';
       ${OWN_CALLS[orm] ?? ''}
       const call = ${where === 'inside' ? 'inside' : 'run'};
       await call('CALL cancel_expired_order(${orderId})').catch((error) => {
         console.log(JSON.stringify([(error.parent ?? error.driverError ?? error).errno]));
       });
       await run("UPDATE orders SET remark = 'written after it' WHERE id = ${orderId}");
       await close();`,
    );

    const program = execute('node', [file], { cwd: project });
    program.catch(() => undefined);
    await lockWait(shop);
    const [waiting] = await shop.run<{ id: number }>(
      `SELECT processlist_id AS id FROM performance_schema.threads
        JOIN performance_schema.data_locks USING (thread_id)
       WHERE object_schema = ? AND lock_status = 'WAITING'`,
      [shop.name],
    );
    await shop.run(`KILL QUERY ${waiting?.id ?? 0}`);

    expect(await program).toMatchObject({ stdout: '[1317]\n', stderr: '' });
    await holder.rollback();
    expect(await shop.run('SELECT status, remark FROM orders WHERE id = ?', [orderId])).toEqual([
      { status: 1, remark: 'written after it' },
    ]);
  },
);

/** Runs an ORM's block of docs/orm.md as it stands, or changed. */
async function run(orm: string, orderId: number, change = (code: string) => code): Promise<void> {
  const [, code = ''] = new RegExp(`^## ${orm}[^]*?\`\`\`js\n([^]*?)\`\`\``, 'm').exec(docs) ?? [];
  const file = join(project, `${orm}.mjs`);
  const given = `const uri = '${shop.url}';\nconst orderId = ${orderId};\n`;
  await writeFile(file, given + change(code));
  await execute('node', [file], { cwd: project });
}

async function statusOf(orderId: number): Promise<unknown> {
  const [row] = await shop.run<{ status: number }>('SELECT status FROM orders WHERE id = ?', [
    orderId,
  ]);
  return row?.status;
}
