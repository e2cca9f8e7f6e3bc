import { describeIndex, type Index, leadsWith } from '../../migrate/indexes';
import { fail, type Finding, ok, warn } from '../finding';
import type { Place } from '../place';

const CHECK = 'index';
const COLUMNS = ['status', 'source_type', 'created_at'];
/** Sweeps come each minute: after this long one must have used it. */
const USED_WITHIN_SECONDS = 300;

export interface IndexFacts {
  /** Of all the shop's tables. */
  readonly indexes: readonly Index[];
  /** The other indexes that are missing, a line each. */
  readonly missing: readonly string[];
  readonly reads: ReadonlyMap<string, number> | undefined;
  readonly uptimeSeconds: number;
}

/** The sweep reads one entry of orders(status, source_type, created_at) for each source type. */
export function checkIndex(facts: IndexFacts, { isOpen }: Place): Finding {
  const { indexes, missing, reads, uptimeSeconds } = facts;
  const ofOrders = indexes.filter(({ table }) => table === 'orders');
  const serving = ofOrders.filter((index) => leadsWith(index, COLUMNS));
  const hidden = ofOrders.find(
    (index) => !index.visible && leadsWith({ ...index, visible: true }, COLUMNS),
  );
  if (serving.length === 0 && hidden !== undefined) {
    return fail(
      CHECK,
      `The index ${hidden.name} on orders is invisible: each sweep reads the whole table.`,
      `ALTER TABLE orders ALTER INDEX ${hidden.name} VISIBLE.`,
    );
  }
  if (serving.length === 0 || missing.length > 0) {
    return fail(
      CHECK,
      missing.length > 0
        ? `${missing.join('. ')}.`
        : `orders has no index on (${COLUMNS.join(', ')}): each sweep reads the whole table.`,
      'Add it: ALTER TABLE … ADD INDEX …, as in migrations/0002_shop_indexes.up.sql.',
    );
  }
  const names = serving.map(describeIndex).join(', ');
  const isUsed = serving.some(({ name }) => (reads?.get(`orders.${name}`) ?? 0) > 0);
  if (isOpen && reads !== undefined && !isUsed && uptimeSeconds > USED_WITHIN_SECONDS) {
    return warn(
      CHECK,
      `orders has ${names}, which nothing has read since the server started.`,
      'Either no sweep ran (see heartbeat), or it reads another way: ANALYZE TABLE orders.',
    );
  }
  return ok(CHECK, `orders has ${names}.`);
}
