import { describe, expect, it } from 'vitest';
import { actualPrivileges, expectedPrivileges, TABLE_GRANTS } from '../../scripts/migrate/grants';
import { hasPrivilege, parseGrants, schemaMatches } from '../../scripts/migrate/privileges';

const has = (lines: string[], privilege: string, schema = 'shop', withGrantOption = false) =>
  hasPrivilege(parseGrants(lines), privilege, { schema }, withGrantOption);

describe('SHOW GRANTS', () => {
  it.each([
    ['everywhere', 'GRANT SELECT, CREATE VIEW ON *.* TO `a`@`%`', 'CREATE VIEW', true],
    ['in the schema', 'GRANT SELECT ON `shop`.* TO `a`@`%`', 'SELECT', true],
    [
      'as all privileges',
      'GRANT ALL PRIVILEGES ON `shop`.* TO `a`@`%` WITH GRANT OPTION',
      'EVENT',
      true,
    ],
    ['in schemas of a pattern', 'GRANT SELECT ON `sh%`.* TO `a`@`%`', 'SELECT', true],
    ['in another schema', 'GRANT SELECT ON `other`.* TO `a`@`%`', 'SELECT', false],
    ['on one table', 'GRANT SELECT ON `shop`.`orders` TO `a`@`%`', 'SELECT', false],
    ['another one', 'GRANT INSERT ON `shop`.* TO `a`@`%`', 'SELECT', false],
    ['on some columns', 'GRANT SELECT (`a`, `b`) ON `shop`.* TO `a`@`%`', 'SELECT', false],
  ])('says of a privilege %s what it is worth', (_, line, privilege, expected) => {
    expect(has([line], privilege)).toBe(expected);
  });

  it('says whether it may be passed on', () => {
    expect(has(['GRANT EVENT ON `shop`.* TO `a`@`%`'], 'EVENT', 'shop', true)).toBe(false);
    expect(
      has(['GRANT EVENT ON `shop`.* TO `a`@`%` WITH GRANT OPTION'], 'EVENT', 'shop', true),
    ).toBe(true);
  });

  it('minds a partial revoke', () => {
    const lines = ['GRANT SELECT ON *.* TO `a`@`%`', 'REVOKE SELECT ON `shop`.* FROM `a`@`%`'];
    expect(has(lines, 'SELECT')).toBe(false);
    expect(has(lines, 'SELECT', 'other')).toBe(true);
  });
});

describe('a schema pattern', () => {
  it.each([
    ['shop\\_1', 'shop_1', true],
    ['shop\\_1', 'shopx1', false],
    ['shop_1', 'shopx1', true],
    ['sh%', 'shop', true],
    ['sh\\%', 'shop', false],
    ['a.b', 'a.b', true],
    ['a.b', 'axb', false],
  ])('%s covers %s: %s', (pattern, schema, expected) => {
    expect(schemaMatches(pattern, schema)).toBe(expected);
  });
});

describe('the definer account', () => {
  it("has what it needs when its grants say the same in MySQL's words", () => {
    const grants = parseGrants([
      'GRANT USAGE ON *.* TO `order_timeout`@`localhost`',
      'GRANT EXECUTE, EVENT ON `my\\_shop`.* TO `order_timeout`@`localhost`',
      'GRANT SELECT, UPDATE (`cancelled_at`, `status`) ON `my_shop`.`orders` TO `order_timeout`@`localhost`',
      'GRANT SELECT ON `other`.`orders` TO `order_timeout`@`localhost`',
    ]);
    const orders = TABLE_GRANTS.filter(({ table }) => table === 'orders');
    expect(actualPrivileges('my_shop', grants)).toEqual(expectedPrivileges('my_shop', orders));
  });
});
