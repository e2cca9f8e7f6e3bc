import { describe, expect, it } from 'vitest';
import { status, up, verify } from '../../scripts/deploy';
import { createShop } from '../support';
import { deployedShop, deployer } from './support/deployer';
import { edited, migration, SMALL, withMigrations } from './support/sources';

describe('"verify"', () => {
  it('says that nothing is deployed', async () => {
    const shop = await createShop({ deploy: false });
    expect(await verify(shop.url)).toMatchObject({ differences: [{ about: 'deployment' }] });
  });

  it('finds nothing after "up", and each change by what it is about', async () => {
    const { shop, url } = await deployedShop();
    expect(await verify(url, SMALL)).toEqual({ differences: [], remarks: [] });

    for (const change of [
      "ALTER PROCEDURE order_timeout_first COMMENT 'Another.'",
      'DROP FUNCTION order_timeout_double',
      'CREATE OR REPLACE VIEW order_timeout_seen AS SELECT 1 AS doubled',
      'ALTER EVENT order_timeout_tick ON SCHEDULE EVERY 5 MINUTE',
      'ALTER TABLE order_timeout_hold ADD COLUMN extra INT',
      'CREATE TRIGGER intruder BEFORE INSERT ON order_timeout_hold FOR EACH ROW SET NEW.extra = 1',
      'ALTER TABLE orders DROP INDEX order_timeout_due',
      "REVOKE UPDATE (status) ON orders FROM 'order_timeout'@'localhost'",
      "GRANT DELETE ON orders TO 'order_timeout'@'localhost'",
    ])
      await shop.run(change);
    const { differences } = await verify(url, SMALL);
    const account = 'The account order_timeout@localhost';
    expect(differences.map(({ about, text }) => `${about}: ${text}`)).toEqual([
      'table: The table order_timeout_hold was changed since its deployment: its columns, indexes, checks or foreign keys',
      'table: The table order_timeout_hold has a trigger intruder',
      'index: orders has no visible index that leads with (status, source_type, created_at)',
      'function: The function order_timeout_double is missing',
      'view: The view order_timeout_seen was changed since its deployment',
      'procedure: The procedure order_timeout_first was changed since its deployment',
      'event: The event order_timeout_tick was changed since its deployment',
      `grants: ${account} lacks UPDATE (status) ON ${shop.name}.orders`,
      `grants: ${account} has more than it needs: DELETE ON ${shop.name}.orders`,
    ]);
  });

  it('finds a body with another literal, an index that nobody sees, a foreign key that deletes along', async () => {
    const { shop, url } = await deployedShop();
    await shop.run('DROP PROCEDURE order_timeout_first');
    await shop.run('CREATE PROCEDURE order_timeout_first (IN p_id BIGINT) SELECT 1');
    await shop.run('ALTER TABLE order_coupons ALTER INDEX idx_order INVISIBLE');
    await shop.run(
      'ALTER TABLE order_timeout_hold ADD FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE',
    );
    const { differences } = await verify(url, SMALL);
    expect(differences).toMatchObject([
      { about: 'table', name: 'order_timeout_hold' },
      { about: 'index' },
      { about: 'procedure' },
    ]);
  });

  it('finds what another version deployed', async () => {
    const { url } = await deployedShop();
    const source = withMigrations(edited(SMALL, 'order_timeout_seen'), migration('0099_newer'));
    const { differences } = await verify(url, source);
    expect(differences).toMatchObject([
      { about: 'migration', name: '0099_newer' },
      { about: 'view', text: "The view order_timeout_seen is not this version's file" },
    ]);
  });

  it('leaves the state of the event to the operator, and says whose the event has become', async () => {
    const { shop, url } = await deployedShop();
    await shop.run('ALTER EVENT order_timeout_tick DISABLE');
    expect(await verify(url, SMALL)).toMatchObject({
      differences: [],
      remarks: [{ about: 'event' }],
    });
  });

  it('says what an account without SHOW_ROUTINE and SELECT on mysql.user could not compare', async () => {
    const shop = await createShop({ deploy: false });
    const url = await deployer(shop, 'needed');
    await up(url, { source: SMALL });
    const { differences, remarks } = await verify(url, SMALL);
    expect(differences).toEqual([]);
    expect(remarks.map(({ about }) => about)).toEqual(['objects', 'grants']);
  });

  it('does not say of what its deployer could not see that it was changed, and "up" by one who can makes it known', async () => {
    const shop = await createShop({ deploy: false });
    await up(await deployer(shop, 'needed'), { source: SMALL });
    const { differences, remarks } = await verify(shop.url, SMALL);
    expect(differences).toEqual([]);
    expect(remarks.map(({ about }) => about)).toEqual(['objects']);

    const { steps } = await up(shop.url, { source: SMALL });
    expect(steps).toContain('procedure order_timeout_first: is not known to be as deployed');
    expect(await verify(shop.url, SMALL)).toEqual({ differences: [], remarks: [] });
  });
});

describe('an account that may only look', () => {
  it('is told of no difference that there is not, and of what it may not see', async () => {
    const { shop } = await deployedShop();
    const onSchema = (privileges: string) =>
      shop.createAccount(`${privileges} ON \`${shop.name}\`.*`);
    const reader = await onSchema('SELECT, SHOW VIEW, EXECUTE, EVENT');
    expect((await verify(reader, SMALL)).differences).toEqual([]);
    expect(await status(reader, SMALL)).toMatchObject({ event: 'ENABLED', pendingSteps: [] });

    const blind = await onSchema('SELECT');
    const { differences, remarks } = await verify(blind, SMALL);
    expect(differences).toEqual([]);
    expect(remarks.map(({ text }) => text)).toContain(
      'Whether each function, procedure and event is there was not looked at',
    );
    expect(await status(blind, SMALL)).toMatchObject({ event: 'unknown', pendingSteps: [] });
  });

  it('is told of what is missing among what it does see', async () => {
    const { shop } = await deployedShop();
    await shop.run('DROP PROCEDURE order_timeout_first');
    const reader = await shop.createAccount(`SELECT, EXECUTE ON \`${shop.name}\`.*`);
    expect((await verify(reader, SMALL)).differences.map(({ text }) => text)).toEqual([
      'The procedure order_timeout_first is missing',
    ]);
  });
});

describe('"status"', () => {
  it('says what is deployed, and what "up" would do', async () => {
    const { shop, url } = await deployedShop();
    const found = await status(url, SMALL);
    expect(found).toMatchObject({
      database: shop.name,
      migrations: [{ name: '0001_tables', state: 'applied' }],
      pendingSteps: [],
      event: 'ENABLED',
      paused: false,
      clock: '+00:00',
      heartbeat: null,
    });
    expect(Date.parse(found.migrations[0]?.appliedAt ?? '')).toBeGreaterThan(Date.now() - 600_000);
    const { pendingSteps } = await status(url, edited(SMALL, 'order_timeout_seen'));
    expect(pendingSteps).toContain('view order_timeout_seen: changed');
  });

  it('has the last sign of life as an instant, whatever the clock', async () => {
    const shop = await createShop({ clock: '+08:00' });
    await shop.run('CALL cancel_expired_orders()');
    const { heartbeat } = await status(shop.url);
    expect(heartbeat).toMatchObject({ outcome: 'completed' });
    expect(Math.abs(Date.parse(heartbeat?.at ?? '') - Date.now())).toBeLessThan(60_000);
  });
});
