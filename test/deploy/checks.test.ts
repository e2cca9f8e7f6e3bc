import { describe, expect, it } from 'vitest';
import { up } from '../../scripts/deploy';
import { checkServer, checkVersion } from '../../scripts/deploy/checks';
import { hasPrivilege, parseGrants, schemaMatches } from '../../scripts/deploy/grants';
import { createShop } from '../support';
import { deployedShop, newShop } from './support/deployer';
import { snapshot } from './support/snapshot';
import { SMALL } from './support/sources';

describe('a server', () => {
  it.each([
    ['8.4.0', 'MySQL Community Server - GPL'],
    ['9.7.4-2', 'Debian'],
    ['10.0.0', ''],
  ])('%s will do', (version, comment) => {
    expect([...checkVersion(version, comment)]).toEqual([]);
  });

  it.each([
    ['8.0.44', '', 'The server is MySQL 8.0.44'],
    ['5.7.1', '', 'The server is MySQL 5.7.1'],
    ['11.8.2-MariaDB', 'Debian', 'The server is MariaDB (11.8.2-MariaDB)'],
    ['11.8.2', 'mariadb.org binary distribution', 'The server is MariaDB (11.8.2)'],
  ])('%s will not', (version, comment, text) => {
    expect([...checkVersion(version, comment)]).toMatchObject([{ severity: 'mistake', text }]);
  });

  const READY = { event_scheduler: 'ON', read_only: 'OFF', log_bin: 'ON', binlog_format: 'ROW' };
  const check = (variables: Record<string, string>) =>
    checkServer({
      version: '',
      comment: '',
      variables: new Map(Object.entries({ ...READY, ...variables })),
    });

  it.each([
    ['is ready', {}, undefined],
    ['has its event scheduler off', { event_scheduler: 'OFF' }, 'SET PERSIST event_scheduler = ON'],
    [
      'has its event scheduler disabled',
      { event_scheduler: 'DISABLED' },
      'set event_scheduler = ON there and restart the server',
    ],
    ['takes no writes', { super_read_only: 'ON' }, 'connect to the primary'],
    [
      'logs statements',
      { binlog_format: 'STATEMENT' },
      'SET PERSIST binlog_format = ROW; sessions that are open keep the old one',
    ],
    [
      'would log statements, had it a log',
      { binlog_format: 'STATEMENT', log_bin: 'OFF' },
      undefined,
    ],
    [
      'has a clock that callers can set',
      { sysdate_is_now: 'ON' },
      'Take it out of the configuration and restart the server',
    ],
  ])('that %s is told so', (_, variables, remedy) => {
    expect([...check(variables)].map((finding) => finding.remedy)).toEqual(
      remedy === undefined ? [] : [remedy],
    );
  });
});

describe('SHOW GRANTS', () => {
  const has = (lines: string[], privilege: string, withGrantOption = false, schema = 'shop') =>
    hasPrivilege(
      { lines: parseGrants(lines), partialRevokes: false },
      privilege,
      { schema },
      withGrantOption,
    );

  it.each([
    ['everywhere', 'GRANT SELECT, CREATE VIEW ON *.* TO `a`@`%`', 'CREATE VIEW', true],
    ['in the schema', 'GRANT SELECT ON `shop`.* TO `a`@`%`', 'SELECT', true],
    ['as all', 'GRANT ALL PRIVILEGES ON `shop`.* TO `a`@`%` WITH GRANT OPTION', 'EVENT', true],
    ['in schemas of a pattern', 'GRANT SELECT ON `sh%`.* TO `a`@`%`', 'SELECT', true],
    ['in another schema', 'GRANT SELECT ON `other`.* TO `a`@`%`', 'SELECT', false],
    ['on one table', 'GRANT SELECT ON `shop`.`orders` TO `a`@`%`', 'SELECT', false],
    ['another one', 'GRANT INSERT ON `shop`.* TO `a`@`%`', 'SELECT', false],
    ['on some columns', 'GRANT SELECT (`a`, `b`) ON `shop`.* TO `a`@`%`', 'SELECT', false],
  ])('says of a privilege %s what it is worth', (_, line, privilege, expected) => {
    expect(has([line], privilege)).toBe(expected);
  });

  it('says whether it may be passed on, and minds a partial revoke', () => {
    expect(has(['GRANT EVENT ON `shop`.* TO `a`@`%`'], 'EVENT', true)).toBe(false);
    expect(has(['GRANT EVENT ON `shop`.* TO `a`@`%` WITH GRANT OPTION'], 'EVENT', true)).toBe(true);
    const lines = ['GRANT SELECT ON *.* TO `a`@`%`', 'REVOKE SELECT ON `shop`.* FROM `a`@`%`'];
    expect(has(lines, 'SELECT')).toBe(false);
    expect(has(lines, 'SELECT', false, 'other')).toBe(true);
  });

  it.each([
    ['shop\\_1', 'shop_1', true, false],
    ['shop\\_1', 'shopx1', false, false],
    ['shop_1', 'shopx1', true, false],
    ['shop_1', 'shop_1', true, true],
    ['sh%', 'shop', true, false],
    ['sh\\%', 'shop', false, false],
    ['a.b', 'axb', false, false],
  ])(
    'has the pattern %s cover %s: %s; under partial_revokes: %s',
    (pattern, schema, plain, revokes) => {
      expect(schemaMatches(pattern, schema, false)).toBe(plain);
      expect(schemaMatches(pattern, schema, true)).toBe(revokes);
    },
  );
});

