import { expect, test } from 'vitest';
import { call, cancel, exampleOfFile, findings } from '../example';

const shop = exampleOfFile('mall');

test('without a ledger a third take is a finding again, also when the second was settled', async () => {
  await shop.run('INSERT INTO ums_member (id, integration) VALUES (7, 10)');
  await shop.run(
    `INSERT INTO oms_order (id, member_id, use_integration, status, order_type, receiver_name, receiver_phone, create_time, delete_status)
     VALUES (1, 7, 50, 0, 0, '', '', NOW() - INTERVAL 300 MINUTE, 0)`,
  );
  const again = async () => {
    await shop.run('UPDATE oms_order SET status = 0');
    await shop.run('UPDATE ums_member SET integration = integration - 50');
    await cancel(shop, 1);
  };
  await cancel(shop, 1);
  await again();
  expect(await findings(shop)).toEqual(['1: second_take points 0']);
  const [second] = await call<{ finding_id: number }>(shop, 'list_findings', 10);
  await call(shop, 'settle_finding', second?.finding_id, 'given by hand');
  await call(shop, 'reconcile_orders', null);
  expect(await findings(shop)).toEqual([]);
  await again();
  expect(await findings(shop)).toEqual(['1: second_take points 0']);
});
