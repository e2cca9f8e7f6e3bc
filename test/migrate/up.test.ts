import { describe, expect, it } from 'vitest';
import { readSource, Refusal, up } from '../../scripts/migrate';
import { createShop, type Shop } from '../support';
import { snapshot } from './support/snapshot';
import { migration, smallSource, without, withMigrations, withText } from './support/sources';

const countRows = async (shop: Shop, table: string) => {
  const [row] = await shop.run<{ total: number }>(`SELECT COUNT(*) AS total FROM ${table}`);
  return row?.total;
};

describe('a deployment to a fresh shop', () => {
  it('leaves everything registered, and the sweep and the calls work', async () => {
    const shop = await createShop({ deploy: false });
    const source = await readSource();
    const { outcome } = await up(shop.url);

    expect(outcome).toBe('done');
    expect(await countRows(shop, 'order_timeout_migration')).toBe(source.migrations.length);
    expect(
      await countRows(
        shop,
        `order_timeout_object WHERE kind IN ('view', 'procedure', 'event') AND checksum IS NOT NULL`,
      ),
    ).toBe(source.objects.length);
    const [[[sweep]]] = (await shop.db.query('CALL cancel_expired_orders()')) as unknown as [
      [[object]],
    ];
    expect(sweep).toMatchObject({ cancelled: 0 });
  });

  it("changes nothing of the shop's tables but their indexes", async () => {
    const shop = await createShop({ deploy: false });
    const columns = () =>
      shop.run(`SELECT table_name, column_name, column_type, column_default, is_nullable, collation_name, extra
                  FROM information_schema.columns
                 WHERE table_schema = DATABASE() AND table_name NOT LIKE 'order\\_timeout\\_%'
                 ORDER BY table_name, ordinal_position`);
    const before = await columns();
    await up(shop.url);
    expect(await columns()).toEqual(before);
  });

  it('takes the clock and the pause that are asked for', async () => {
    const shop = await createShop({ deploy: false });
    await up(shop.url, { source: await smallSource(), clock: '+08:00', paused: true });
    expect(await shop.run('SELECT clock, paused FROM order_timeout_setting')).toEqual([
      { clock: '+08:00', paused: 1 },
    ]);
  });

  it('leaves everything as it was when it is not agreed to', async () => {
    const shop = await createShop({ deploy: false });
    const before = await snapshot(shop);
    const { outcome } = await up(shop.url, { confirm: () => Promise.resolve(false) });
    expect(outcome).toBe('declined');
    expect(await snapshot(shop)).toEqual(before);
  });

  it('does nothing when the database changes while it is being agreed to', async () => {
    const shop = await createShop({ deploy: false });
    const deployment = up(shop.url, {
      source: await smallSource(),
      confirm: async () => {
        await shop.run('ALTER TABLE user_points DROP INDEX idx_user');
        return true;
      },
    });
    await expect(deployment).rejects.toThrow(
      'The database was changed while the plan was being read',
    );
  });
});

describe('a deployment to a database that is as it should be', () => {
  it('does nothing', async () => {
    const shop = await createShop();
    const before = await snapshot(shop);
    // The shop of a test has its event switched off.
    expect(await up(shop.url, { source: await withEventOff() })).toMatchObject({
      outcome: 'nothing_to_do',
      steps: [],
    });
    expect(await snapshot(shop)).toEqual(before);
  });
});

async function withEventOff() {
  return withText(await readSource(), 'order_timeout_tick', (text) =>
    text.replace(/^ *ENABLE$/m, '    DISABLE'),
  );
}

