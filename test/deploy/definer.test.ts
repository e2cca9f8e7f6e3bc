import { createConnection } from 'mysql2/promise';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { cancelExpiredOrders } from '../../scripts';
import { down, status, up, verify } from '../../scripts/deploy';
import { actualPrivileges } from '../../scripts/deploy/definer';
import { parseGrants } from '../../scripts/deploy/grants';
import { quoteName } from '../../scripts/deploy/text';
import { runShopFile } from '../../scripts/dev/shop';
import { diagnose, type Finding, fix } from '../../scripts/operate/doctor';
import { createShop } from '../support';
import { deployedShop, deployer, plainDeployer } from './support/deployer';
import { edited, SMALL } from './support/sources';

describe('the definer account', () => {
  it('is what all objects run as, locked and without a password', async () => {
    const { shop, url } = await deployedShop();
    expect((await status(url, SMALL)).definers).toEqual(['order_timeout@localhost']);
    const [account] = await shop.run<{ locked: string; hash: string }>(
      `SELECT account_locked AS locked, authentication_string AS hash
         FROM mysql.user WHERE user = 'order_timeout' AND host = 'localhost'`,
    );
    expect(account).toMatchObject({ locked: 'Y' });
    expect(account?.hash).toContain('INVALIDSALTANDPASSWORD');
  });

  it('may not delete from a table of the shop, and change but the columns that the shop file names', async () => {
    const { shop } = await deployedShop();
    const lines = await shop.run("SHOW GRANTS FOR 'order_timeout'@'localhost'");
    const grants = parseGrants(lines.map((line) => String(Object.values(line)[0])));
    const written = actualPrivileges(shop.name, { lines: grants, partialRevokes: false }).filter(
      ({ name, table }) => name !== 'SELECT' && !/^order_timeout_|\*/.test(table),
    );
    expect(
      written.map(({ name, table, column = '' }) => `${name} ${table} ${column}`.trim()).sort(),
    ).toEqual([
      'INSERT user_coupon_ledger',
      'INSERT user_points',
      'INSERT user_points_ledger',
      'UPDATE order_coupons order_id',
      'UPDATE orders cancelled_at',
      'UPDATE orders status',
      'UPDATE user_coupons balance_amount',
      'UPDATE user_coupons status',
      'UPDATE user_coupons used_at',
      'UPDATE user_coupons used_order_id',
      'UPDATE user_points points',
    ]);
  });

  it('gets back what was taken from it, and loses what it was given', async () => {
    const { shop, url } = await deployedShop();
    await shop.run("REVOKE UPDATE (status) ON orders FROM 'order_timeout'@'localhost'");
    await shop.run("GRANT DELETE ON orders TO 'order_timeout'@'localhost'");
    const { steps } = await up(url, { source: SMALL });
    expect(steps).toEqual([
      'definer account order_timeout@localhost and its grants',
      'definer account order_timeout@localhost: what it needs no more',
    ]);
    expect(await up(url, { source: SMALL })).toMatchObject({ outcome: 'nothing_to_do' });
  });

  it('is not created again for a second shop, which MySQL would refuse', async () => {
    await deployedShop();
    const second = await createShop({ deploy: false });
    const url = await deployer(second, 'needed');
    expect(await up(url, { source: SMALL })).toMatchObject({ outcome: 'done' });
    expect(await second.run('CALL order_timeout_first(1)')).toBeDefined();
  });
});

const isAboutAccount = ({ about, severity }: Finding) =>
  severity !== 'ok' && ['definer', 'objects', 'event'].includes(about);

describe('a deployer who may make no accounts', () => {
  it('is who the objects run as, and a remark says so', async () => {
    const shop = await createShop({ deploy: false });
    const url = await plainDeployer(shop);
    const { remarks } = await up(url);
    const account = `${new URL(url).username}@%`;
    expect(remarks.find(({ about }) => about === 'definer')?.text).toContain(account);
    expect((await status(url)).definers).toEqual([account]);
    expect(await shop.run('CALL cancel_expired_orders()')).toBeDefined();
    expect(await up(url)).toMatchObject({ outcome: 'nothing_to_do' });
    expect(await down(url)).toMatchObject({ outcome: 'done' });
  });

  it('has a deployment that is what it is, whoever looks at it', async () => {
    const shop = await createShop({ deploy: false });
    await up(await plainDeployer(shop));
    expect((await verify(shop.url)).differences).toEqual([]);
    expect((await diagnose(shop.url)).filter(isAboutAccount)).toEqual([]);
    expect(await fix(shop.url)).toEqual({ done: [], remarks: [] });
  });

  it('is told which grants on a routine are lost when it is replaced, where it can not read them', async () => {
    const shop = await createShop({ deploy: false });
    const url = await plainDeployer(shop);
    await up(url, { source: SMALL });
    const { remarks } = await up(url, { source: edited(SMALL, 'order_timeout_first') });
    expect(remarks.find(({ about }) => about === 'grants')?.remedy).toContain(
      'grant EXECUTE again on order_timeout_first',
    );
  });

  it('does not take objects over from the definer account', async () => {
    const { shop } = await deployedShop();
    await expect(up(await plainDeployer(shop), { source: SMALL })).rejects.toThrow(
      'What is deployed runs as order_timeout@localhost',
    );
  });
});

describe('a schema with an odd name', () => {
  // With a backslash before each _ it has 64 characters, and GRANT takes no more.
  const LONGEST = 'x'.repeat(32);

  /** Empty, on the tests' own server. */
  async function createSchema(suffix: string) {
    const server = new URL(inject('mysqlUrl'));
    const name = `order_timeout_test_${inject('runId')}_${suffix}`;
    const db = await createConnection(server.href);
    onTestFinished(async () => {
      await db.query(`DROP DATABASE IF EXISTS ${quoteName(name)}`);
      await db.end();
    });
    await db.query(`CREATE DATABASE ${quoteName(name)}`);
    await db.query(`USE ${quoteName(name)}`);
    await runShopFile(db, 'built-in', 'schema.sql');
    server.pathname = `/${encodeURIComponent(name)}`;
    return { db, name, url: server.href };
  }

  it('is refused when it is too long, before anything is changed', async () => {
    const { db, url } = await createSchema(`${LONGEST}x`);
    await expect(up(url)).rejects.toThrow("The schema's name is too long for a GRANT");
    const [tables] = await db.query("SHOW TABLES LIKE 'order\\_timeout%'");
    expect(tables).toEqual([]);
  });

  it.each(['a_b%c', "it's `odd`", 'mit-strich.und.punkt', LONGEST])('%s works', async (suffix) => {
    const { db, name, url } = await createSchema(suffix);

    await up(url);
    expect(await up(url)).toMatchObject({ outcome: 'nothing_to_do' });
    expect(await cancelExpiredOrders(db)).toMatchObject({ failed: 0 });
    await down(url, { dropJournal: true });
    const [lines] = await db.query("SHOW GRANTS FOR 'order_timeout'@'localhost'").catch(() => [[]]);
    expect(JSON.stringify(lines).replaceAll('\\', '')).not.toContain(
      `\`${name.replaceAll('`', '``')}\``,
    );
  });
});
