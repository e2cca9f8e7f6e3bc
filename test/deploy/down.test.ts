import { describe, expect, it } from 'vitest';
import { down, up } from '../../scripts/deploy';
import { openSession } from '../../scripts/deploy/connection';
import { planDropDefiner } from '../../scripts/deploy/definer';
import { readState } from '../../scripts/deploy/state';
import { createShop, pendingOrder } from '../support';
import { deployedShop, newShop } from './support/deployer';
import { snapshot } from './support/snapshot';
import { SMALL } from './support/sources';

describe('"down"', () => {
  it('leaves the shop as it was before "up", and "up" works again', async () => {
    const { shop, url } = await newShop();
    const before = await snapshot(shop);
    await up(url, { paused: true });
    const deployed = await snapshot(shop);

    expect(await down(url)).toMatchObject({ outcome: 'done' });
    expect(await snapshot(shop)).toEqual(before);
    expect(await down(url)).toMatchObject({ outcome: 'nothing_to_do' });
    await up(url, { paused: true });
    expect(await snapshot(shop)).toEqual(deployed);
  });

  it('leaves an index of the shop that begins as ours do', async () => {
    const shop = await createShop({ deploy: false });
    await shop.run(
      `ALTER TABLE orders ADD COLUMN order_timeout_at DATETIME NULL, ADD INDEX (order_timeout_at),
         ADD UNIQUE INDEX order_timeout_id_user_id (id, user_id)`,
    );
    const before = await snapshot(shop);
    await up(shop.url);
    expect(await down(shop.url)).toMatchObject({ outcome: 'done' });
    expect(await snapshot(shop)).toEqual(before);
  });

  it('changes nothing while the journal has rows, unless these may be lost', async () => {
    const shop = await createShop();
    await pendingOrder(shop, { coupon: 1000 });
    await shop.run('CALL cancel_expired_orders()');
    const before = await snapshot(shop);

    await expect(down(shop.url)).rejects.toThrow(/The journal has 2 rows.*down --drop-journal/);
    expect(await snapshot(shop)).toEqual(before);
    await shop.run('DROP TABLE order_timeout_cancellation');
    await expect(down(shop.url)).rejects.toThrow('The journal has 1 rows');
    expect(await down(shop.url, { dropJournal: true })).toMatchObject({ outcome: 'done' });
    expect(await shop.column('SELECT balance_amount FROM user_coupons')).toEqual([1000]);
  });

  it('changes nothing for an account that may not see, and so not remove, all', async () => {
    const shop = await createShop();
    const before = await snapshot(shop);
    const url = await shop.createAccount(
      `SELECT, DELETE, CREATE, DROP, ALTER, INDEX ON \`${shop.name}\`.*`,
    );
    await expect(down(url)).rejects.toThrow(/lacks .*ALTER ROUTINE.* and EVENT on the schema/);
    expect(await snapshot(shop)).toEqual(before);
  });

  it('lists what is owed, late payments and open findings, and refuses unless that is abandoned', async () => {
    const shop = await createShop();
    await shop.run("INSERT INTO order_timeout_owed VALUES ('stock', 1, 1, 1, 5, NOW(3))");
    await shop.run(
      `INSERT INTO order_timeout_payment (reference, order_id, outcome, received_by, received_at)
       VALUES ('wx-1', 1, 'too_late', '', NOW()), ('wx-2', 2, 'not_payable', '', NOW() + INTERVAL 1 SECOND),
              ('wx-3', 3, 'accepted', '', NOW())`,
    );
    await shop.run(
      `INSERT INTO order_timeout_finding (order_id, what, opened_at, settled_at)
       VALUES (1, 'short', NOW(3), NULL), (2, 'second_take', NOW(3), NOW(3))`,
    );
    await expect(down(shop.url, { dropJournal: true })).rejects.toMatchObject({
      findings: [
        { text: '1 amounts are owed and not yet given (stock). Nothing was changed' },
        { text: '2 payments are still to be sent back (wx-1, wx-2). Nothing was changed' },
        { text: '1 findings are open (short). Nothing was changed' },
      ],
    });
    expect(await down(shop.url, { abandon: true })).toMatchObject({ outcome: 'done' });
  });

  it('keeps what a call that was under way gives back, and goes on after another "up"', async () => {
    const shop = await createShop();
    const order = await pendingOrder(shop, { coupon: 1000 });
    const caller = await shop.connect();
    await caller.beginTransaction();
    await caller.query('CALL cancel_order_as_admin(?, NULL)', [order.orderId]);
    // It waits for a routine that this transaction has called.
    const log = () => void caller.commit();

    await expect(down(shop.url, { log, lockPauseMs: 100 })).rejects.toThrow(
      /The journal has 2 rows.*The tables are left: run up, then down/,
    );
    expect(await shop.column('SELECT amount FROM order_timeout_refund')).toEqual([1000]);
    expect(await up(shop.url, { paused: true })).toMatchObject({ outcome: 'done' });
    expect(await down(shop.url, { dropJournal: true })).toMatchObject({ outcome: 'done' });
  });

  it('leaves everything as it was when it is not agreed to', async () => {
    const shop = await createShop();
    const before = await snapshot(shop);
    expect(await down(shop.url, { confirm: () => Promise.resolve(false) })).toMatchObject({
      outcome: 'declined',
    });
    expect(await snapshot(shop)).toEqual(before);
  });

  it('goes by what is there: after a RENAME of the tables their old schema is cleared as well', async () => {
    const { shop, url } = await deployedShop();
    const elsewhere = await newShop({ schema: () => '' });
    const tables = await shop.run<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'`,
    );
    for (const { name } of tables)
      await shop.run(`RENAME TABLE ${shop.name}.${name} TO ${elsewhere.shop.name}.${name}`);

    await down(url, { source: SMALL });
    expect(await snapshot(shop)).toEqual({});
    expect(await up(elsewhere.url, { source: SMALL })).toMatchObject({ outcome: 'done' });
  });

  it('drops the definer account only when no other schema uses it', async () => {
    const { url } = await deployedShop();
    const { shop: other } = await deployedShop();
    const db = await openSession(url);
    const state = await readState(db, SMALL);
    db.destroy();

    expect([...planDropDefiner(state, ['unrelated'])]).toMatchObject([
      { statements: ["DROP USER IF EXISTS 'order_timeout'@'localhost'"] },
    ]);
    expect([...planDropDefiner(state, ['unrelated', other.name])]).toMatchObject([
      { title: expect.stringContaining('other schemas use it') as string },
    ]);
    await down(url, { source: SMALL });
    expect(await other.run('CALL order_timeout_first(1)')).toBeDefined();
  });
});
