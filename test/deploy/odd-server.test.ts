import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { expect, it, onTestFinished } from 'vitest';
import { down, up, verify } from '../../scripts/deploy';
import { startPrivateMysqld } from '../../scripts/dev/server';
import { createShopTables } from '../../scripts/dev/shop';
import { createDeployer, urlFor } from './support/deployer';
import { SMALL } from './support/sources';

const SCHEMA = 'my_shop';

/** Under partial_revokes a schema's name in a grant is no pattern: an escaped one would be another schema. */
const SETTINGS = {
  'partial-revokes': 'ON',
  autocommit: '0',
  'completion-type': 'CHAIN',
  'transaction-isolation': 'SERIALIZABLE',
  'sql-mode': 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES',
  'lock-wait-timeout': '31536000',
};

it('with partial_revokes, autocommit off and other hostile defaults is deployed to, works and is left', async () => {
  const server = await startPrivateMysqld({ settings: SETTINGS });
  const root = await createConnection(server.url);
  onTestFinished(async () => {
    root.destroy();
    await server.stop();
  });
  await root.query('SET autocommit = 1, completion_type = 0');
  await root.query(`CREATE DATABASE ${SCHEMA}`);
  await root.query(`USE ${SCHEMA}`);
  await createShopTables(root);
  await createDeployer(root, SCHEMA);
  const url = urlFor(server.url, 'deployer', SCHEMA);

  await expect(up(url, { source: SMALL })).rejects.toMatchObject({
    findings: [
      {
        about: 'functions',
        remedy: expect.stringContaining('SET GLOBAL log_bin_trust_function_creators = 1') as string,
      },
    ],
  });
  const [tables] = await root.query<RowDataPacket[]>("SHOW TABLES LIKE 'order\\_timeout\\_%'");
  expect(tables).toEqual([]);

  await root.query('SET GLOBAL log_bin_trust_function_creators = 1');
  // The account is the server's: it is not made while another database is about to drop it, nor dropped by two.
  const lock = "'order_timeout_definer'";
  await root.query(`DO GET_LOCK(${lock}, 0)`);
  await root.query('CREATE DATABASE other_shop');
  await Promise.all([
    expect(up(url, { source: SMALL })).rejects.toThrow('is_being_removed_from_another_database'),
    expect(down(`${server.url}/other_shop`)).rejects.toThrow('Another database of this server'),
  ]);
  await root.query(`DO RELEASE_LOCK(${lock})`);
  expect(await up(url, { source: SMALL, paused: true })).toMatchObject({ outcome: 'done' });
  await root.query('SET GLOBAL log_bin_trust_function_creators = 0');
  expect(await up(url, { source: SMALL })).toMatchObject({ outcome: 'nothing_to_do' });
  const [setting] = await root.query('SELECT paused FROM order_timeout_setting');
  expect(setting).toEqual([{ paused: 1 }]);
  expect(await verify(url, SMALL)).toEqual({ differences: [], remarks: [] });

  // An account with SUPER could change a replica that is no more than read_only.
  await root.query('SET GLOBAL read_only = ON');
  await expect(down(url, { source: SMALL })).rejects.toThrow('(read_only ON)');
  await root.query('SET GLOBAL read_only = OFF');

  await root.query("CREATE USER application IDENTIFIED BY 'secret'");
  await root.query(`GRANT EXECUTE ON PROCEDURE ${SCHEMA}.order_timeout_first TO application`);
  const application = await createConnection(urlFor(server.url, 'application', SCHEMA));
  expect(await application.query('CALL order_timeout_first(1)')).toBeDefined();
  application.destroy();

  expect(await down(url, { source: SMALL })).toMatchObject({ outcome: 'done' });
  const [left] = await root.query<RowDataPacket[]>(
    "SELECT 1 FROM mysql.user WHERE user = 'order_timeout'",
  );
  expect(left).toEqual([]);
}, 180_000);