describe('"up" where something is wrong', () => {
  it('says everything at once, and changes nothing', async () => {
    const { shop, url } = await newShop();
    await shop.run('DROP TABLE order_coupons');
    await shop.run('ALTER TABLE orders DROP COLUMN cancelled_at');
    await shop.run('CREATE FUNCTION order_timeout_double () RETURNS INT DETERMINISTIC RETURN 1');
    await shop.run(
      "INSERT INTO orders (order_no, user_id, created_at) VALUES ('1', 1, UTC_TIMESTAMP() + INTERVAL 8 HOUR)",
    );
    const before = await snapshot(shop);
    const mistakes = ['order_timeout_double already', 'order_coupons', 'cancelled_at', '--clock'];
    await expect(up(url, { source: SMALL })).rejects.toThrow(new RegExp(mistakes.join('.*'), 's'));
    expect(await snapshot(shop)).toEqual(before);
  });

  it('tells a missing key of the orders as it tells any column', async () => {
    const { shop, url } = await newShop();
    await shop.run('ALTER TABLE orders RENAME COLUMN id TO order_key');
    await expect(up(url, { source: SMALL })).rejects.toThrow('orders.id: orders has no column id');
  });

  it('takes no clock for granted where the setting has lost its row', async () => {
    const { shop, url } = await deployedShop();
    await shop.run('DELETE FROM order_timeout_setting');
    await expect(up(url, { source: SMALL })).rejects.toThrow('has lost its row. Put it back');
  });

  it('makes no table again that was dropped: empty it would let things come back twice', async () => {
    const { shop, url } = await deployedShop();
    await shop.run('DROP TABLE order_timeout_hold');
    await expect(up(url, { source: SMALL })).rejects.toThrow(
      /^order_timeout_hold was deployed and dropped since\. Restore the database/,
    );
  });

  it('goes on with what runs as the definer account where the registry was lost: grants stay', async () => {
    const { shop, url } = await deployedShop();
    await shop.createAccount(`EXECUTE ON PROCEDURE ${shop.name}.order_timeout_first`);
    const before = await snapshot(shop);
    await shop.run('DROP TABLE order_timeout_object, order_timeout_migration');
    expect(await up(url, { source: SMALL })).toMatchObject({ outcome: 'done' });
    expect(await snapshot(shop)).toEqual(before);
  });

  it('names the privileges that the account lacks, with the statement', async () => {
    const shop = await createShop({ deploy: false });
    const url = await shop.createAccount(
      `SELECT, INSERT, UPDATE, DELETE, CREATE, DROP ON ${shop.name}.*`,
    );
    const lacked = 'ALTER, INDEX, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EXECUTE';
    await expect(up(url, { source: SMALL })).rejects.toThrow(
      `lacks ${lacked} and EVENT on the schema. GRANT ${lacked}, EVENT ON \`${shop.name}\`.* TO that account`,
    );
  });

  it('shows the triggers of the shop, of which one may keep a balance', async () => {
    const { shop, url } = await newShop();
    await shop.run(
      'CREATE TRIGGER keeps_balance BEFORE INSERT ON user_points_ledger FOR EACH ROW SET NEW.remark = NEW.remark',
    );
    const { remarks } = await up(url, { source: SMALL });
    expect(remarks.find(({ about }) => about === 'triggers')?.text).toContain(
      'keeps_balance (BEFORE INSERT on user_points_ledger)',
    );
  });
});
