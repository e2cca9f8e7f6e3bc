import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deployFile } from '../shops/example';
import { createShop, type Shop } from '../support';

/** The codes of each status, by its number in shop-data.ts; of cancelled orders: by timeout, user, admin. */
export interface CodeLists {
  readonly order: readonly (readonly number[])[];
  readonly coupon: readonly (readonly number[])[];
}

export const BUILT_IN: CodeLists = {
  order: [[0], [1], [2], [3, 3, 3]],
  coupon: [[0], [1], [2], [3], [4]],
};
export const RENUMBERED: CodeLists = {
  order: [[7], [0], [20, 21, 40], [-1, 2, 3]],
  coupon: [[9], [0], [4], [5], [1]],
};

/** With these codes, amounts that may be NULL, and dead rows: the shop file says of both what `up` proposes. */
export async function openOracleShop(lists: CodeLists): Promise<Shop> {
  const shop = await createShop({ deploy: false, clock: '+08:00', schema: asRealShops });
  const files: Record<string, string> = {};
  for (const [name, edits] of Object.entries(editsFor(lists)))
    files[name] = await edited(name, edits);
  const { 'built-in.yaml': file = '', ...views } = files;
  await deployFile(shop, file, views, { takeProposals: true });
  return shop;
}

const asRealShops = (sql: string) =>
  sql
    .replaceAll(/(\w*amount|points|source_type) (BIGINT|TINYINT) NOT NULL/g, '$1 $2 NULL')
    .replace('order_no VARCHAR(32) NOT NULL', 'order_no VARCHAR(32) NULL')
    .replace(/created_at DATETIME\(3\) NOT NULL/, 'created_at DATETIME(3) NULL')
    .replace(/(?<=CREATE TABLE user_coupons \()/, 'deleted_at DATETIME NULL,')
    .replace(/(?<=CREATE TABLE user_points \()/, 'deleted TINYINT NOT NULL DEFAULT 0,');

type Edit = readonly [old: string, by: string];

/** This package's file, with other numbers. */
function editsFor({ order, coupon }: CodeLists): Record<string, readonly Edit[]> {
  const code = (lists: CodeLists['order'], status: number, nth = 0) => String(lists[status]?.[nth]);
  const cancelled = ['timeout', 'user', 'admin'].map((by, nth) => `${by}: ${code(order, 3, nth)}`);
  return {
    'built-in.yaml': [
      [
        'pending: 1, paid: 2, cancelled: 3',
        `pending: ${code(order, 1)}, paid: [${String(order[2])}], cancelled: {${cancelled.join(', ')}}`,
      ],
      ['set: {status: 1,', `set: {status: ${code(coupon, 1)},`],
      ['target.status = 4', `target.status = ${code(coupon, 4)}`],
    ],
    'coupon_due.sql': [
      ['coupon.status = 4', `coupon.status = ${code(coupon, 4)}`],
      ['holder.status = 1', `holder.status = ${code(order, 1)}`],
    ],
    'points_due.sql': [],
  };
}

async function edited(name: string, edits: readonly Edit[]): Promise<string> {
  const text = await readFile(join(__dirname, '../../sql/shops', name), 'utf8');
  return edits.reduce((now, [old, by]) => {
    if (now.split(old).length !== 2) throw new Error(`${name} has not just one "${old}"`);
    return now.replace(old, by);
  }, text);
}
