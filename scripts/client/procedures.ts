import * as take from './arguments';
import { call, type CallOptions } from './call';
import * as read from './columns';
import type { Database } from './database';

interface Procedure {
  /** In the procedure's order; named as the wrapper's arguments are. */
  readonly takes: Readonly<Record<string, take.Parameter<never>>>;
  /** Columns of its result set, in camel case. */
  readonly gives: read.Columns;
}

const refunded = {
  /** Coupon money given back, in minor units ('1000' is 10 yuan). */
  couponRefunded: read.whole,
  /** Points given back. */
  pointsRefunded: read.whole,
};

const cancellation = <const Refusal extends string>(...refusals: readonly Refusal[]) => ({
  orderId: read.whole,
  outcome: read.oneOf<'cancelled' | Refusal>('cancelled', ...refusals),
  ...refunded,
  /** null: not cancelled, or not by order-timeout. */
  cancelledAt: read.optional(read.instant),
  /** When a pending order times out, a hold included; null: it is not pending, or never does. */
  expiresAt: read.optional(read.instant),
  /** What came back of each kind of the shop file, such as `{ coupon: '1000', points: '0' }`. */
  returned: read.amounts,
});

const outcome = <const Outcome extends string>(...outcomes: readonly Outcome[]) => ({
  orderId: read.whole,
  outcome: read.oneOf(...outcomes),
});

const missingRefund = {
  orderId: read.whole,
  userId: read.whole,
  /** As the shop file calls it; in the built-in one `coupon` or `points`. */
  kind: read.text,
  /** The coupon's id; '0' for points. */
  targetId: read.whole,
  /** Taken for the order, in minor units or points. */
  taken: read.whole,
  /** Of this, what had come back before. */
  returned: read.whole,
  /** What is still to come back. */
  missing: read.whole,
  /** Where it is known from what was taken. */
  source: read.text,
};

