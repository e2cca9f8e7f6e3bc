import type { Source } from '../../scripts/deploy';
import { withTexts } from '../../scripts/dev/sources';

/** A bug, put into the SQL by hand when it is deployed. The files on disk stay as they are. */
export interface Mutation extends Patch {
  readonly name: string;
  /** What the bug is, for the table in docs/testing.md. */
  readonly bug: string;
  /** What else it takes. */
  readonly and?: readonly Patch[];
}

interface Patch {
  /** The object's or the migration's name. */
  readonly in: string;
  /** Must stand there exactly once. White space counts as one blank. */
  readonly replace: string;
  readonly by: string;
}

/** Of the sweep: an order on hold is left out. */
const HOLD = 'AND (hold.held_until IS NULL OR hold.held_until <= SYSDATE(3))';

export const mutations: readonly Mutation[] = [
  {
    name: 'no-key',
    bug: 'The journal has no unique key on order, kind and target',
    in: '0001_tables',
    replace: 'PRIMARY KEY (order_id, kind, target_id)',
    by: 'PRIMARY KEY (order_id, kind, target_id, batch_id)',
  },
  {
    name: 'no-look-back',
    bug: 'A refund that the journal has already is claimed again',
    in: 'order_timeout_claim',
    replace:
      'ON DUPLICATE KEY UPDATE batch_id = IF(order_timeout_refund.batch_id = p_batch_id, NULL, order_timeout_refund.batch_id)',
    by: '',
  },
  {
    name: 'read-before-lock',
    bug: 'A plain read comes before the last lock: what the shop returned meanwhile is not seen',
    in: 'order_timeout_settle_order',
    replace:
      '-- First all locks: the first plain read makes the one view that all later reads have.',
    by: 'SELECT COUNT(*) INTO v_found FROM order_timeout_setting;',
  },
  {
    name: 'any-status',
    bug: 'The status is not looked at: paid orders are cancelled',
    in: 'order_timeout_cancel',
    replace: "WHEN NOT MAX(o.status <=> {{orders.pending}} /* pending */) THEN 'not_pending' END",
    by: 'END',
    and: [
      {
        in: 'order_timeout_settle_order',
        replace: 'NOT v_is_pending THEN',
        by: 'v_is_pending IS NULL THEN',
      },
      {
        in: 'order_timeout_settle_order',
        replace: "v_verdict <> 'due' THEN",
        by: "v_verdict NOT IN ('due', 'not_pending') THEN",
      },
      {
        in: 'order_timeout_settle',
        replace: 'WHERE o.status = {{orders.pending}} /* pending */;',
        by: ';',
      },
    ],
  },
  {
    name: 'held-coupons-only',
    bug: 'Only coupons with status 4 get their money: the bug that began it all',
    in: 'order_timeout_give_{kind}',
    replace: 'ON target.{{id}} = given.account_id SET',
    by: 'ON target.{{id}} = given.account_id{{#tells.copies}} AND target.status = 4{{/tells.copies}} SET',
  },
  {
    name: 'no-ledger-row',
    bug: 'The ledger row of a refund is not written',
    in: 'order_timeout_give_{kind}',
    replace: '{{> refunds_of_kind}}{{/ledger.balance}}',
    by: '{{> refunds_of_kind}} AND FALSE{{/ledger.balance}}',
  },
  {
    name: 'no-sum',
    bug: 'UPDATE … JOIN without the sum: of several refunds to one row one counts',
    in: 'order_timeout_give_{kind}',
    replace: 'SUM(refund.amount) AS amount, MIN(refund.keeps_state)',
    by: 'MAX(refund.amount) AS amount, MIN(refund.keeps_state)',
  },
  {
    name: 'callers-clock',
    bug: "What time it is, is the caller's to say",
    in: 'order_timeout_now',
    replace: "/*+ SET_VAR(time_zone='{{clock}}') */ MAX(clock), SYSDATE(3)",
    by: 'MAX(clock), NOW(3)',
  },
  {
    name: 'callers-tables',
    bug: "A caller's temporary tables stand for the engine's",
    in: 'cancel_expired_order',
    replace: '{{> distrust_session}}',
    by: '',
  },
  {
    name: 'part-is-all',
    bug: 'After a part came back nothing more is due',
    in: 'order_timeout_due_{kind}',
    replace: 'GREATEST(COALESCE(took.taken, 0) - GREATEST(COALESCE(took.returned, 0), 0), 0)',
    by: 'IF(took.returned > 0, 0, took.taken)',
  },
  {
    name: 'earlier-return-ignored',
    bug: 'A partial earlier return is not subtracted',
    in: 'order_timeout_due_{kind}',
    replace: 'GREATEST(COALESCE(took.taken, 0) - GREATEST(COALESCE(took.returned, 0), 0), 0)',
    by: 'took.taken',
  },
  {
    name: 'held-elsewhere-freed',
    bug: 'A coupon held for another pending order is set free',
    in: 'order_timeout_due_{kind}',
    replace: '{{#tells.keeps_state}}took.keeps_state{{/tells.keeps_state}}',
    by: '{{#tells.keeps_state}}0{{/tells.keeps_state}}',
  },
  {
    name: 'excluded-types-too',
    bug: 'The sweep takes the excluded types too',
    in: 'order_timeout_sweep',
    replace: 'IF v_enabled AND v_oldest < v_cutoff THEN',
    by: 'IF v_oldest < v_cutoff THEN',
  },
  {
    name: 'holds-unseen',
    bug: 'The sweep takes orders that are on hold',
    in: 'order_timeout_sweep_batch',
    replace: HOLD,
    by: '',
    and: [{ in: 'order_timeout_lock_orders', replace: HOLD, by: '' }],
  },
  {
    name: 'waits-for-coupons',
    bug: 'The sweep goes on with orders of which somebody holds a coupon locked',
    in: 'order_timeout_lock_orders',
    replace: '{{> leave_out_locked}}',
    by: '',
  },
];

/** The source with the bug in it. Throws an Error when a patch no longer fits the SQL. */
export function mutated(source: Source, name: string): Source {
  const mutation = mutations.find((one) => one.name === name);
  if (mutation === undefined) throw new Error(`There is no mutation named ${name}`);
  return [mutation, ...(mutation.and ?? [])].reduce<Source>(patched, source);
}

function patched(source: Source, { in: place, replace, by }: Patch): Source {
  const words = replace.split(/\s+/).map((word) => word.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&'));
  const pattern = new RegExp(words.join('\\s+'), 'g');
  let found = 0;
  const apply = (name: string, text: string) =>
    name === place
      ? text.replace(pattern, () => {
          found += 1;
          return by;
        })
      : text;
  const result = {
    ...withTexts(source, ({ name, text }) => apply(name, text)),
    migrations: source.migrations.map((one) => ({ ...one, up: apply(one.name, one.up) })),
  };
  if (found !== 1) throw new Error(`${place}: expected once, found ${found} times: ${replace}`);
  return result;
}
