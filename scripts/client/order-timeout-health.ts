import { type CallOptions, callProcedure } from './call';
import type { Database } from './database';
import { oneOf, text } from './rows';

const STATUSES = ['ok', 'warn', 'fail'] as const;

/** From good to bad. */
export type HealthStatus = (typeof STATUSES)[number];

export interface HealthCheck {
  /** Such as `heartbeat`. */
  readonly checkName: string;
  readonly status: HealthStatus;
  /** What was seen, what it means and what to do. */
  readonly detail: string;
}

export interface Health {
  /** The worst of all checks. */
  readonly status: HealthStatus;
  readonly checks: readonly HealthCheck[];
}

/**
 * Says whether the order timeout is at work, and what is wrong with it. Locks nothing. Calls
 * `order_timeout_health`.
 *
 * Throws `OrderTimeoutError` (`SETTING_LOST`), and MySQL's own errors unchanged.
 */
export async function orderTimeoutHealth(db: Database, options: CallOptions = {}): Promise<Health> {
  return await callProcedure(db, {
    ...options,
    procedure: 'order_timeout_health',
    args: [],
    read: (rows) => {
      const checks = rows.map((row) => ({
        checkName: text(row, 'check_name'),
        status: oneOf(row, 'status', STATUSES),
        detail: text(row, 'detail'),
      }));
      return { status: worst(checks), checks };
    },
  });
}

function worst(checks: readonly HealthCheck[]): HealthStatus {
  const found = STATUSES.findLast((status) => checks.some((check) => check.status === status));
  return found ?? 'ok';
}
