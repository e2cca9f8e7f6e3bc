import { describe, expect, it } from 'vitest';
import {
  type Context,
  type ObjectKind,
  type ObjectSource,
  renderSource,
} from '../../scripts/deploy/source';
import { migration } from './support/sources';

const file = (name: string, text: string, kind: ObjectKind = 'view'): ObjectSource => ({
  kind,
  name,
  text,
});

function fill(objects: ObjectSource[], context: Context = {}) {
  const partials = { picked: 'picked AS {{id}}, {{> nested}}', nested: '1' };
  const migrations = [migration('0001_a', 'CREATE TABLE IF NOT EXISTS order_timeout_x (')];
  return renderSource({ version: '', migrations, objects, partials }, context).map(
    ({ name, text }) => [name, text],
  );
}

describe('a template', () => {
  it('is filled without being escaped for HTML, with its partials', () => {
    const text = 'SELECT {{orders.id}} FROM {{> picked}} WHERE {{only}}';
    const context = { id: 'p', orders: { id: '`a`' }, only: "x < 'y' & z" };
    expect(fill([file('v', text)], context)).toEqual([
      ['v', "SELECT `a` FROM picked AS p, 1 WHERE x < 'y' & z"],
    ]);
  });

  it.each([
    ['kind', 'rules'],
    ['reach', 'reaches'],
  ])(
    'with {%s} in its name is filled once for each of the %s, whose fields come first',
    (field, list) => {
      const context = {
        clock: 1,
        table: 'orders',
        [list]: [
          { [field]: 'coupon', table: 'user_coupons' },
          { [field]: 'points', table: 'user_points' },
        ],
      };
      expect(fill([file(`v_{${field}}`, 'SELECT {{clock}} FROM {{table}}')], context)).toEqual([
        ['v_coupon', 'SELECT 1 FROM user_coupons'],
        ['v_points', 'SELECT 1 FROM user_points'],
      ]);
    },
  );

  it('that comes to nothing but comments is not deployed', () => {
    const text = '-- Why.\n{{#ledger}}\nSELECT 1\n{{/ledger}}\n';
    expect(fill([file('v', text)], { ledger: null })).toEqual([]);
  });

  it('of a routine knows the names of all tables and views of ours', () => {
    const objects = [
      file('p', 'DROP TEMPORARY TABLE IF EXISTS {{own_names}}', 'procedure'),
      file('v_{kind}', 'SELECT 1'),
    ];
    expect(fill(objects, { rules: [{ kind: 'coupon' }] }).at(-1)).toEqual([
      'p',
      'DROP TEMPORARY TABLE IF EXISTS order_timeout_x, v_coupon',
    ]);
  });

  it.each([
    '{{nothing}}',
    '{{#nothing}}x{{/nothing}}',
    '{{orders.nothing}}',
    '{{#orders}}{{x}}{{/orders}}',
    '{{> nothing}}',
  ])('%s that asks for what is not there is refused by its name', (text) => {
    expect(() => fill([file('v', text)], { orders: { id: 1 } })).toThrow(/^v\.sql: .*nothing|x/);
  });

  it('of a view is deployed after the views that it reads, and a circle of them is refused', () => {
    const reader = file('a', 'SELECT * FROM b');
    const read = file('b', '-- not a\nSELECT * FROM a_table');
    expect(fill([reader, read]).map(([name]) => name)).toEqual(['b', 'a']);
    expect(() => fill([reader, file('b', 'SELECT * FROM a')])).toThrow('a -> b -> a');
  });
});
