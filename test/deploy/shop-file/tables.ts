import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openSession } from '../../../scripts/deploy/connection';
import { sayFinding } from '../../../scripts/deploy/errors';
import { assembleShop, parseShopFile } from '../../../scripts/deploy/shop-file/read';
import {
  type Checked,
  checkShopFile,
  type Deployed,
} from '../../../scripts/deploy/shop-file/check';
import { readShopFacts, type ShopFacts } from '../../../scripts/deploy/shop-file/facts';
import type { Example } from '../../../scripts/dev/shop';
import { createShop, type Shop } from '../../support';

const ROOT = join(__dirname, '../../..');

/** A database with the tables of an example shop, and nothing else. */
export async function tablesOf(example: Example): Promise<Shop> {
  const schema = await readFile(join(ROOT, 'test/shops', example, 'schema.sql'), 'utf8');
  return createShop({ deploy: false, schema: () => schema });
}

export const shopFileOf = (example: Example) =>
  readFile(join(ROOT, 'sql/shops', `${example}.yaml`), 'utf8');

export interface Check extends Checked {
  readonly facts: ShopFacts;
  /** As sentences. */
  readonly mistakes: readonly string[];
  readonly remarks: readonly string[];
}

/** Holds a shop file against a database. */
export async function check(shop: Shop, text: string, deployed?: Deployed): Promise<Check> {
  const parsed = assembleShop(text, {});
  if ('mistakes' in parsed) throw new Error(parsed.mistakes.map(sayFinding).join('\n'));
  const db = await openSession(shop.url);
  try {
    const facts = await readShopFacts(db, parsed.file);
    const checked = checkShopFile(parsed, facts, deployed);
    const sentences = (wanted: string) =>
      checked.findings.filter(({ severity }) => severity === wanted).map(sayFinding);
    return { ...checked, facts, mistakes: sentences('mistake'), remarks: sentences('remark') };
  } finally {
    db.destroy();
  }
}

/** A file that has been deployed, with kinds that are in the journal. */
export function deployedAs(text: string, ...kinds: string[]): Deployed {
  const parsed = parseShopFile(text);
  if ('mistakes' in parsed) throw new Error(parsed.mistakes.map(sayFinding).join('\n'));
  return { file: parsed.file, kinds };
}
