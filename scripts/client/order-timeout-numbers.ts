import { type CallOptions, callProcedure } from './call';
import type { Database } from './database';
import { count, onlyRow, type TextRow, whole } from './rows';

/** What monitoring wants to know. */
export interface Numbers {
  readonly paused: boolean;
  /** False on a replica, and on a member of a group that is not its primary: the sweep belongs elsewhere. */
  readonly takesWrites: boolean;
  readonly schedulerOn: boolean;
  readonly eventEnabled: boolean;
  /** null: no sweep has come to its end yet. */
  readonly lastSweepAt: Date | null;
  /** Orders that the next sweep would cancel; counted no further than 10000 of each source type. */
  readonly dueOrders: number;
  /** How long the oldest of them is past its time. */
  readonly overdueSeconds: number;
  /** Orders that failed and are tried again. */
  readonly failedOrders: number;
  /** Orders that failed and are set aside until `retryFailedOrder`. */
  readonly quarantinedOrders: number;
  readonly heldOrders: number;
  /** Calls that were killed half-way, and not completed yet. */
  readonly cutShortCalls: number;
  readonly lastHour: LastHour;
}

/** Runs begun in the last hour, and what they did. */
export interface LastHour {
  readonly runs: {
    readonly completed: number;
    readonly outOfTime: number;
    readonly failed: number;
    readonly interrupted: number;
  };
  readonly ordersCancelled: number;
  /** In minor units (10 yuan = 1000n). */
  readonly couponRefunded: bigint;
  readonly pointsRefunded: bigint;
}

/**
 * Measures the order timeout, for monitoring. Locks nothing. Calls `order_timeout_numbers`.
 *
 * Throws `OrderTimeoutError` (`SETTING_LOST`), and MySQL's own errors unchanged.
 */
export async function orderTimeoutNumbers(
  db: Database,
  options: CallOptions = {},
): Promise<Numbers> {
  return await callProcedure(db, {
    ...options,
    procedure: 'order_timeout_numbers',
    args: [],
    read: (rows) => readNumbers(onlyRow(rows)),
  });
}

function readNumbers(row: TextRow): Numbers {
  return {
    paused: count(row, 'paused') === 1,
    takesWrites: count(row, 'takes_writes') === 1,
    schedulerOn: count(row, 'scheduler_on') === 1,
    eventEnabled: count(row, 'event_enabled') === 1,
    lastSweepAt: row.last_sweep_at === null ? null : new Date(count(row, 'last_sweep_at') * 1000),
    dueOrders: count(row, 'due_orders'),
    overdueSeconds: count(row, 'overdue_seconds'),
    failedOrders: count(row, 'failed_orders'),
    quarantinedOrders: count(row, 'quarantined_orders'),
    heldOrders: count(row, 'held_orders'),
    cutShortCalls: count(row, 'cut_short_calls'),
    lastHour: {
      runs: {
        completed: count(row, 'runs_completed'),
        outOfTime: count(row, 'runs_out_of_time'),
        failed: count(row, 'runs_failed'),
        interrupted: count(row, 'runs_interrupted'),
      },
      ordersCancelled: count(row, 'orders_cancelled'),
      couponRefunded: whole(row, 'coupon_refunded'),
      pointsRefunded: whole(row, 'points_refunded'),
    },
  };
}
