import { createConnection } from 'mysql2/promise';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { down, up } from '../../scripts/migrate';
import { quoteName } from '../../scripts/migrate/quote';
import { runShopFile } from '../../scripts/shop/sql-files';
import { createShop, pendingOrder, type Shop } from '../support';
import { smallSource, withText } from './support/sources';

async function definers(shop: Shop): Promise<string[]> {
  const rows = await shop.run<{ definer: string }>(
    `SELECT DISTINCT definer AS definer FROM information_schema.routines WHERE routine_schema = DATABASE()
      UNION SELECT definer FROM information_schema.views WHERE table_schema = DATABASE()
      UNION SELECT definer FROM information_schema.events WHERE event_schema = DATABASE()`,
  );
  return rows.map(({ definer }) => definer);
}

describe('the definer account', () => {
  it('is what all objects run as, locked and without a password', async () => {
    const shop = await createShop();
    expect(await definers(shop)).toEqual(['order_timeout@localhost']);
    const [account] = await shop.run<{ locked: string; hash: string }>(
      `SELECT account_locked AS locked, authentication_string AS hash
         FROM mysql.user WHERE user = 'order_timeout' AND host = 'localhost'`,
    );
    expect(account).toMatchObject({ locked: 'Y' });
    expect(account?.hash).toContain('INVALIDSALTANDPASSWORD');
  });

  it('may change no more of the shop than the columns that a refund changes', async () => {
    const shop = await createShop();
    const columns = await shop.run<{ what: string }>(
      `SELECT CONCAT(privilege_type, ' ', table_name, '.', column_name) AS what
         FROM information_schema.column_privileges
        WHERE grantee LIKE '%order_timeout%' AND table_schema = DATABASE() ORDER BY what`,
    );
    const tables = await shop.run<{ what: string }>(
      `SELECT CONCAT(privilege_type, ' ', table_name) AS what
         FROM information_schema.table_privileges
        WHERE grantee LIKE '%order_timeout%' AND table_schema = DATABASE()
          AND privilege_type <> 'SELECT' AND table_name NOT LIKE 'order\\_timeout\\_%' ORDER BY what`,
    );
    expect(columns.map(({ what }) => what)).toEqual([
      'UPDATE orders.cancelled_at',
      'UPDATE orders.status',
      'UPDATE user_coupons.balance_amount',
      'UPDATE user_coupons.status',
      'UPDATE user_coupons.used_at',
      'UPDATE user_coupons.used_order_id',
      'UPDATE user_points.points',
    ]);
    expect(tables.map(({ what }) => what)).toEqual([
      'INSERT user_coupon_ledger',
      'INSERT user_points',
      'INSERT user_points_ledger',
    ]);
  });

  it('suffices for a sweep and for a call of a user who has nothing but EXECUTE', async () => {
    const shop = await createShop();
    await pendingOrder(shop, { coupon: 1000, points: 50, pointsLeft: null });
    const { orderId } = await pendingOrder(shop, { coupon: 1000, points: 50 });
    const url = await shop.createAccount(
      `EXECUTE ON PROCEDURE ${shop.name}.cancel_expired_order`,
      `EXECUTE ON PROCEDURE ${shop.name}.cancel_expired_orders`,
    );
    const db = await createConnection(url);
    const [[[single]]] = (await db.query('CALL cancel_expired_order(?)', [orderId])) as unknown as [
      [[object]],
    ];
    const [[[sweep]]] = (await db.query('CALL cancel_expired_orders()')) as unknown as [[[object]]];
    db.destroy();
    expect(single).toMatchObject({
      outcome: 'cancelled',
      coupon_refunded: 1000,
      points_refunded: 50,
    });
    expect(sweep).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 0 });
  });

  it('gets back what was taken from it, and loses what it was given', async () => {
    const shop = await createShop({ deploy: false });
    const source = await smallSource();
    await up(shop.url, { source });
    await shop.run("REVOKE UPDATE (status) ON orders FROM 'order_timeout'@'localhost'");
    await shop.run("GRANT DELETE ON orders TO 'order_timeout'@'localhost'");
    const { steps } = await up(shop.url, { source });
    expect(steps).toEqual(['definer account order_timeout@localhost and its grants']);
    expect(await up(shop.url, { source })).toMatchObject({ outcome: 'nothing_to_do' });
    const lines = (await shop.run("SHOW GRANTS FOR 'order_timeout'@'localhost'")).map((row) =>
      String(Object.values(row)[0]),
    );
    expect(lines.find((line) => line.includes(`\`${shop.name}\`.\`orders\``))).toBe(
      `GRANT SELECT, UPDATE (\`cancelled_at\`, \`status\`) ON \`${shop.name}\`.\`orders\` TO \`order_timeout\`@\`localhost\``,
    );
  });
});

