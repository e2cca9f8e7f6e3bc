import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cancelExpiredOrder } from '../../scripts';
import { up, verify } from '../../scripts/deploy';
import { type Baseline, takeBaseline } from '../../scripts/dev/invariants';
import { type PrivateMysqld, startPrivateMysqld } from '../../scripts/dev/server';
import { createShopTables, loadExampleShop } from '../../scripts/dev/shop';
import { run } from '../cli/support';
import { createDeployer, urlFor } from '../deploy/support/deployer';
import { violations } from '../procedures/calls';
import { until } from '../support';

/** What a server may have as its defaults, and what an event's session takes from it. */
const HOSTILE = {
  autocommit: '0',
  completion_type: "'RELEASE'",
  transaction_isolation: "'SERIALIZABLE'",
  transaction_read_only: '0',
  sql_safe_updates: '1',
  sql_select_limit: '1',
  sql_big_selects: '0',
  max_join_size: '10',
  max_error_count: '0',
  max_execution_time: '1',
  innodb_lock_wait_timeout: '1',
  lock_wait_timeout: '31536000',
  time_zone: "'-05:00'",
  sql_mode: "'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,HIGH_NOT_PRECEDENCE'",
  character_set_client: 'latin1',
  character_set_connection: 'latin1',
  character_set_results: 'latin1',
  character_set_server: 'latin1',
  collation_connection: 'latin1_german2_ci',
  div_precision_increment: '0',
  foreign_key_checks: '0',
  unique_checks: '0',
  group_concat_max_len: '4',
  optimizer_switch:
    "'derived_merge=off,condition_fanout_filter=off,derived_condition_pushdown=off'",
  optimizer_search_depth: '0',
  tmp_table_size: '1024',
  max_heap_table_size: '16384',
  max_sort_length: '4',
  default_week_format: '6',
  sql_auto_is_null: '1',
  updatable_views_with_limit: '0',
  explicit_defaults_for_timestamp: '0',
};

const SCHEMA = 'my_shop';
let server: PrivateMysqld;
/** Its session began before the defaults were set. */
let root: Connection;
let baseline: Baseline;

const urlOf = (user: string) => urlFor(server.url, user, SCHEMA);

const scalar = async (sql: string, ...values: unknown[]) => {
  const [[row]] = await root.query<RowDataPacket[]>(sql, values);
  return Number(Object.values(row ?? {})[0]);
};
const due = () =>
  scalar(
    'SELECT COUNT(*) FROM orders WHERE status = 1 AND source_type <> 3 AND created_at < UTC_TIMESTAMP() - INTERVAL 31 MINUTE',
  );

beforeAll(async () => {
  server = await startPrivateMysqld({
    settings: { 'log-bin-trust-function-creators': 'ON', 'init-connect': 'SET autocommit = 0' },
  });
  root = await createConnection({ uri: server.url, timezone: 'Z' });
  await root.query('SET autocommit = 1');
  await root.query(`CREATE DATABASE ${SCHEMA} DEFAULT CHARACTER SET utf8mb4`);
  await root.query(`USE ${SCHEMA}`);
  await createShopTables(root);
  await loadExampleShop(root, { orders: 1_000 });
  baseline = await takeBaseline(root);
  await createDeployer(root, SCHEMA);
  for (const [name, value] of Object.entries(HOSTILE))
    await root.query(`SET GLOBAL ${name} = ${value}`);
});

afterAll(async () => {
  root.destroy();
  await server.stop();
});

test('whatever the server has as its defaults, it is deployed to, the event cancels, and calls and commands do what they say', async () => {
  const url = urlOf('deployer');
  expect(await up(url, { clock: '+00:00', clockIsRight: true })).toMatchObject({ outcome: 'done' });
  expect((await verify(url)).differences).toEqual([]);

  await until(async () => (await due()) === 0);
  expect(
    await scalar(
      "SELECT COUNT(*) FROM order_timeout_run WHERE outcome <> 'completed' OR failed > 0",
    ),
  ).toBe(0);
  expect(await scalar('SELECT COUNT(*) FROM order_timeout_cancellation')).toBeGreaterThan(90);

  // A call in a session with these defaults is part of a transaction: autocommit is off.
  await root.query("CREATE USER application IDENTIFIED BY 'secret'");
  for (const name of ['cancel_expired_order', 'hold_order', 'release_order_hold', 'accept_payment'])
    await root.query(`GRANT EXECUTE ON PROCEDURE ${SCHEMA}.${name} TO application`);
  const [[young]] = await root.query<RowDataPacket[]>(
    'SELECT MAX(id) AS id FROM orders WHERE status = 1 AND source_type <> 3',
  );
  await root.query(
    'UPDATE orders SET created_at = UTC_TIMESTAMP() - INTERVAL 2 HOUR WHERE id = ?',
    [young?.id],
  );
  await root.query('UPDATE order_timeout_setting SET paused = 1');
  const application = await createConnection(urlOf('application'));
  // How much a caller's session may read is its own limit: the error passes on, and nothing is done.
  await expect(cancelExpiredOrder(application, Number(young?.id))).rejects.toThrow('MAX_JOIN_SIZE');
  await application.query('SET SESSION sql_big_selects = 1');
  expect(await cancelExpiredOrder(application, Number(young?.id))).toMatchObject({
    outcome: 'cancelled',
  });
  expect(await scalar('SELECT status FROM orders WHERE id = ?', young?.id)).toBe(1);
  await application.query('COMMIT AND NO CHAIN NO RELEASE');
  expect(await scalar('SELECT status FROM orders WHERE id = ?', young?.id)).toBe(3);
  application.destroy();

  // What a command says that it changed has been committed.
  const [[other]] = await root.query<RowDataPacket[]>(
    'SELECT MIN(id) AS id FROM orders WHERE status = 1 AND source_type <> 3',
  );
  const id = String(other?.id);
  const heldRows = `SELECT COUNT(*) FROM order_timeout_hold WHERE order_id = ${id}`;
  for (const [command, asked, answer] of [
    [['resume'], 'SELECT paused FROM order_timeout_setting', 0],
    [['hold', id, '--minutes', '60'], heldRows, 1],
    [['release', id], heldRows, 0],
  ] as const) {
    expect(await run([...command, '--url', url])).toMatchObject({ exitCode: 0 });
    expect(await scalar(asked)).toBe(answer);
  }
  await root.query(
    'UPDATE orders SET created_at = UTC_TIMESTAMP() - INTERVAL 2 HOUR WHERE id = ?',
    [id],
  );
  expect(await run(['cancel', id, '--url', url])).toMatchObject({ exitCode: 0 });
  expect(await scalar('SELECT status FROM orders WHERE id = ?', id)).toBe(3);

  expect(await violations(root, baseline)).toEqual([]);
}, 180_000);
