import { beforeEach, describe, expect, test } from 'vitest';
import { plan, up, verify } from '../../scripts/deploy';
import { holding } from '../procedures/obstacles';
import type { Shop } from '../support';
import { deployedSource } from '../support/deploy';
import { call, cancelAsAdmin, createTables, deployFile, findingsOfAll } from './example';
import { ordersOf, purchases, sweep, withShopFile } from './example';

const SCHEMA = `
${purchases()}
CREATE TABLE voucher (id BIGINT AUTO_INCREMENT PRIMARY KEY, purchase_id BIGINT NULL);
CREATE TABLE ticket (id BIGINT AUTO_INCREMENT PRIMARY KEY, purchase_id BIGINT NULL);
CREATE TABLE product (id BIGINT PRIMARY KEY, stock INT NOT NULL);
CREATE TABLE item (
    id BIGINT AUTO_INCREMENT PRIMARY KEY, purchase_id BIGINT NOT NULL, product_id BIGINT NOT NULL, quantity INT NOT NULL
);
`;

const fileOf = (...kinds: string[]) => `${ordersOf('purchase')}\ngive_back:\n${kinds.join('')}`;

const held = (kind: string, { more = '', table = kind } = {}) => `  ${kind}:
    held: {by: purchase_id}
    target: {table: ${table}, id: id}
    set: {purchase_id: null}
${more === '' ? '' : `    ${more}\n`}`;

const deploy = (shop: Shop, ...kinds: string[]) => deployFile(shop, fileOf(...kinds));

/** Cancelled by the shop's own code, with a voucher and a ticket that stay held. */
async function lostOrder(shop: Shop, id: number, hoursAgo: number): Promise<void> {
  await shop.run(
    'INSERT INTO purchase SET id = ?, status = 2, created_at = NOW() - INTERVAL ? HOUR',
    [id, hoursAgo],
  );
  await shop.run('INSERT INTO voucher (purchase_id) VALUES (?)', [id]);
  await shop.run('INSERT INTO ticket (purchase_id) VALUES (?)', [id]);
}

let shop: Shop;
beforeEach(async () => {
  shop = await createTables(SCHEMA);
  await lostOrder(shop, 1, 48);
});

const setBack = () => shop.run('UPDATE purchase SET status = 0 WHERE id = 1');

async function audited(): Promise<string[]> {
  const missing = await call<Record<string, string>>(shop, 'audit_missing_refunds', null);
  return missing.map(({ order_id, kind }) => `${order_id} ${kind}`);
}

/** Deploys a file as far as this step. */
async function deployCut(file: string, before: string): Promise<void> {
  const source = await deployedSource({ event: false });
  const onProgress = ({ title }: { title: string }) => {
    if (title.startsWith(before)) throw new Error('cut');
  };
  const deployment = withShopFile(file, {}, (path) =>
    up(shop.url, { shop: path, clock: shop.clock, clockIsRight: true, source, onProgress }),
  );
  await expect(deployment).rejects.toThrow('cut');
}

test('a kind of the first deployment is audited from the beginning, a later one from then on', async () => {
  await deploy(shop, held('voucher'));
  await deploy(shop, held('voucher'), held('ticket'));
  // Created in the second after that.
  await lostOrder(shop, 2, 0);
  await shop.run('UPDATE purchase SET created_at = NOW() + INTERVAL 1 SECOND WHERE id = 2');
  const all = ['1 voucher', '2 ticket', '2 voucher'];

  expect(await audited()).toEqual(all);
  const found = await findingsOfAll(shop);
  expect(found.map((one) => one.replace(/: missing_refund| \d+$/g, ''))).toEqual(all);
  // What was once known stays so, whatever else is deployed.
  await deploy(shop, held('voucher'), held('ticket', { more: '# a remark' }));
  expect(await audited()).toEqual(all);
});

