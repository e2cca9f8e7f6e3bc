import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withSession } from '../../../scripts/deploy/connection';
import { sayFinding } from '../../../scripts/deploy/errors';
import { assembleShop, parseShopFile } from '../../../scripts/deploy/shop-file/read';
import { checkShopFile, type Deployed } from '../../../scripts/deploy/shop-file/check';
import { readShopFacts } from '../../../scripts/deploy/shop-file/facts';
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

/** Holds a shop file against a database; mistakes and remarks are sentences. */
export async function check(
  shop: Shop,
  text: string,
  deployed?: Deployed,
  views: Readonly<Record<string, string>> = {},
) {
  const parsed = assembleShop(text, views);
  if ('mistakes' in parsed) throw new Error(parsed.mistakes.map(sayFinding).join('\n'));
  const facts = await withSession(shop.url, (db) => readShopFacts(db, parsed));
  const checked = checkShopFile(parsed, facts, deployed);
  const sentences = (wanted: string) =>
    checked.findings.filter(({ severity }) => severity === wanted).map(sayFinding);
  return { ...checked, facts, mistakes: sentences('mistake'), remarks: sentences('remark') };
}

/** A file that has been deployed, with kinds that are in the journal. */
export function deployedAs(text: string, ...kinds: string[]): Deployed {
  const parsed = parseShopFile(text);
  if ('mistakes' in parsed) throw new Error(parsed.mistakes.map(sayFinding).join('\n'));
  return { file: parsed.file, kinds };
}
