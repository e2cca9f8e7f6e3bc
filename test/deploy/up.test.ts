import { describe, expect, it } from 'vitest';
import { cancelExpiredOrders } from '../../scripts';
import { down, plan, readSource, up, verify } from '../../scripts/deploy';
import { splitStatements } from '../../scripts/deploy/text';
import { readPage } from '../docs/pages';
import { couponLedgerRow, createShop, pendingOrder } from '../support';
import { deployedShop, eventStatus, newShop } from './support/deployer';
import { snapshot } from './support/snapshot';
import { edited, migration, SMALL, withMigrations, without, withText } from './support/sources';

/** A column, as CONTRIBUTING.md says. */
const [, EXAMPLE = ''] =
  /```sql\n(SET @order_timeout_change[^]*?)```/.exec(readPage('CONTRIBUTING.md')) ?? [];

describe('a deployment to a fresh shop', () => {
  it("registers everything, changes nothing of the shop's tables but their indexes, and works", async () => {
    const { shop, url } = await newShop();
    const columns = () =>
      shop.run(`SELECT table_name, column_name, column_type, column_default, is_nullable, collation_name, extra
                  FROM information_schema.columns
                 WHERE table_schema = DATABASE() AND table_name NOT LIKE 'order\\_timeout\\_%'
                 ORDER BY table_name, ordinal_position`);
    const before = await columns();
    expect(await up(url, { paused: true })).toMatchObject({ outcome: 'done' });

    expect(await columns()).toEqual(before);
    // The event's own first sweep may be at it.
    await expect.poll(async () => (await cancelExpiredOrders(shop.db)).outcome).toBe('paused');
    expect(await up(url)).toMatchObject({ outcome: 'nothing_to_do', steps: [] });
  });

  it('is not done when the database changes while it is being agreed to', async () => {
    const { shop, url } = await newShop();
    const deployment = up(url, {
      source: SMALL,
      confirm: async () => {
        await shop.run('ALTER TABLE user_points DROP INDEX idx_user');
        return true;
      },
    });
    await expect(deployment).rejects.toThrow('The database was changed while the plan');
  });

  it('does not overwrite what the shop has under one of our names', async () => {
    const { shop, url } = await newShop();
    await shop.run('CREATE PROCEDURE cancel_order () DO 0');
    await expect(up(url)).rejects.toThrow('The procedure cancel_order already exists');
    expect(await shop.run('SHOW PROCEDURE STATUS WHERE db = DATABASE()')).toHaveLength(1);
    await expect(down(url)).resolves.toMatchObject({ outcome: 'nothing_to_do' });
  });
});

