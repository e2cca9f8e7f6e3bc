import { expect, test } from 'vitest';
import { cancelAsAdmin, createDeployed, findingsOfAll, ordersOf, purchases } from './example';

test('a row that is held again, and lost by the shop’s own cancel, is a finding', async () => {
  const held = (kind: string, condition: string, set: string) => `
  ${kind}:
    held: {by: purchase_id${condition}}
    target: {table: ${kind}, id: id}
    set: {${set}}`;
  const kinds = ['seat', 'coupon', 'voucher'];
  const table = (kind: string) =>
    `CREATE TABLE ${kind} (id BIGINT PRIMARY KEY, purchase_id BIGINT NULL, used INT NOT NULL, note INT NULL, KEY (purchase_id));
     INSERT INTO ${kind} (id, purchase_id, used) VALUES (5, 1, 1), (6, 2, 1);`;
  const shop = await createDeployed(
    `${purchases()} INSERT INTO purchase (id) VALUES (1), (2); ${kinds.map(table).join('\n')}`,
    `${ordersOf('purchase')}
give_back:
${held('seat', '', 'PURCHASE_ID: null')}
${held('coupon', ', if: target.used = 1', 'used: 0')}
${/* It goes on naming its order: nobody can say whether it was taken anew. */ held('voucher', ', if: o.id > target.used', 'note: 1')}
`,
  );
  await cancelAsAdmin(shop, 1);
  await cancelAsAdmin(shop, 2);
  expect(await findingsOfAll(shop)).toEqual([]);

  await shop.run('UPDATE purchase SET status = 0 WHERE id = 1');
  await shop.run('UPDATE seat SET purchase_id = 1 WHERE id = 5');
  await shop.run('UPDATE coupon SET used = 1 WHERE id = 5');
  await shop.run('UPDATE purchase SET status = 2 WHERE id = 1');

  expect(await findingsOfAll(shop)).toEqual(['1: second_take coupon 5', '1: second_take seat 5']);
});
