import { expect, it } from 'vitest';
import { down, up, verify } from '../../scripts/deploy';
import { createShop } from '../support';
import { deployer } from './support/deployer';
import { SMALL } from './support/sources';

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
  const shop = await createShop({ deploy: false, settings: SETTINGS });
  await shop.run('SET autocommit = 1, completion_type = 0');
  const url = await deployer(shop);

  await expect(up(url, { source: SMALL })).rejects.toMatchObject({
    findings: [
      {
        about: 'functions',
        remedy: expect.stringContaining('SET GLOBAL log_bin_trust_function_creators = 1') as string,
      },
    ],
  });
  expect(await shop.run("SHOW TABLES LIKE 'order\\_timeout\\_%'")).toEqual([]);

  await shop.run('SET GLOBAL log_bin_trust_function_creators = 1');
  // The account is the server's: it is not made while another database is about to drop it, nor dropped by two.
  const lock = "'order_timeout_definer'";
  await shop.run(`DO GET_LOCK(${lock}, 0)`);
  await shop.run('CREATE DATABASE other_shop');
  await Promise.all([
    expect(up(url, { source: SMALL })).rejects.toThrow('is_being_removed_from_another_database'),
    expect(
      down(Object.assign(new URL(shop.url), { pathname: '/other_shop' }).href),
    ).rejects.toThrow('Another database of this server'),
  ]);
  await shop.run(`DO RELEASE_LOCK(${lock})`);
  expect(await up(url, { source: SMALL, paused: true })).toMatchObject({ outcome: 'done' });
  await shop.run('SET GLOBAL log_bin_trust_function_creators = 0');
  expect(await up(url, { source: SMALL })).toMatchObject({ outcome: 'nothing_to_do' });
  expect(await shop.column('SELECT paused FROM order_timeout_setting')).toEqual([1]);
  expect(await verify(url, SMALL)).toEqual({ differences: [], remarks: [] });

  // An account with SUPER could change a replica that is no more than read_only.
  await shop.run('SET GLOBAL read_only = ON');
  await expect(down(url, { source: SMALL })).rejects.toThrow('(read_only ON)');
  await shop.run('SET GLOBAL read_only = OFF');

  const uri = await shop.createAccount(`EXECUTE ON PROCEDURE ${shop.name}.order_timeout_first`);
  const application = await shop.connect({ uri });
  expect(await application.query('CALL order_timeout_first(1)')).toBeDefined();
  application.destroy();

  expect(await down(url, { source: SMALL })).toMatchObject({ outcome: 'done' });
  expect(await shop.run("SELECT 1 FROM mysql.user WHERE user = 'order_timeout'")).toEqual([]);
}, 180_000);