describe('a deployer who may make no accounts', () => {
  it('is who the objects run as, and one line says so', async () => {
    const shop = await createShop({ deploy: false });
    const url = await shop.createAccount(
      `ALL ON ${shop.name}.*`,
      'SELECT ON performance_schema.replication_group_members',
    );
    const account = `${new URL(url).username}@%`;
    const { remarks } = await up(url);
    expect(remarks).toEqual([
      expect.stringContaining(`The procedures and the event will run as ${account}`) as string,
    ]);
    expect(await definers(shop)).toEqual([account]);
    expect(await shop.run('CALL cancel_expired_orders()')).toBeDefined();
    expect(await up(url)).toMatchObject({ outcome: 'nothing_to_do' });
    expect(await down(url)).toMatchObject({ outcome: 'done' });
  });

  it('is told that grants on a procedure are lost when it is replaced, where it can not read them', async () => {
    const shop = await createShop({ deploy: false });
    const source = await smallSource();
    const url = await shop.createAccount(
      `ALL ON ${shop.name}.*`,
      'SELECT ON performance_schema.replication_group_members',
    );
    await up(url, { source });
    const { remarks } = await up(url, {
      source: withText(source, 'order_timeout_require_id', (text) => `${text}-- edited\n`),
    });
    expect(remarks.join('\n')).toContain('grant EXECUTE again on order_timeout_require_id');
  });

  it('does not take objects over from the definer account', async () => {
    const shop = await createShop({ deploy: false });
    const source = await smallSource();
    await up(shop.url, { source });
    const url = await shop.createAccount(`ALL ON ${shop.name}.*`, 'SELECT ON performance_schema.*');
    await expect(up(url, { source })).rejects.toThrow(
      'What is deployed runs as order_timeout@localhost',
    );
  });
});

describe('a schema with an odd name', () => {
  it.each(['a_b%c', "it's `odd`", 'mit-strich.und.punkt'])('%s works', async (suffix) => {
    const server = new URL(inject('mysqlUrl'));
    const name = `order_timeout_test_${inject('runId')}_${suffix}`;
    const db = await createConnection(server.href);
    onTestFinished(async () => {
      await db.query(`DROP DATABASE IF EXISTS ${quoteName(name)}`);
      await db.end();
    });
    await db.query(`CREATE DATABASE ${quoteName(name)}`);
    await db.query(`USE ${quoteName(name)}`);
    await runShopFile(db, 'schema.sql');
    server.pathname = `/${encodeURIComponent(name)}`;

    await up(server.href);
    expect(await up(server.href)).toMatchObject({ outcome: 'nothing_to_do' });
    const [[[sweep]]] = (await db.query('CALL cancel_expired_orders()')) as unknown as [[[object]]];
    expect(sweep).toMatchObject({ failed: 0 });
    await down(server.href, { dropJournal: true });
    const [lines] = await db.query("SHOW GRANTS FOR 'order_timeout'@'localhost'").catch(() => [[]]);
    expect(JSON.stringify(lines).replaceAll('\\', '')).not.toContain(
      `\`${name.replaceAll('`', '``')}\``,
    );
  });
});
