import { readFile } from 'node:fs/promises';
import { withSession } from '../../../scripts/deploy/connection';
import { sayFinding } from '../../../scripts/deploy/errors';
import { assembleShop, parseShopFile } from '../../../scripts/deploy/shop-file/read';
import { checkShopFile, type Deployed } from '../../../scripts/deploy/shop-file/check';
import { readShopFacts } from '../../../scripts/deploy/shop-file/facts';
import { type Example, shopFileOf } from '../../../scripts/dev/shop';
import type { Shop } from '../../support';

/** The text of an example's shop file. */
export const textOf = (example: Example) => readFile(shopFileOf(example), 'utf8');

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