test('`since` says it', async () => {
  await lostOrder(shop, 2, 1);
  const [yesterday] = await shop.column('SELECT CONCAT(CURDATE() - INTERVAL 1 DAY)');
  const fromYesterday = held('voucher', { more: `since: ${String(yesterday)}` });
  await deploy(shop, fromYesterday);

  expect(await audited()).toEqual(['2 voucher']);
  await deploy(shop, held('voucher', { more: 'since: 2000-01-01 00:00' }));
  expect(await audited()).toEqual(['1 voucher', '2 voucher']);
  await deploy(shop, fromYesterday);
  expect(await audited()).toEqual(['2 voucher']);
  // Taken out of the file it is over.
  await deploy(shop, held('voucher'));
  expect(await audited()).toEqual(['1 voucher', '2 voucher']);
});

test('a file that gives nothing back can follow one of which nothing has come back yet, and precede it', async () => {
  const nothing = `${ordersOf('purchase')}\ngive_back: {}\n`;
  await deploy(shop, held('voucher'));
  await deployFile(shop, nothing);
  await shop.run('INSERT INTO purchase SET id = 2, status = 0');
  expect(await cancelAsAdmin(shop, 2)).toMatchObject({ outcome: 'cancelled', returned: {} });

  await deploy(shop, held('voucher'));
  await setBack();
  expect(await cancelAsAdmin(shop, 1)).toMatchObject({ returned: { voucher: '1' } });
});

test('a repair gives what the audit finds: not what is older than its kind', async () => {
  await deploy(shop, held('voucher'));
  await deploy(shop, held('voucher'), held('ticket'));

  expect(await call(shop, 'order_money', 1)).toMatchObject([
    { kind: 'ticket', missing: 0 },
    { kind: 'voucher', missing: 1 },
  ]);
  const told = await call<{ step: string }>(shop, 'explain_order_timeout', 1);
  expect(told.filter(({ step }) => step === 'missing')).toMatchObject([{ verdict: 'voucher' }]);
  expect(await call(shop, 'repair_missing_refund', 1)).toMatchObject([{ kind: 'voucher' }]);
  expect(await shop.column('SELECT purchase_id FROM ticket')).toEqual([1]);
});

test('a kind is audited as before when the deployment of its new name is cut short, and the old file is back', async () => {
  await deploy(shop, held('voucher'));
  const renamed = fileOf(held('token', { table: 'voucher', more: 'was: voucher' }));
  await deployCut(renamed, 'nothing is settled');
  await deploy(shop, held('voucher'));

  expect(await audited()).toEqual(['1 voucher']);
});

test('a kind may have any word for its name', async () => {
  await setBack();
  const words = ['due', 'group', 'claimed', 'met', 'key'];
  await deploy(shop, ...words.map((word) => held(word, { table: 'voucher' })));

  const returned = Object.fromEntries(words.map((word) => [word, '1']));
  expect(await call(shop, 'preview_expired_orders', 5)).toMatchObject([{ returned }]);
  expect(await sweep(shop)).toMatchObject({ cancelled: 1, returned });
});

/** Deploys, and cancels the order while it waits for a routine that a transaction has called. What that call came to. */
async function cancelWhileReplacing(routine: string, ...kinds: string[]): Promise<unknown> {
  const holder = await holding(shop, `CALL ${routine}`);
  let cancelled: Promise<unknown> | undefined;
  const log = () => {
    cancelled ??= cancelAsAdmin(shop, 1)
      .catch((error: unknown) => error)
      .finally(() => void holder.commit());
  };
  const source = await deployedSource({ event: false });
  await withShopFile(fileOf(...kinds), {}, (path) =>
    up(shop.url, {
      ...{ shop: path, clock: shop.clock, clockIsRight: true, source },
      ...{ log, lockPauseMs: 100 },
    }),
  );
  return cancelled;
}

