import { isDeepStrictEqual } from 'node:util';
import type { Step } from '../step';
import { quoteString } from '../text';
import { type Shop, type StoredShop, viewsOf } from './read';
import type { Rule, ShopFile } from './schema';

/** In the shop's clock; null: always; undefined: from this deployment on. */
type Since = string | null | undefined;

const NOW = "CONVERT_TZ(UTC_TIMESTAMP(3), '+00:00', setting.clock)";

/**
 * Keeps the shop file as it is deployed, so that later commands need no file, and since when each kind is audited and
 * its ledger is written as it is now. `earlier`: the stored file; undefined where this version can't read it.
 */
export function* planKeepFile(
  shop: Shop,
  stored: StoredShop | undefined,
  earlier: ShopFile | undefined,
): Generator<Step> {
  const views = viewsOf(shop);
  if (stored?.text === shop.text && isDeepStrictEqual(stored.views, views)) return;
  const rules = Object.entries(shop.file.give_back);
  const object = (since: (kind: string, rule: Rule) => Since, thisMoment: string) => {
    const moments = rules.map(([kind, rule]) => {
      const known = since(kind, rule);
      const moment = known === undefined ? `CONCAT(${thisMoment})` : known && quoteString(known);
      return `${quoteString(kind)}, ${moment ?? 'NULL'}`;
    });
    return `JSON_OBJECT(${moments.join(', ')})`;
  };
  /** The deployment that was to give a kind its new name may have been cut short, and the old file be back. */
  const storedName = (kind: string, { was }: Rule) => {
    const undone = Object.entries(earlier?.give_back ?? {}).find(([, rule]) => rule.was === kind);
    const names = [kind, was, undone?.[0]];
    return names.find((name) => name !== undefined && name in (stored?.kinds ?? {})) ?? kind;
  };
  const before = (kind: string, rule: Rule) => earlier?.give_back[storedName(kind, rule)];
  // A kind that comes later is audited from then on: what orders took of it before, nobody gave back.
  const audited = (kind: string, rule: Rule) => {
    if (rule.since !== undefined) return rule.since;
    const isAlways = stored === undefined || before(kind, rule)?.since !== undefined;
    return isAlways ? null : stored.kinds[storedName(kind, rule)];
  };
  // Rows of the ledger that were written before it changed have other columns, or are not there.
  const logged = (kind: string, rule: Rule) => {
    const isAsBefore =
      stored === undefined || isDeepStrictEqual(before(kind, rule)?.ledger, rule.ledger);
    return isAsBefore ? (stored?.ledgers[storedName(kind, rule)] ?? null) : undefined;
  };
  yield {
    title: 'the shop file',
    statements: [
      `REPLACE INTO order_timeout_shop (id, file, views, kinds, ledgers, deployed_at, deployed_by)\n` +
        `SELECT 1, ${quoteString(shop.text)},\n` +
        `       ${quoteString(JSON.stringify(views))},\n` +
        `       ${object(audited, NOW)},\n` +
        // Calls that began before may still write rows as they were.
        `       ${object(logged, `${NOW} + INTERVAL 10 MINUTE`)}, ${NOW}, CURRENT_USER()\n` +
        `  FROM order_timeout_setting AS setting`,
    ],
  };
}
