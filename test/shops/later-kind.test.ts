import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createShop, type Shop } from '../support';
import { deployEngine } from '../support/deploy';
import { call, findings } from './example';

const SCHEMA = `
CREATE TABLE purchase (
    id BIGINT PRIMARY KEY,
    user_id BIGINT NOT NULL,
    status INT NOT NULL DEFAULT 2,
    created_at DATETIME NOT NULL
);
CREATE TABLE voucher (id BIGINT AUTO_INCREMENT PRIMARY KEY, purchase_id BIGINT NULL);
CREATE TABLE ticket (id BIGINT AUTO_INCREMENT PRIMARY KEY, purchase_id BIGINT NULL);
`;

const ORDERS = `
orders:
  table: purchase
  id: id
  user: user_id
  created: created_at
  status: {column: status, pending: 0, paid: 1, cancelled: 2}
give_back:
`;

const held = (kind: string, more = '') => `  ${kind}:
    held: {by: purchase_id}
    target: {table: ${kind}, id: id}
    set: {purchase_id: null}
${more}`;

async function deploy(shop: Shop, ...kinds: string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'later-kind-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'shop.yaml'), ORDERS + kinds.join(''));
  await deployEngine(shop.url, {
    clock: shop.clock,
    event: false,
    shop: join(folder, 'shop.yaml'),
  });
}

/** Cancelled by the shop's own code, with a voucher and a ticket that stay held. */
async function lostOrder(shop: Shop, id: number, hoursAgo: number): Promise<void> {
  await shop.run(
    'INSERT INTO purchase (id, user_id, created_at) VALUES (?, 7, NOW() - INTERVAL ? HOUR)',
    [id, hoursAgo],
  );
  await shop.run('INSERT INTO voucher (purchase_id) VALUES (?)', [id]);
  await shop.run('INSERT INTO ticket (purchase_id) VALUES (?)', [id]);
}

const audited = async (shop: Shop) =>
  (await call<{ order_id: number; kind: string }>(shop, 'audit_missing_refunds', null)).map(
    ({ order_id, kind }) => `${order_id} ${kind}`,
  );

it('a kind of the first deployment is audited from the beginning, a later one from then on', async () => {
  const shop = await createShop({ deploy: false, schema: () => SCHEMA });
  await lostOrder(shop, 1, 48);
  await deploy(shop, held('voucher'));
  await deploy(shop, held('voucher'), held('ticket'));
  // Created in the second after that.
  await lostOrder(shop, 2, 0);
  await shop.run('UPDATE purchase SET created_at = NOW() + INTERVAL 1 SECOND WHERE id = 2');
  const all = ['1 voucher', '2 ticket', '2 voucher'];

  expect(await audited(shop)).toEqual(all);
  await call(shop, 'reconcile_orders', null);
  expect((await findings(shop)).map((one) => one.replace(/: missing_refund| \d+$/g, ''))).toEqual(
    all,
  );
  // What was once known stays so, whatever else is deployed.
  await deploy(shop, held('voucher'), held('ticket', '    # a remark\n'));
  expect(await audited(shop)).toEqual(all);
});

it('`since` says it', async () => {
  const shop = await createShop({ deploy: false, schema: () => SCHEMA });
  await lostOrder(shop, 1, 48);
  await lostOrder(shop, 2, 1);
  const [yesterday] = await shop.run<{ day: string }>(
    'SELECT CONCAT(CURDATE() - INTERVAL 1 DAY) AS day',
  );
  await deploy(shop, held('voucher', `    since: ${yesterday?.day}\n`));

  expect(await audited(shop)).toEqual(['2 voucher']);
  await deploy(shop, held('voucher', '    since: 2000-01-01\n'));
  expect(await audited(shop)).toEqual(['1 voucher', '2 voucher']);
});