describe('when the deployment of a new name is cut short,', () => {
  const RENAMED = fileOf(held('token', { table: 'voucher', more: 'was: voucher' }));
  const refunds = () => shop.column('SELECT DISTINCT kind FROM order_timeout_refund');
  beforeEach(async () => {
    await deploy(shop, held('voucher'));
    await setBack();
    await cancelAsAdmin(shop, 1);
  });

  test('a file with neither name is refused: what came back could come back again', async () => {
    await deployCut(RENAMED, 'kinds: ');
    await expect(deploy(shop, held('coupon', { table: 'voucher' }))).rejects.toThrow(
      /the journal has refunds of the kind voucher, and the file has it no longer/,
    );
    await expect(deploy(shop, held('voucher', { table: 'ticket' }))).rejects.toThrow(
      /the journal has refunds of .*, and the file says /,
    );
  });

  test.each([
    ['forward', RENAMED, 'token'],
    ['back', fileOf(held('voucher', { more: 'was: token' })), 'voucher'],
  ])('rows under both names get one, %s', async (_, file, name) => {
    await deployCut(RENAMED, 'view ');
    await shop.run(
      `INSERT INTO order_timeout_refund (order_id, kind, target_id, batch_id, user_id, account_id, amount, taken, source, cause, refunded_at)
       SELECT 2, 'voucher', target_id, batch_id, user_id, account_id, amount, taken, source, cause, refunded_at FROM order_timeout_refund`,
    );
    expect(await refunds()).toEqual(['token', 'voucher']);
    await expect(deploy(shop, held('token', { table: 'voucher' }))).rejects.toThrow(
      /refunds of the kind voucher, and the file has it no longer/,
    );
    await deployFile(shop, file);
    expect(await refunds()).toEqual([name]);
  });
});

describe('while routines are replaced for another shop file, nothing is settled:', () => {
  const ROUTINE_IS_GONE = { errno: 1305 };

  test('a kind that is new would be claimed and not given', async () => {
    await deploy(shop, held('voucher'));
    await setBack();

    const answer = await cancelWhileReplacing(
      "order_timeout_place_claims(0, '[]', NOW())",
      held('voucher'),
      held('ticket'),
    );
    expect(answer).toMatchObject(ROUTINE_IS_GONE);
    expect(await cancelAsAdmin(shop, 1)).toMatchObject({ returned: { voucher: '1', ticket: '1' } });
    expect(await shop.column('SELECT COUNT(purchase_id) FROM ticket')).toEqual([0]);
  });

  test('a kind with a new name would be given twice', async () => {
    await deploy(shop, held('voucher'));
    await setBack();
    await cancelAsAdmin(shop, 1);
    await setBack();
    await shop.run('UPDATE voucher SET purchase_id = 1');

    const answer = await cancelWhileReplacing(
      "order_timeout_claim(0, '[]', 'user', NOW())",
      held('token', { table: 'voucher', more: 'was: voucher' }),
    );
    expect(answer).toMatchObject(ROUTINE_IS_GONE);
    expect(await cancelAsAdmin(shop, 1)).toMatchObject({ returned: { token: '0' } });
    expect(await shop.column('SELECT COUNT(*) FROM order_timeout_refund')).toEqual([1]);
  });
});

test('while the column of the status changes no call is told that a pending order is not: it is to be made again', async () => {
  await deploy(shop, held('voucher'));
  await shop.run('UPDATE purchase SET status = 0');
  await shop.run('ALTER TABLE purchase ADD COLUMN state INT NOT NULL DEFAULT 10');
  const other = fileOf(held('voucher')).replace(
    '{column: status, pending: 0, paid: 1, cancelled: 2}',
    '{column: state, pending: 10, paid: 11, cancelled: 12}',
  );
  await deployCut(other, 'procedure ');
  for (const [name, ...args] of [
    ['accept_payment', 1, 'R1'],
    ['hold_order', 1, 5, ''],
    ['cancel_order_as_admin', 1, null],
  ] as const)
    await expect(call(shop, name, ...args)).rejects.toMatchObject({ errno: 1305 });
  await deployFile(shop, other);
  expect(await call(shop, 'accept_payment', 1, 'R1')).toMatchObject([{ outcome: 'accepted' }]);
});

