import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { up } from '../../scripts/deploy';
import { type PrivateMysqld, startPrivateMysqld } from '../../scripts/dev/server';
import { createShopTables } from '../../scripts/dev/shop';
import { cancelOrder, errorOf } from '../procedures/calls';

const SCHEMA = 'my_shop';
let server: PrivateMysqld;
let root: Connection;
const connect = () => createConnection({ uri: server.url, database: SCHEMA });

beforeAll(async () => {
  server = await startPrivateMysqld({ settings: { 'innodb-rollback-on-timeout': 'ON' } });
  root = await createConnection({ uri: server.url });
  await root.query(`CREATE DATABASE ${SCHEMA} DEFAULT CHARACTER SET utf8mb4`);
  await root.query(`USE ${SCHEMA}`);
  await createShopTables(root);
  await up({ uri: server.url, database: SCHEMA }, { clock: '+00:00', clockIsRight: true });
});

afterAll(async () => {
  root.destroy();
  await server.stop();
});

test('where a lock wait timeout undoes a whole transaction, a call whose finding waits in vain does not say that it cancelled', async () => {
  await root.query('INSERT INTO user_points (user_id, points) VALUES (7, 0)');
  await root.query(
    'INSERT INTO orders (id, order_no, user_id, points_amount) VALUES (1, 1, 7, 50)',
  );
  await cancelOrder(root, 1);
  // Cancelled again, it has a second take, and somebody holds its finding.
  await root.query('UPDATE orders SET status = 1');
  const [holder, caller] = [await connect(), await connect()];
  await holder.beginTransaction();
  await holder.query(
    "INSERT INTO order_timeout_finding (order_id, kind, what, opened_at) VALUES (1, 'points', 'second_take', NOW())",
  );
  await caller.query('SET innodb_lock_wait_timeout = 1');
  await caller.beginTransaction();

  expect(await errorOf(cancelOrder(caller, 1))).toMatchObject({ errno: 1205 });

  await holder.rollback();
  expect(await cancelOrder(caller, 1)).toMatchObject({ outcome: 'cancelled' });
  await caller.commit();
  const [orders] = await root.query('SELECT status FROM orders');
  expect(orders).toEqual([{ status: 3 }]);
  holder.destroy();
  caller.destroy();
});