describe('a deployment of another version', () => {
  it('replaces only what has changed', async () => {
    const shop = await createShop({ deploy: false });
    const source = await smallSource();
    await up(shop.url, { source });
    const { steps } = await up(shop.url, {
      source: withText(source, 'order_timeout_require_id', (text) =>
        text.replace('must be a positive id', 'must be an id'),
      ),
    });
    expect(steps).toEqual([
      'register what is about to be deployed',
      'keep the sweep away',
      'procedure order_timeout_require_id: changed',
      'let the sweep run again',
    ]);
  });

  it('drops what is no longer part of it', async () => {
    const shop = await createShop({ deploy: false });
    const source = await smallSource();
    await up(shop.url, { source });
    await up(shop.url, { source: without(source, 'order_timeout_require_id') });
    expect(await shop.run('SHOW PROCEDURE STATUS WHERE db = DATABASE()')).toHaveLength(1);
    expect(
      await countRows(shop, `order_timeout_object WHERE name = 'order_timeout_require_id'`),
    ).toBe(0);
  });

  it('applies new versioned files in the order of their numbers', async () => {
    const shop = await createShop({ deploy: false });
    const source = await smallSource();
    await up(shop.url, { source });
    const grown = withMigrations(source, (files) => [
      ...files,
      migration('0098_first', 'CREATE TABLE extra (a INT PRIMARY KEY);'),
      migration('0099_second', 'ALTER TABLE extra ADD COLUMN b INT;'),
    ]);
    expect(await up(shop.url, { source: grown })).toMatchObject({ outcome: 'done' });
    expect(await shop.run('SELECT b FROM extra')).toEqual([]);
    expect(await up(shop.url, { source: grown })).toMatchObject({ outcome: 'nothing_to_do' });
  });

  it('puts back what somebody changed or dropped', async () => {
    const shop = await createShop({ deploy: false });
    const source = await smallSource();
    await up(shop.url, { source });
    const before = await snapshot(shop);
    await shop.run('DROP PROCEDURE order_timeout_require_id');
    await shop.run('DROP PROCEDURE order_timeout_release_lock');
    await shop.run('CREATE PROCEDURE order_timeout_release_lock (IN p_lock VARCHAR(64)) DO 0');
    await shop.run('CREATE OR REPLACE VIEW order_timeout_candidate AS SELECT 1 AS order_id');

    await up(shop.url, { source });
    expect(await snapshot(shop)).toEqual(before);
  });

  it.each([
    [
      'an edited file',
      (shop: Shop) =>
        shop.run(`UPDATE order_timeout_migration SET checksum = 'x' WHERE name = '0001_tables'`),
      '0001_tables.up.sql was edited',
    ],
    ['a missing file', (shop: Shop) => addRow(shop, '0001_gone'), '0001_gone.up.sql is missing'],
    [
      'a late file',
      (shop: Shop) => shop.run(`DELETE FROM order_timeout_migration WHERE name = '0001_tables'`),
      '0001_tables.up.sql is out of order',
    ],
    [
      'a newer database',
      (shop: Shop) => addRow(shop, '9999_newer'),
      'older than the database: 9999_newer',
    ],
  ])('is refused for %s, with its name, and nothing is changed', async (_, arrange, message) => {
    const shop = await createShop({ deploy: false });
    const source = await smallSource();
    await up(shop.url, { source });
    await arrange(shop);
    const before = await snapshot(shop);

    const deployment = up(shop.url, { source: without(source, 'order_timeout_require_id') });
    await expect(deployment).rejects.toThrow(Refusal);
    await expect(deployment).rejects.toThrow(message);
    expect(await snapshot(shop)).toEqual(before);
  });
});

function addRow(shop: Shop, name: string) {
  return shop.run(
    `INSERT INTO order_timeout_migration (name, checksum, applied_at, applied_by, package_version, duration_ms)
     VALUES (?, 'x', UTC_TIMESTAMP(3), 'x', '9.9.9', 0)`,
    [name],
  );
}

describe('grants on a procedure', () => {
  it('are the same after it was replaced', async () => {
    const shop = await createShop({ deploy: false });
    const source = await smallSource();
    await up(shop.url, { source });
    const account = await shop.createAccount(
      `EXECUTE ON PROCEDURE ${shop.name}.order_timeout_require_id`,
    );
    const user = new URL(account).username;
    await shop.run(
      `GRANT ALTER ROUTINE ON PROCEDURE order_timeout_require_id TO '${user}' WITH GRANT OPTION`,
    );
    const before = await snapshot(shop);

    await up(shop.url, {
      source: withText(source, 'order_timeout_require_id', (text) => `${text}-- edited\n`),
    });
    const after = await snapshot(shop);
    expect(after[`grant on order_timeout_require_id to ${user}@%`]).toBe(
      'Execute,Alter Routine,Grant',
    );
    expect(changedKeys(before, after)).toEqual(['registry procedure order_timeout_require_id']);
  });
});

function changedKeys(before: Record<string, string>, after: Record<string, string>) {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => before[key] !== after[key],
  );
}

describe('the event', () => {
  const event = async (shop: Shop) => {
    const [row] = await shop.run<{ STATUS: string; CREATED: unknown }>(
      'SELECT status, created FROM information_schema.events WHERE event_schema = DATABASE()',
    );
    return row;
  };

  it('is on after a first deployment', async () => {
    const shop = await createShop({ deploy: false });
    await up(shop.url, { source: await smallSource() });
    expect(await event(shop)).toMatchObject({ STATUS: 'ENABLED' });
  });

  it.each(['ENABLE', 'DISABLE'])(
    'stays as the operator had it (%s), changed or not',
    async (state) => {
      const shop = await createShop({ deploy: false });
      const source = await smallSource();
      await up(shop.url, { source });
      await shop.run(`ALTER EVENT order_timeout_tick ${state}`);

      expect(await up(shop.url, { source })).toMatchObject({ outcome: 'nothing_to_do' });
      expect(await event(shop)).toMatchObject({ STATUS: `${state}D` });
      await up(shop.url, {
        source: withText(source, 'order_timeout_tick', (text) =>
          text.replace('1 MINUTE', '2 MINUTE'),
        ),
      });
      expect(await event(shop)).toMatchObject({ STATUS: `${state}D` });
    },
  );
});

describe("the shop's own objects", () => {
  it('are not overwritten when they have one of our names', async () => {
    const shop = await createShop({ deploy: false });
    await shop.run('CREATE PROCEDURE cancel_order () DO 0');
    await expect(up(shop.url)).rejects.toThrow(
      'There is a procedure cancel_order already that order-timeout has not made',
    );
    expect(await shop.run('SHOW PROCEDURE STATUS WHERE db = DATABASE()')).toHaveLength(1);
  });
});