describe('a kind that changes', () => {
  const shared = (kind: string, more = 'shared: true') => `  ${kind}:
    lines: {table: item, order: purchase_id, target: product_id, amount: quantity}
    target: {table: product, id: id}
    add: stock
    ${more}
`;
  const PIECES = shared('pieces', 'shared: true\n    was: stock');

  // An order that took 3 pieces and a voucher is cancelled, and its stock still owed.
  beforeEach(async () => {
    await deploy(shop, held('voucher'), shared('stock'));
    await shop.run('INSERT INTO product VALUES (5, 10)');
    await shop.run('INSERT INTO item VALUES (1, 1, 5, 3)');
    await setBack();
    await cancelAsAdmin(shop, 1);
  });

  const stock = () => shop.column('SELECT stock FROM product');
  const owed = () => shop.run('SELECT * FROM order_timeout_owed');

  test('its name keeps its journal: what came back does not come back again, and what is owed is given', async () => {
    await deploy(shop, held('token', { table: 'voucher', more: 'was: voucher' }), PIECES);

    expect(await sweep(shop)).toMatchObject({ outcome: 'completed' });
    expect(await stock()).toEqual([13]);
    await setBack();
    await shop.run('UPDATE voucher SET purchase_id = 1');
    expect(await cancelAsAdmin(shop, 1)).toMatchObject({
      outcome: 'cancelled',
      returned: { token: '0', pieces: '0' },
    });
    await sweep(shop);
    expect(await stock()).toEqual([13]);
    expect(await shop.run('SELECT kind, amount FROM order_timeout_refund ORDER BY kind')).toEqual([
      { kind: 'pieces', amount: 3 },
      { kind: 'token', amount: 1 },
    ]);
    expect(await shop.run('SELECT * FROM order_timeout_violation')).toEqual([]);
  });

  test('and is owed its first pieces while it is taken out of the file stays in it', async () => {
    await shop.run('DELETE FROM order_timeout_owed');
    await shop.run('DELETE FROM order_timeout_refund');
    await setBack();
    const source = await deployedSource({ event: false });
    let cancelled: Promise<unknown> | undefined;
    const onProgress = () => {
      cancelled ??= cancelAsAdmin(shop, 1);
    };
    const deployment = withShopFile(fileOf(held('voucher')), {}, (path) =>
      up(shop.url, { shop: path, clock: shop.clock, clockIsRight: true, source, onProgress }),
    );
    await expect(deployment).rejects.toThrow(/something_is_owed_of_a_kind/);
    await cancelled;
    await expect(deploy(shop, held('voucher'))).rejects.toThrow(
      /refunds of the kind stock, and the file has it no longer/,
    );

    await deploy(shop, held('voucher'), shared('stock'));
    await sweep(shop);
    expect(await stock()).toEqual([13]);
  });

  test('and is shared no longer still gets what it is owed', async () => {
    await deploy(shop, held('voucher'), shared('stock', ''));

    await sweep(shop);
    expect(await stock()).toEqual([13]);
    expect(await owed()).toEqual([]);
    // And nothing is left to be deployed, now that nothing is owed.
    expect(await verify(shop.url, await deployedSource({ event: false }))).toMatchObject({
      differences: [],
    });
  });

  test('and gets a ledger is checked against it from then on', async () => {
    await shop.run(
      'CREATE TABLE log (id BIGINT AUTO_INCREMENT PRIMARY KEY, voucher BIGINT NOT NULL, amount INT NOT NULL)',
    );
    const ledger =
      'ledger: {table: log, write: {voucher: refund.account_id, amount: refund.amount}}';
    await deploy(shop, held('voucher', { more: ledger }), shared('stock'));
    const broken = () => shop.column('SELECT order_id FROM order_timeout_violation');

    expect(await broken()).toEqual([]);
    await shop.run('UPDATE order_timeout_refund SET refunded_at = NOW() + INTERVAL 11 MINUTE');
    expect(await broken()).toEqual([1]);
    // It is still the same one.
    await deploy(shop, held('voucher', { more: `${ledger} # a remark` }), shared('stock'));
    expect(await broken()).toEqual([1]);
  });

  test('its name is renamed whole by the next deployment when one is cut short', async () => {
    await shop.run('DROP FUNCTION order_timeout_settle_order');
    await shop.run("UPDATE order_timeout_refund SET kind = 'pieces' WHERE kind = 'stock'");
    await deploy(shop, held('voucher'), PIECES);

    await sweep(shop);
    expect(await stock()).toEqual([13]);
    expect(await owed()).toEqual([]);
    await setBack();
    expect(await cancelAsAdmin(shop, 1)).toMatchObject({
      outcome: 'cancelled',
      returned: { pieces: '0' },
    });
  });

  test('its name has its findings once, also where each name had one', async () => {
    await shop.run(
      `INSERT INTO order_timeout_finding (order_id, kind, target_id, what, amount, opened_at)
       VALUES (1, 'stock', 5, 'short', 1, NOW()), (1, 'pieces', 5, 'short', 2, NOW()), (1, 'stock', 6, 'short', 3, NOW())`,
    );
    await deploy(shop, held('voucher'), PIECES);

    const found = 'SELECT kind, target_id, amount FROM order_timeout_finding ORDER BY target_id';
    expect(await shop.run(found)).toEqual([
      { kind: 'pieces', target_id: 5, amount: 2 },
      { kind: 'pieces', target_id: 6, amount: 3 },
    ]);
  });

  test('its name is changed in a large journal slice by slice, to the last row', async () => {
    await shop.run('SET SESSION cte_max_recursion_depth = 30000');
    await shop.run(
      `INSERT INTO order_timeout_refund (order_id, kind, target_id, batch_id, user_id, account_id, amount, taken, source, cause, refunded_at)
       WITH RECURSIVE n AS (SELECT 2 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 25000)
       SELECT i, 'stock', 5, 1, 7, 5, 1, 1, 'lines', 'user', NOW() FROM n`,
    );
    const refunds = (kind: string) => ({ kind, refunds: kind === 'voucher' ? 1 : 25_000 });
    const counted = () =>
      shop.run(
        'SELECT kind, COUNT(*) AS refunds FROM order_timeout_refund GROUP BY kind ORDER BY kind',
      );
    expect(await counted()).toEqual([refunds('stock'), refunds('voucher')]);
    const { sql } = await withShopFile(fileOf(held('voucher'), PIECES), {}, (path) =>
      plan(shop.url, { shop: path, clock: shop.clock, clockIsRight: true }),
    );
    expect(sql.match(/^UPDATE order_timeout_refund SET kind/gm)).toHaveLength(3);
    await deploy(shop, held('voucher'), PIECES);

    expect(await counted()).toEqual([refunds('pieces'), refunds('voucher')]);
  });

  test('stays what it is when the stored file can no longer be read', async () => {
    await shop.run("UPDATE order_timeout_shop SET file = 'orders: {}'");

    await expect(deploy(shop, shared('stock'))).rejects.toThrow(
      /the journal has refunds of the kind voucher, and the file has it no longer/,
    );
  });

  test('its name cannot take the name of another that has a journal', async () => {
    await expect(
      deploy(shop, held('stock', { table: 'voucher', more: 'was: voucher' })),
    ).rejects.toThrow(/refunds of the kind voucher and of the kind stock/);
  });
});

