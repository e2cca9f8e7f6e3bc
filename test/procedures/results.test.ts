import { expect, test } from 'vitest';
import { createShop, pendingOrder, unsignedIds } from '../support';

// What callers of any language rely on: the columns of each result, in their order, and their types.

const CANCELLATION =
  'order_id outcome coupon_refunded points_refunded cancelled_at expires_at returned clock';
const MISSING = 'order_id user_id kind target_id taken returned missing source';

const COLUMNS: Record<string, string> = {
  'cancel_expired_order(?)': CANCELLATION,
  'cancel_order(?, 1, NULL)': CANCELLATION,
  'cancel_order_as_admin(?, NULL)': CANCELLATION,
  'cancel_expired_orders()':
    'run_id outcome cancelled coupon_refunded points_refunded failed duration_ms returned',
  'preview_expired_orders(10)':
    'order_id user_id source_type created_at overdue_seconds coupon_refund points_refund returned clock',
  'explain_order_timeout(?)': 'step verdict detail',
  'audit_missing_refunds(NULL)': MISSING,
  'repair_missing_refund(?)': `${MISSING} given`,
  'hold_order(?, 1, NULL)': 'order_id outcome',
  'release_order_hold(?)': 'order_id outcome',
  'retry_failed_order(?)': 'order_id outcome',
  'order_timeout_health()': 'check_name status detail',
  'order_deadlines(JSON_ARRAY(?))': 'order_id state expires_at remaining_seconds held_until clock',
  "accept_payment(?, 'one')": 'order_id outcome',
  'list_late_payments(10)': 'reference order_id outcome received_at received_by clock',
  "settle_late_payment('one', NULL)": 'reference outcome',
  'order_money(?)': 'kind target_id account_id taken returned owed missing source finding',
  'list_findings(10)':
    'finding_id order_id kind target_id what amount other_amount found_at detail clock',
  'settle_finding(1, NULL)': 'finding_id outcome',
  'reconcile_orders(NULL)': 'orders opened closed',
  'read_cancellations(0, 0, 10)':
    'position order_id user_id source_type cause run_id coupon_refunded points_refunded findings cancelled_at returned clock',
};

const DECIMAL = 246;
const TYPES: [names: RegExp, type: number][] = [
  [/_id$|amount|refund|^(taken|owed|missing|given|cancelled|failed|orders)$/, 8 /* BIGINT */],
  [/_at$|_until$/, 12 /* DATETIME */],
];

test.for([
  ['BIGINT UNSIGNED', unsignedIds],
  ['INT', (sql: string) => sql.replaceAll(/\b(\w*id|\w*amount|points) BIGINT\b/g, '$1 INT')],
] as const)(
  'columns come in their order; ids and amounts are BIGINT, never DECIMAL, and times are times, where the shop’s ids are %s',
  async ([, schema]) => {
    const shop = await createShop({ schema });
    const { orderId } = await pendingOrder(shop, { coupon: 1000, points: 50 });

    for (const [call, columns] of Object.entries(COLUMNS)) {
      const [, [fields]] = (await shop.db.query(`CALL ${call}`, [orderId])) as unknown as [
        unknown,
        [{ name: string; columnType: number }[]],
      ];
      expect(fields.map(({ name }) => name).join(' '), call).toBe(columns);
      const wrong = fields.filter(
        ({ name, columnType }) =>
          columnType === DECIMAL ||
          TYPES.some(([names, type]) => names.test(name) && columnType !== type),
      );
      expect(wrong.map(({ name, columnType }) => `${call}: ${name} ${columnType}`)).toEqual([]);
    }
  },
);
