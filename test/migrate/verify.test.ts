import { describe, expect, it } from 'vitest';
import { status, up, verify } from '../../scripts/migrate';
import { createShop, type Shop } from '../support';
import { migration, smallSource, withMigrations, withText } from './support/sources';

async function deployed(): Promise<Shop> {
  const shop = await createShop({ deploy: false });
  await up(shop.url, { source: await smallSource() });
  return shop;
}

describe('"verify"', () => {
  it('finds nothing after "up"', async () => {
    const shop = await deployed();
    expect(await verify(shop.url, await smallSource())).toEqual({ differences: [], remarks: [] });
  });

  it('says that nothing is deployed', async () => {
    const shop = await createShop({ deploy: false });
    expect(await verify(shop.url)).toMatchObject({
      differences: ['Nothing is deployed in this database: order-timeout up'],
    });
  });

  it.each([
    [
      'a changed body',
      'DROP PROCEDURE order_timeout_release_lock; CREATE PROCEDURE order_timeout_release_lock (IN p_lock VARCHAR(64)) DO 0',
      'The procedure order_timeout_release_lock differs in its body from this version',
    ],
    [
      'a missing procedure',
      'DROP PROCEDURE order_timeout_release_lock',
      'The procedure order_timeout_release_lock is missing',
    ],
    [
      'a changed view',
      'CREATE OR REPLACE VIEW order_timeout_candidate AS SELECT 1 AS order_id',
      'The view order_timeout_candidate was changed since its deployment',
    ],
    ['a missing event', 'DROP EVENT order_timeout_tick', 'The event order_timeout_tick is missing'],
    [
      'another schedule',
      'ALTER EVENT order_timeout_tick ON SCHEDULE EVERY 5 MINUTE',
      'The event order_timeout_tick differs in its schedule',
    ],
    ['a missing table', 'DROP TABLE order_timeout_hold', 'The table order_timeout_hold is missing'],
    [
      'a changed table',
      'ALTER TABLE order_timeout_hold ADD COLUMN extra INT',
      'The table order_timeout_hold was changed since its deployment',
    ],
    [
      'a missing index',
      'ALTER TABLE orders DROP INDEX order_timeout_due',
      'orders has no visible index that leads with (status, source_type, created_at)',
    ],
    [
      'an invisible index',
      'ALTER TABLE order_coupons ALTER INDEX idx_order INVISIBLE',
      'order_coupons has no visible index that leads with (order_id)',
    ],
    [
      'a missing grant',
      "REVOKE UPDATE (status) ON orders FROM 'order_timeout'@'localhost'",
      'The account order_timeout@localhost lacks UPDATE',
    ],
    [
      'a grant too many',
      "GRANT DELETE ON orders TO 'order_timeout'@'localhost'",
      'has more than it needs: DELETE',
    ],
  ])('finds %s', async (_, change, difference) => {
    const shop = await deployed();
    for (const statement of change.split('; ')) await shop.run(statement);
    const { differences } = await verify(shop.url, await smallSource());
    expect(differences.join('\n')).toContain(difference);
  });

  it('finds what another version deployed', async () => {
    const shop = await deployed();
    const source = withMigrations(
      withText(await smallSource(), 'order_timeout_candidate', (text) => `${text}-- edited\n`),
      (files) => [...files, migration('0099_newer')],
    );
    const { differences } = await verify(shop.url, source);
    expect(differences).toEqual([
      'migrations/0099_newer.up.sql has not been applied',
      "The view order_timeout_candidate is not this version's file",
    ]);
  });

  it('leaves the state of the event to the operator, and says whose the event has become', async () => {
    const shop = await deployed();
    await shop.run('ALTER EVENT order_timeout_tick DISABLE');
    const { differences, remarks } = await verify(shop.url, await smallSource());
    expect(differences).toEqual([]);
    expect(remarks).toEqual([
      expect.stringContaining('ALTER EVENT makes it that of whoever alters it') as string,
    ]);
  });
});

describe('"status"', () => {
  it('says what is deployed, and that nothing is left to do', async () => {
    const shop = await deployed();
    const found = await status(shop.url, await smallSource());
    expect(found).toMatchObject({
      database: shop.name,
      migrations: [{ name: '0001_tables', state: 'applied' }, { state: 'applied' }],
      pendingSteps: [],
      event: 'ENABLED',
      paused: false,
      clock: '+00:00',
      definers: ['order_timeout@localhost'],
    });
    expect(Date.parse(found.migrations[0]?.appliedAt ?? '')).toBeGreaterThan(Date.now() - 600_000);
  });

  it('says what "up" would do', async () => {
    const shop = await createShop({ deploy: false });
    const found = await status(shop.url);
    expect(found).toMatchObject({
      migrations: [{ state: 'pending' }, { state: 'pending' }],
      event: null,
      heartbeat: null,
    });
    expect(found.pendingSteps).toContain('migration 0001_tables');
  });

  it('has the last sign of life as an instant, whatever the clock', async () => {
    const shop = await createShop({ clock: '+08:00' });
    await shop.run('CALL cancel_expired_orders()');
    const { heartbeat } = await status(shop.url);
    expect(heartbeat).toMatchObject({ outcome: 'completed' });
    expect(Math.abs(Date.parse(heartbeat?.at ?? '') - Date.now())).toBeLessThan(60_000);
  });
});
