import type { Numbers } from '../client/order-timeout-numbers';

/** What a report shows, of a stretch of time. */
export interface History {
  readonly database: string;
  /** Of the shop's clock; in it are all times below that are text. */
  readonly clock: string;
  readonly since: Date;
  readonly until: Date;
  readonly madeAt: Date;
  readonly unit: Unit;
  /** Every hour or day from since to until, also those in which nothing happened. */
  readonly spans: readonly Span[];
  /** The worst of now. */
  readonly numbers: Numbers;
  readonly failedRuns: readonly FailedRun[];
  readonly failedOrders: readonly FailedOrder[];
}

export type Unit = 'hour' | 'day';

export interface Span {
  /** "2026-01-31", or "2026-01-31 20:00". */
  readonly name: string;
  readonly runs: {
    readonly completed: number;
    readonly outOfTime: number;
    readonly failed: number;
  };
  readonly longestRunMs: number;
  readonly cancelled: { readonly timeout: number; readonly user: number; readonly admin: number };
  /** Given back: by cancellations in minor units and points, and by repairs. */
  readonly couponRefunded: bigint;
  readonly pointsRefunded: bigint;
  readonly couponRepaired: bigint;
  readonly pointsRepaired: bigint;
  /** How long the oldest order that the sweep cancelled was past its time, by the time-outs of today. */
  readonly oldestOverdueSeconds: number;
  /** Times that an order failed in a sweep. */
  readonly failures: number;
}

export interface FailedRun {
  readonly runId: bigint;
  readonly startedAt: string;
  readonly outcome: string;
  readonly error: string;
}

export interface FailedOrder {
  readonly orderId: bigint;
  readonly attempts: number;
  readonly lastFailedAt: string;
  /** null: set aside. */
  readonly retryAt: string | null;
  readonly error: string;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const HOURS_UP_TO_MS = 3 * DAY_MS;

/** Hours are shown for up to three days, else days. */
export function unitOf(since: Date, until: Date): Unit {
  return until.getTime() - since.getTime() <= HOURS_UP_TO_MS ? 'hour' : 'day';
}

/** The names of all spans from one time of the shop's to another ("2026-01-31 20:00:00.000"). */
export function spanNames(sinceShopTime: string, untilShopTime: string, unit: Unit): string[] {
  const step = unit === 'day' ? DAY_MS : HOUR_MS;
  const first = Math.floor(asIfUtc(sinceShopTime) / step) * step;
  const names: string[] = [];
  for (let at = first; at < asIfUtc(untilShopTime); at += step) {
    const iso = new Date(at).toISOString();
    names.push(unit === 'day' ? iso.slice(0, 10) : `${iso.slice(0, 10)} ${iso.slice(11, 16)}`);
  }
  return names;
}

const asIfUtc = (shopTime: string) => Date.parse(`${shopTime.replace(' ', 'T')}Z`);
