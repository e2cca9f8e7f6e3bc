import { expect, test } from 'vitest';
import { cancelExpiredOrder } from '../../scripts';
import { up, verify } from '../../scripts/deploy';
import { takeBaseline } from '../../scripts/dev/invariants';
import { loadExampleShop } from '../../scripts/dev/shop';
import { run } from '../cli/support';
import { deployer } from '../deploy/support/deployer';
import { rowOf, violations } from '../procedures/calls';
import { createShop, until } from '../support';

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

test('whatever the server has as its defaults, it is deployed to, the event cancels, and calls and commands do what they say', async () => {
  const shop = await createShop({
    deploy: false,
    settings: { 'log-bin-trust-function-creators': 'ON', 'init-connect': 'SET autocommit = 0' },
  });
  // Their sessions begin before the defaults are set.
  const root = await shop.connect();
  await loadExampleShop(root, { orders: 1_000 });
  const baseline = await takeBaseline(root);
  const url = await deployer(shop);
  for (const [name, value] of Object.entries(HOSTILE))
    await shop.run(`SET GLOBAL ${name} = ${value}`);

  const scalar = async (sql: string, ...values: unknown[]) =>
    Number(Object.values(await rowOf(shop, sql, values))[0]);
  const due = () =>
    scalar(
      'SELECT COUNT(*) FROM orders WHERE status = 1 AND source_type <> 3 AND created_at < UTC_TIMESTAMP() - INTERVAL 31 MINUTE',
    );
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
  const young = await scalar('SELECT MAX(id) FROM orders WHERE status = 1 AND source_type <> 3');
  const grow = (id: number) =>
    shop.run('UPDATE orders SET created_at = UTC_TIMESTAMP() - INTERVAL 2 HOUR WHERE id = ?', [id]);
  await grow(young);
  await shop.run('UPDATE order_timeout_setting SET paused = 1');
  const uri = await shop.createAccount(`EXECUTE ON PROCEDURE ${shop.name}.cancel_expired_order`);
  const application = await shop.connect({ uri });
  // How much a caller's session may read is its own limit: the error passes on, and nothing is done.
  await expect(cancelExpiredOrder(application, young)).rejects.toThrow('MAX_JOIN_SIZE');
  await application.query('SET SESSION sql_big_selects = 1');
  expect(await cancelExpiredOrder(application, young)).toMatchObject({
    outcome: 'cancelled',
  });
  expect(await scalar('SELECT status FROM orders WHERE id = ?', young)).toBe(1);
  await application.query('COMMIT AND NO CHAIN NO RELEASE');
  expect(await scalar('SELECT status FROM orders WHERE id = ?', young)).toBe(3);

  // What a command says that it changed has been committed.
  const other = await scalar('SELECT MIN(id) FROM orders WHERE status = 1 AND source_type <> 3');
  const id = String(other);
  const heldRows = `SELECT COUNT(*) FROM order_timeout_hold WHERE order_id = ${id}`;
  for (const [command, asked, answer] of [
    [['resume'], 'SELECT paused FROM order_timeout_setting', 0],
    [['hold', id, '--minutes', '60'], heldRows, 1],
    [['release', id], heldRows, 0],
  ] as const) {
    expect(await run([...command, '--url', url])).toMatchObject({ exitCode: 0 });
    expect(await scalar(asked)).toBe(answer);
  }
  await grow(other);
  expect(await run(['cancel', id, '--url', url])).toMatchObject({ exitCode: 0 });
  expect(await scalar('SELECT status FROM orders WHERE id = ?', id)).toBe(3);

  expect(await violations(root, baseline)).toEqual([]);
}, 180_000);
