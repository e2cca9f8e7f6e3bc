import { expect, it } from 'vitest';
import { parseShopFile } from '../../../scripts/deploy/shop-file/read';
import { usesOf } from '../../../scripts/deploy/shop-file/expressions';
import { shopFileOf } from './tables';

async function fileOf(example: 'litemall' | 'mall') {
  const parsed = parseShopFile(await shopFileOf(example));
  if ('mistakes' in parsed) throw new Error('a shop file of ours is wrong');
  return parsed.file;
}

it('a shop file names its tables', async () => {
  expect([...usesOf(await fileOf('mall')).tables.keys()]).toEqual([
    'oms_order',
    'oms_order_item',
    'pms_sku_stock',
    'sms_coupon_history',
    'ums_member',
  ]);
});