describe('a deployment of another version', () => {
  it('replaces only what has changed', async () => {
    const { url } = await deployedShop();
    const { steps } = await up(url, { source: edited(SMALL, 'order_timeout_first') });
    expect(steps).toEqual([
      'register what is about to be deployed',
      'keep the sweep away',
      'procedure order_timeout_first: changed',
      'let the sweep run again',
    ]);
  });

  it('that is older than the deployed one takes its place only when that is wanted, and then for good', async () => {
    const { shop, url } = await deployedShop();
    const newer = { ...edited(SMALL, 'order_timeout_first'), version: '1.10.0' };
    await up(url, { source: newer });
    await expect(up(url, { source: { ...SMALL, version: '1.9.2' } })).rejects.toThrow(
      'Version 1.10.0 is deployed here, and this is 1.9.2, an older one',
    );
    for (const version of ['1.10.0', '1.10.0-rc.1', '1.11.0'])
      expect(await plan(url, { source: { ...newer, version } })).toMatchObject({ steps: [] });

    const older = { ...SMALL, version: '1.9.2' };
    await shop.run(
      "UPDATE order_timeout_object SET package_version = '1.10.0' WHERE kind = 'view'",
    );
    expect(await up(url, { source: older, older: true })).toMatchObject({ outcome: 'done' });
    expect(await up(url, { source: older })).toMatchObject({ outcome: 'nothing_to_do' });
    expect(await up(url, { source: newer })).toMatchObject({ outcome: 'done' });
  });

  it('takes the place of a newer one with files that it does not know: what they added stays', async () => {
    const { shop, url } = await deployedShop();
    const column = migration('0099_column', EXAMPLE, '');
    const newer = { ...withMigrations(SMALL, column), version: '1.10.0' };
    await up(url, { source: newer });
    const asNewer = await snapshot(shop);
    const reads = () => shop.run('SELECT example_seconds FROM order_timeout_setting');

    await expect(up(url, { source: SMALL })).rejects.toThrow(
      'older than the database: 0099_column',
    );
    const gone = { ...SMALL, migrations: [migration('0099_other')] };
    await expect(up(url, { source: gone, older: true })).rejects.toThrow(
      '0001_tables.up.sql is missing',
    );
    expect(await up(url, { source: SMALL, older: true })).toMatchObject({ outcome: 'done' });
    expect(await verify(url, SMALL)).toMatchObject({ differences: [] });
    expect(await up(url, { source: SMALL })).toMatchObject({ outcome: 'nothing_to_do' });
    expect(await reads()).toHaveLength(1);

    expect(await up(url, { source: newer })).toMatchObject({ outcome: 'done' });
    expect(await snapshot(shop)).toEqual(asNewer);
  });

  it('drops what is no longer part of it', async () => {
    const { shop, url } = await deployedShop();
    await up(url, { source: without(SMALL, 'order_timeout_first') });
    expect(await shop.run('SHOW PROCEDURE STATUS WHERE db = DATABASE()')).toEqual([]);
    expect(
      await shop.run("SELECT 1 FROM order_timeout_object WHERE name = 'order_timeout_first'"),
    ).toEqual([]);
  });

  it('applies new versioned files in the order of their numbers', async () => {
    const { shop, url } = await deployedShop();
    const source = withMigrations(
      SMALL,
      migration('0098_first', 'CREATE TABLE extra (a INT PRIMARY KEY);'),
      migration('0099_second', 'ALTER TABLE extra ADD COLUMN b INT;'),
    );
    expect(await up(url, { source })).toMatchObject({ outcome: 'done' });
    expect(await shop.run('SELECT b FROM extra')).toEqual([]);
    expect(await up(url, { source })).toMatchObject({ outcome: 'nothing_to_do' });
  });

  it("has files that are right to run twice, as after a crash before a file's row was written", async () => {
    const shop = await createShop();
    const before = await snapshot(shop);
    const db = await shop.connect();
    for (const migration of readSource().migrations)
      for (const statement of splitStatements(migration.up)) await db.query(statement);
    expect(await snapshot(shop)).toEqual(before);
  });

  it('adds a column as CONTRIBUTING.md says: right to run twice, and gone with its table', async () => {
    const { shop, url } = await deployedShop();
    const column = migration('0099_column', EXAMPLE, '');
    const source = withMigrations(SMALL, column);
    expect(await up(url, { source })).toMatchObject({ outcome: 'done' });
    const before = await snapshot(shop);
    const db = await shop.connect();
    for (const statement of splitStatements(column.up)) await db.query(statement);
    expect(await snapshot(shop)).toEqual(before);
    await shop.run('UPDATE order_timeout_setting SET example_seconds = 30');
    await expect(shop.run('UPDATE order_timeout_setting SET example_seconds = 31')).rejects.toThrow(
      /order_timeout_setting_example_seconds/,
    );
    expect(await down(url, { source })).toMatchObject({ outcome: 'done' });
    expect(await shop.run("SHOW TABLES LIKE 'order\\_timeout\\_%'")).toEqual([]);
  });

  it('puts back what somebody changed or dropped: routines, views, event, indexes', async () => {
    const { shop, url } = await deployedShop();
    const before = await snapshot(shop);
    await shop.run('DROP PROCEDURE order_timeout_first');
    await shop.run('ALTER FUNCTION order_timeout_double SQL SECURITY INVOKER');
    await shop.run('CREATE OR REPLACE VIEW order_timeout_seen AS SELECT 1 AS doubled');
    await shop.run('ALTER TABLE orders DROP INDEX order_timeout_due');
    await shop.run('DROP EVENT order_timeout_tick');

    const { steps } = await up(url, { source: SMALL });
    expect(steps[0]).toBe('index order_timeout_due on orders');
    expect(await snapshot(shop)).toEqual(before);
  });

  it.each([
    ['an edited file', "checksum = 'x'", '0001_tables.up.sql was edited'],
    ['a missing file', "name = '0000_gone'", '0000_gone.up.sql is missing'],
    ['a newer database', "name = '9999_newer'", 'older than the database: 9999_newer'],
    ['a late file', "name = '9999_newer'", '0001_tables.up.sql is out of order, since 9999_newer'],
  ])('is refused for %s, with its name, and nothing is changed', async (_, found, message) => {
    const { shop, url } = await deployedShop();
    await shop.run(`UPDATE order_timeout_migration SET ${found}`);
    const before = await snapshot(shop);
    await expect(up(url, { source: without(SMALL, 'order_timeout_first') })).rejects.toThrow(
      message,
    );
    expect(await snapshot(shop)).toEqual(before);
  });
});