test('the tables and columns by which a kind is the same may be renamed, and then it has no others', async () => {
  const fileWith = (from: string, to: string) =>
    `${ordersOf('purchase')}
give_back:
  stock:
    lines: {table: item, order: purchase_id, target: product_id, amount: quantity}
    target: {table: product, id: id}
    add: stock
    shared: true
  pass:
    named: {target: o.pass_id, by: {kind: o.pass_id}, if: target.used = 1}
    target: {table: pass, id: id}
    set: {used: 0}
`.replaceAll(from, to);
  const moved = (from: string, to: string) => deployFile(shop, fileWith(from, to));
  await shop.run('ALTER TABLE purchase ADD pass_id BIGINT NULL, ADD other_id BIGINT NULL');
  await shop.run(
    'CREATE TABLE pass (id BIGINT PRIMARY KEY, kind BIGINT NOT NULL, used INT NOT NULL)',
  );
  await shop.run('CREATE TABLE sku LIKE product');
  await moved('', '');
  await shop.run('INSERT INTO product VALUES (5, 10)');
  await shop.run('INSERT INTO item VALUES (1, 1, 5, 3)');
  await shop.run('INSERT INTO pass VALUES (4, 9, 1)');
  await shop.run('UPDATE purchase SET status = 0, pass_id = 9 WHERE id = 1');
  await cancelAsAdmin(shop, 1);

  const refused = /the journal has refunds of .*, and the file says/;
  await expect(moved('table: product', 'table: sku')).rejects.toThrow(refused);
  await expect(moved('target: product_id', 'target: id')).rejects.toThrow(refused);
  await expect(moved('o.pass_id', 'o.other_id')).rejects.toThrow(refused);
  await shop.run('DROP TABLE sku');
  await shop.run('RENAME TABLE product TO sku');
  await moved('table: product', 'table: sku');
  await sweep(shop);
  expect(await shop.column('SELECT stock FROM sku')).toEqual([13]);
  await shop.run('RENAME TABLE sku TO product');
  await shop.run('ALTER TABLE item RENAME COLUMN product_id TO sku_id');
  await moved('product_id', 'sku_id');
  await shop.run('ALTER TABLE item RENAME COLUMN sku_id TO product_id');
  await shop.run('ALTER TABLE purchase RENAME COLUMN pass_id TO pass');
  await moved('pass_id', 'pass');
  await setBack();
  expect(await cancelAsAdmin(shop, 1)).toMatchObject({ returned: { stock: '0', pass: '0' } });
  expect(await shop.column('SELECT stock FROM product')).toEqual([13]);
});

