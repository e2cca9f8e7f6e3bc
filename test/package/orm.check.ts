import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPage } from '../docs/pages';
import { holding } from '../procedures/obstacles';
import { lockWait, pendingOrder, shopOfFile } from '../support';
import { createProject, packClient } from './project';

const PACKAGES = [
  ...['mysql2@3', 'knex@3', 'kysely@0.28', 'drizzle-orm@0.45', 'sequelize@6', 'typeorm@0.3'],
  ...['reflect-metadata', '@mikro-orm/core@6', '@mikro-orm/mysql@6'],
];
/** Each with the object of its own that somebody could hand in. */
const ORMS = [
  ['Knex', 'trx'],
  ['Kysely', 'trx'],
  ['Drizzle', 'db'],
  ['Sequelize', 'sequelize'],
  ['TypeORM', 'dataSource'],
  ['MikroORM', 'em'],
] as const;

const folder = join(tmpdir(), `order-timeout-orm-${randomUUID()}`);
let project: Awaited<ReturnType<typeof createProject>>;
const shop = shopOfFile();

beforeAll(async () => {
  const client = await packClient();
  project = await createProject(folder, client, ...PACKAGES);
  await rm(client);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test.each(ORMS)('the lines for %s cancel inside its transaction', async (orm) => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });

  await run(orm, orderId);

  expect(await shop.column('SELECT status FROM orders')).toEqual([3]);
});

test.each(ORMS)("an error in %s's transaction undoes the cancellation too", async (orm) => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });

  await expect(
    run(orm, orderId, (code) => code.replace(/\/\/ … your own.*/, "throw new Error('of my own');")),
  ).rejects.toMatchObject({ stderr: expect.stringContaining('of my own') as string });

  expect(await shop.column('SELECT status FROM orders')).toEqual([1]);
});

test.each(ORMS)("%s's own object is refused, with what to hand in", async (orm, own) => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  await expect(
    run(orm, orderId, (code) =>
      code.replace(/cancelExpiredOrder\(.*, orderId\)/, `cancelExpiredOrder(${own}, orderId)`),
    ),
  ).rejects.toMatchObject({
    stderr: expect.stringMatching(new RegExp(`This is ${orm}.*: give `)) as string,
  });

  expect(await shop.column('SELECT status FROM orders')).toEqual([1]);
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
    const lock = 'SELECT 1 FROM user_coupons WHERE id = ? FOR UPDATE';
    const holder = await holding(shop, lock, [couponId]);
    const file = await project.file(
      `${orm}-${where}-killed.mjs`,
      `const uri = '${shop.url}';
       ${OWN_CALLS[orm] ?? ''}
       const call = ${where === 'inside' ? 'inside' : 'run'};
       await call('CALL cancel_expired_order(${orderId})').catch((error) => {
         console.log(JSON.stringify([(error.parent ?? error.driverError ?? error).errno]));
       });
       await run("UPDATE orders SET remark = 'written after it' WHERE id = ${orderId}");
       await close();`,
    );

    const program = project.run('node', [file]);
    program.catch(() => undefined);
    const [waiting] = await lockWait(shop);
    await shop.run('KILL QUERY ?', [waiting]);

    expect(await program).toMatchObject({ stdout: '[1317]\n', stderr: '' });
    await holder.rollback();
    expect(await shop.run('SELECT status, remark FROM orders WHERE id = ?', [orderId])).toEqual([
      { status: 1, remark: 'written after it' },
    ]);
  },
);

/** Runs an ORM's block of docs/orm.md as it stands, or changed. */
async function run(orm: string, orderId: number, change = (code: string) => code): Promise<void> {
  const block = new RegExp(`^## ${orm}[^]*?\`\`\`js\n([^]*?)\`\`\``, 'm');
  const [, code = ''] = block.exec(readPage('docs/orm.md')) ?? [];
  const given = `const uri = '${shop.url}';\nconst orderId = ${orderId};\n`;
  await project.run('node', [await project.file(`${orm}.mjs`, given + change(code))]);
}