describe('grants on a routine', () => {
  it('are the same after it was replaced', async () => {
    const { shop, url } = await deployedShop();
    const account = await shop.createAccount(
      `EXECUTE ON PROCEDURE ${shop.name}.order_timeout_first`,
      `EXECUTE ON FUNCTION ${shop.name}.order_timeout_double`,
    );
    const user = new URL(account).username;
    await shop.run(
      `GRANT ALTER ROUTINE ON PROCEDURE order_timeout_first TO '${user}' WITH GRANT OPTION`,
    );
    const before = await snapshot(shop);
    const names = ['order_timeout_first', 'order_timeout_double'];
    await up(url, { source: names.reduce(edited, SMALL) });

    const after = await snapshot(shop);
    expect(after).toMatchObject({
      [`grant on order_timeout_first to ${user}@%`]: 'Execute,Alter Routine,Grant',
      [`grant on order_timeout_double to ${user}@%`]: 'Execute',
    });
    expect(Object.keys(after).filter((key) => after[key] !== before[key])).toEqual([
      'registry function order_timeout_double',
      'registry procedure order_timeout_first',
    ]);
  });
});

describe('the event', () => {
  it.each(['ENABLE', 'DISABLE'])(
    'stays as the operator had it (%s), changed or not',
    async (how) => {
      const { shop, url } = await deployedShop();
      expect(await eventStatus(shop)).toBe('ENABLED');
      const operator = await shop.connect({ uri: url });
      await operator.query(`ALTER EVENT order_timeout_tick ${how}`);

      expect(await up(url, { source: SMALL })).toMatchObject({ outcome: 'nothing_to_do' });
      expect(await eventStatus(shop)).toBe(`${how}D`);
      const source = withText(SMALL, 'order_timeout_tick', (text) =>
        text.replace('1 MINUTE', '2 MINUTE'),
      );
      await up(url, { source });
      expect(await eventStatus(shop)).toBe(`${how}D`);
    },
  );
});

it('lists the actions of the newest ledger rows with what they are taken for, before its own table is there and after', async () => {
  const { shop, url } = await newShop();
  const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
  await couponLedgerRow(shop, { ...order, change: 5, action: 'gift' });
  const listed = async (clock: string) =>
    (await up(url, { clock, paused: true })).remarks
      .filter(({ about }) => about === 'ledger_actions')
      .map(({ text }) => text.replace(/^.*taken for: /, ''));

  expect(await listed('+00:00')).toEqual([
    'gift: not listed (1), grant: other (1), reserve: take (1)',
    'grant: other (1), order_deduct: take (1)',
  ]);
  await shop.run("INSERT INTO order_timeout_ledger_action VALUES ('coupon', 'gift', 'other')");
  expect((await listed('+00:15'))[0]).toBe('gift: other (1), grant: other (1), reserve: take (1)');
});