test('the orders stay the same table: in another one an id is another order’s; it may be renamed', async () => {
  await deploy(shop, held('voucher'));
  await setBack();
  await cancelAsAdmin(shop, 1);
  await shop.run('CREATE TABLE old_purchase LIKE purchase');
  await shop.run('ALTER TABLE purchase ADD number BIGINT NOT NULL UNIQUE DEFAULT 7');
  const moved = (table: string, id = 'id') =>
    deployFile(
      shop,
      fileOf(held('voucher')).replace('purchase', table).replace('id: id', `id: ${id}`),
    );

  const refused =
    'orders.table: the journal has refunds of orders by purchase.id, and the file says';
  await expect(moved('old_purchase')).rejects.toThrow(`${refused} old_purchase.id`);
  await expect(moved('purchase', 'number')).rejects.toThrow(`${refused} purchase.number`);
  await moved('purchase', 'ID');
  await shop.run('RENAME TABLE purchase TO all_purchases');
  await shop.run('CREATE VIEW purchase AS SELECT * FROM all_purchases');
  await moved('all_purchases');
  await shop.run('DROP VIEW purchase');
  await moved('all_purchases', 'ID');
  await moved('all_purchases', 'ID');
  await shop.run('ALTER TABLE all_purchases RENAME COLUMN id TO purchase_id');
  await moved('all_purchases', 'purchase_id');
  expect(await findingsOfAll(shop)).toEqual([]);
});
