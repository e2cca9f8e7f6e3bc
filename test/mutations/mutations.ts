import type { Source } from '../../scripts/migrate';

/** A bug, put into the SQL by hand when it is deployed. The files on disk stay as they are. */
export interface Mutation {
  readonly name: string;
  /** What the bug is, for the table in docs/testing.md. */
  readonly bug: string;
  readonly patches: readonly Patch[];
}

interface Patch {
  /** The object's or the migration's name. */
  readonly in: string;
  /** Must stand there exactly once. White space counts as one blank. */
  readonly replace: string;
  readonly by: string;
}

const key = {
  in: '0001_tables',
  replace: 'PRIMARY KEY (order_id, kind, target_id)',
  by: 'PRIMARY KEY (order_id, kind, target_id, batch_id)',
};
export const mutations: readonly Mutation[] = [
  {
    name: 'no-key',
    bug: 'The journal has no unique key on order, kind and target',
    patches: [key],
  },
  {
    name: 'no-look-back',
    bug: 'A coupon refund that the journal has already is claimed again',
    patches: [
      {
        in: 'order_timeout_give_coupons',
        replace:
          'ON DUPLICATE KEY UPDATE order_timeout_refund.batch_id = LAST_INSERT_ID(order_timeout_refund.batch_id)',
        by: '',
      },
    ],
  },
  {
    name: 'decide-before-lock',
    bug: 'A single call reads the status before it locks the order',
    patches: [
      {
        in: 'order_timeout_decide',
        replace: 'FROM orders WHERE id = p_order_id FOR UPDATE; IF p_verdict',
        by: 'FROM orders WHERE id = p_order_id; IF p_verdict',
      },
    ],
  },
  {
    name: 'any-status',
    bug: 'The status is not looked at: paid orders are cancelled',
    patches: [
      {
        in: 'order_timeout_decide',
        replace: 'IF NOT v_status <=> 1 /* pending */ THEN',
        by: 'IF v_status = 0 THEN',
      },
      {
        in: 'order_timeout_close_orders',
        replace: 'AND orders.status = 1 /* pending */',
        by: '',
      },
    ],
  },
  {
    name: 'held-coupons-only',
    bug: 'Only coupons with status 4 get their money: the bug that began it all',
    patches: [
      {
        in: 'order_timeout_give_coupons',
        replace: 'ON batch.id = p_batch_id SET batch.coupons_given',
        by: 'ON batch.id = p_batch_id AND user_coupons.status = 4 SET batch.coupons_given',
      },
    ],
  },
  {
    name: 'no-ledger-row',
    bug: 'The ledger row of a coupon refund is not written',
    patches: [
      {
        in: 'order_timeout_write_coupon_ledger',
        replace: "refunded_at DATETIME(3) PATH '$[6]')) AS refund;",
        by: "refunded_at DATETIME(3) PATH '$[6]')) AS refund WHERE FALSE;",
      },
    ],
  },
  {
    name: 'no-sum',
    bug: 'UPDATE … JOIN without the sum: of several refunds to one coupon one counts',
    patches: [
      {
        in: 'order_timeout_give_coupons',
        replace: 'SUM(refund.amount) AS amount, MIN(refund.stays_held)',
        by: 'MAX(refund.amount) AS amount, MIN(refund.stays_held)',
      },
    ],
  },
  {
    name: 'callers-clock',
    bug: "Due or not is decided in the caller's time zone",
    patches: [
      {
        in: 'order_timeout_decide',
        replace: "CONVERT_TZ(UTC_TIMESTAMP(3), '+00:00', p_clock)",
        by: 'NOW(3)',
      },
    ],
  },
  {
    name: 'mark-apart',
    bug: 'The mark that the coupons are given is set in a statement of its own',
    patches: [
      { in: 'order_timeout_give_coupons', replace: 'batch.coupons_given = 1,', by: '' },
      {
        in: 'order_timeout_close_orders',
        replace: 'batch.settled = 1;',
        by: 'batch.coupons_given = 1, batch.settled = 1;',
      },
    ],
  },
  {
    name: 'half-left-alone',
    bug: 'What a killed call gave without its ledger row is not completed',
    patches: [
      {
        in: 'order_timeout_complete_half_done',
        replace: 'CALL order_timeout_write_coupon_ledger(v_coupon_refunds, NULL, NULL);',
        by: 'DO 0;',
      },
    ],
  },
  {
    name: 'first-coupon-only',
    bug: 'Only orders.coupon_id comes back',
    patches: [
      {
        in: 'order_timeout_coupon_target',
        replace: 'WHERE named.coupon_id > 0',
        by: 'WHERE named.coupon_id = orders.coupon_id',
      },
    ],
  },
  {
    name: 'earlier-return-ignored',
    bug: 'A partial earlier return is not subtracted',
    patches: [
      {
        in: 'order_timeout_coupon_due',
        replace: 'IF(target.applied > 0, target.applied, ledger.taken) - ledger.returned, 0)',
        by: 'IF(target.applied > 0, target.applied, ledger.taken), 0)',
      },
    ],
  },
  {
    name: 'held-elsewhere-freed',
    bug: 'A coupon held for another pending order is set free',
    patches: [
      {
        in: 'order_timeout_give_coupons',
        replace: 'AND holder.status = 1 /* pending */',
        by: 'AND FALSE',
      },
    ],
  },
  {
    name: 'excluded-types-too',
    bug: 'The sweep takes the excluded types too',
    patches: [{ in: 'order_timeout_list_turns', replace: 'IF v_enabled THEN', by: 'IF TRUE THEN' }],
  },
  {
    name: 'waits-for-coupons',
    bug: 'The sweep goes on with orders of which somebody holds a coupon locked',
    patches: [
      {
        in: 'order_timeout_lock_skipping',
        replace: 'ON locked.id = not_ours.coupon_id',
        by: 'ON FALSE',
      },
    ],
  },
];

/** The source with the bug in it. Throws an Error when a patch no longer fits the SQL. */
export function mutated(source: Source, name: string): Source {
  const mutation = mutations.find((one) => one.name === name);
  if (mutation === undefined) throw new Error(`There is no mutation named ${name}`);
  return mutation.patches.reduce(patched, source);
}

function patched(source: Source, patch: Patch): Source {
  let fits = 0;
  const apply = (name: string, text: string) => {
    if (name !== patch.in) return text;
    fits += 1;
    return replaceOnce(text, patch);
  };
  const result = {
    ...source,
    migrations: source.migrations.map((one) => ({ ...one, up: apply(one.name, one.up) })),
    objects: source.objects.map((one) => ({ ...one, text: apply(one.name, one.text) })),
  };
  if (fits !== 1) throw new Error(`There is no ${patch.in} to put a bug into`);
  return result;
}

function replaceOnce(text: string, patch: Patch): string {
  const words = patch.replace
    .split(/\s+/)
    .map((word) => word.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&'));
  const parts = text.split(new RegExp(words.join('\\s+')));
  if (parts.length !== 2) {
    throw new Error(
      `${patch.in}: expected once, found ${parts.length - 1} times: ${patch.replace}`,
    );
  }
  return parts.join(patch.by);
}