/** Every public procedure: what it takes, and how each column of its result is read. */
export const PROCEDURES = {
  cancel_expired_order: {
    takes: { orderId: take.id },
    gives: cancellation(
      'not_found',
      'not_pending',
      'contradictory',
      'excluded',
      'on_hold',
      'not_expired',
    ),
  },
  cancel_order: {
    takes: { orderId: take.id, userId: take.id, remark: take.optionalText },
    gives: cancellation('not_found', 'not_owner', 'not_pending', 'contradictory'),
  },
  cancel_order_as_admin: {
    takes: { orderId: take.id, remark: take.optionalText },
    gives: cancellation('not_found', 'not_pending', 'contradictory'),
  },
  cancel_expired_orders: {
    takes: {},
    gives: {
      /** order_timeout_run.id; null: there was nothing to do. */
      runId: read.optional(read.whole),
      outcome: read.oneOf('completed', 'out_of_time', 'busy', 'paused', 'read_only'),
      /** Orders that were cancelled. */
      cancelled: read.count,
      ...refunded,
      /** Orders that could not be cancelled; order_timeout_failure says why. */
      failed: read.count,
      durationMs: read.count,
      /** What came back of each kind of the shop file. */
      returned: read.amounts,
    },
  },
  preview_expired_orders: {
    takes: { limit: take.integer },
    gives: {
      orderId: read.whole,
      userId: read.whole,
      sourceType: read.optional(read.whole),
      createdAt: read.instant,
      /** How long it is past its time. */
      overdueSeconds: read.count,
      /** Coupon money that comes back, in minor units. */
      couponRefund: read.whole,
      /** Points that come back. */
      pointsRefund: read.whole,
      /** What comes back of each kind of the shop file. */
      returned: read.amounts,
    },
  },
  explain_order_timeout: {
    takes: { orderId: take.id },
    gives: {
      /** What this is about; the first one, `answer`, is the answer, the others are what it rests on. */
      step: read.text,
      /** One word, such as `not_expired`. */
      verdict: read.text,
      /** In plain words, for a person; times are in the shop's clock. */
      detail: read.text,
    },
  },
  audit_missing_refunds: { takes: { since: take.shopTime }, gives: missingRefund },
  repair_missing_refund: {
    takes: { orderId: take.id },
    gives: {
      ...missingRefund,
      /** What came back now. */
      given: read.whole,
    },
  },
  hold_order: {
    takes: { orderId: take.id, minutes: take.integer, reason: take.optionalText },
    gives: outcome('held', 'not_found', 'not_pending'),
  },
  release_order_hold: { takes: { orderId: take.id }, gives: outcome('released', 'not_held') },
  retry_failed_order: { takes: { orderId: take.id }, gives: outcome('retrying', 'not_failed') },
  order_timeout_health: {
    takes: {},
    gives: {
      /** Such as `heartbeat`. */
      checkName: read.text,
      /** From good to bad. */
      status: read.oneOf('ok', 'warn', 'fail'),
      /** What was seen, what it means and what to do. */
      detail: read.text,
    },
  },
  order_timeout_numbers: {
    takes: {},
    gives: {
      paused: read.flag,
      /** False on a replica, and on a member of a group that is not its primary: the sweep belongs elsewhere. */
      takesWrites: read.flag,
      schedulerOn: read.flag,
      eventEnabled: read.flag,
      /** null: no sweep has come to its end yet. */
      lastSweepAt: read.optional(read.unixSeconds),
      /** Orders that the next sweep would cancel; counted no further than 10000 of each source type. */
      dueOrders: read.count,
      /** How long the oldest of them is past its time. */
      overdueSeconds: read.count,
      /** Orders that failed and are tried again. */
      failedOrders: read.count,
      /** Orders that failed and are set aside until `retryFailedOrder`. */
      quarantinedOrders: read.count,
      heldOrders: read.count,
      /** What a person has to look at: `listFindings`. */
      openFindings: read.count,
      /** Amounts that the sweep still has to give, in small transactions. */
      owed: read.count,
      /** Payments whose money is to be sent back: `listLatePayments`. */
      latePayments: read.count,
      /** Runs begun in the last hour, by how they ended, */
      runsCompleted: read.count,
      runsOutOfTime: read.count,
      runsFailed: read.count,
      runsInterrupted: read.count,
      /** and what they did. */
      ordersCancelled: read.count,
      ...refunded,
      /** What came back of each kind of the shop file. */
      returned: read.amounts,
    },
  },
  order_timeout_clock: {
    takes: {},
    gives: {
      /** The UTC offset in which the shop writes its DATETIMEs, such as `+08:00`. */
      clock: read.text,
    },
  },
  read_cancellations: {
    takes: { position: take.place, orderId: take.place, limit: take.integer },
    gives: {
      /** With the order's id its place in the feed. */
      position: read.whole,
      orderId: read.whole,
      userId: read.whole,
      sourceType: read.optional(read.whole),
      /** Who cancelled it. */
      cause: read.oneOf('timeout', 'user', 'admin'),
      /** order_timeout_run.id; null: not by a sweep. */
      runId: read.optional(read.whole),
      ...refunded,
      /** What a person has to look at, opened by this cancellation; null: nothing. */
      findings: read.optional(read.findings),
      cancelledAt: read.instant,
      /** What came back of each kind of the shop file. */
      returned: read.amounts,
    },
  },
  order_deadlines: {
    takes: { orderIds: take.ids },
    gives: {
      orderId: read.whole,
      state: read.oneOf(
        'pending',
        'due',
        'on_hold',
        'excluded',
        'paid',
        'cancelled',
        'contradictory',
        'not_found',
      ),
      /** When it times out, a hold included; null: it is not pending, or never does. */
      expiresAt: read.optional(read.instant),
      /** For a countdown that trusts no clock but the server's. */
      remainingSeconds: read.optional(read.count),
      /** null: it is not on hold. */
      heldUntil: read.optional(read.instant),
    },
  },
  accept_payment: {
    takes: { orderId: take.id, reference: take.reference },
    gives: outcome(
      'accepted',
      'already_accepted',
      'already_paid',
      'paid_elsewhere',
      'too_late',
      'not_payable',
      'reference_used',
      'not_found',
    ),
  },
  list_late_payments: {
    takes: { limit: take.integer },
    gives: {
      /** The payment's own id. */
      reference: read.text,
      orderId: read.whole,
      /** Why it was not accepted: `acceptPayment`. */
      outcome: read.oneOf('too_late', 'already_paid', 'not_payable'),
      receivedAt: read.instant,
      /** The account that called `accept_payment`. */
      receivedBy: read.text,
    },
  },
  settle_late_payment: {
    takes: { reference: take.reference, remark: take.optionalText },
    gives: {
      reference: read.text,
      outcome: read.oneOf('settled', 'already_settled', 'not_owed', 'not_found'),
    },
  },
  order_money: {
    takes: { orderId: take.id },
    gives: {
      /** As the shop file calls it; in the built-in one `coupon` or `points`. */
      kind: read.text,
      targetId: read.whole,
      /** The row that got it, or will; null: there is none. */
      accountId: read.optional(read.whole),
      /** In minor units, points or pieces, as all amounts here. */
      taken: read.whole,
      returned: read.whole,
      /** Claimed, and given by the next sweep. */
      owed: read.whole,
      /** Of a cancelled order. */
      missing: read.whole,
      /** Where it is known from what was taken. */
      source: read.text,
      /** What a person has to look at; null: nothing. */
      finding: read.optional(read.text),
    },
  },
  list_findings: {
    takes: { limit: take.integer },
    gives: {
      findingId: read.whole,
      orderId: read.whole,
      /** Empty: it is about the order as such. */
      kind: read.text,
      targetId: read.whole,
      /** One word, such as `second_take`; the runbook says what each means. */
      what: read.text,
      amount: read.whole,
      /** What it is compared with. */
      otherAmount: read.whole,
      /** More about it: the runbook says what, finding by finding. */
      detail: read.text,
      foundAt: read.instant,
    },
  },
  settle_finding: {
    takes: { findingId: take.id, remark: take.optionalText },
    gives: {
      findingId: read.whole,
      outcome: read.oneOf('settled', 'already_settled', 'not_found'),
    },
  },
  reconcile_orders: {
    takes: { since: take.shopTime },
    gives: {
      /** Looked at. */
      orders: read.count,
      /** Findings opened, */
      opened: read.count,
      /** and closed, as they are true no longer. */
      closed: read.count,
    },
  },
} satisfies Readonly<Record<string, Procedure>>;

type Name = keyof typeof PROCEDURES;
export type RowOf<Of extends Name> = read.Row<(typeof PROCEDURES)[Of]['gives']>;
type ArgumentsOf<Of extends Name> = {
  readonly [Key in keyof (typeof PROCEDURES)[Of]['takes']]: Parameters<
    Extract<(typeof PROCEDURES)[Of]['takes'][Key], (name: string, value: never) => take.Argument>
  >[1];
};

/** Calls a procedure and reads its rows. */
export async function rowsOf<Of extends Name>(
  db: Database,
  name: Of,
  args: ArgumentsOf<Of>,
  options?: CallOptions,
): Promise<RowOf<Of>[]> {
  const { takes, gives }: Procedure = PROCEDURES[name];
  const checked = Object.entries(takes).map(([key, parameter]) =>
    parameter(key, (args as Record<string, never>)[key] as never),
  );
  const rows = await call(db, name, checked, options);
  return rows.map((row) => read.readRow(gives, row)) as RowOf<Of>[];
}

/** Calls a procedure that answers with one row. */
export async function rowOf<Of extends Name>(
  db: Database,
  name: Of,
  args: ArgumentsOf<Of>,
  options?: CallOptions,
): Promise<RowOf<Of>> {
  return read.onlyRow(await rowsOf(db, name, args, options));
}
