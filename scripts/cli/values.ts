import { InvalidArgumentError } from '@commander-js/extra-typings';
import type { Connection } from 'mysql2/promise';
import { instantOf, type ShopClock } from '../client/shop-time';
import { orderTimeoutClock } from '../index';
import { UsageError } from './errors';

export function parseOrderId(text: string): bigint {
  const id = /^\d{1,19}$/.test(text) ? BigInt(text) : 0n;
  if (id > 0n && id < 2n ** 63n) return id;
  throw new InvalidArgumentError('Expected a positive id.');
}

/** A whole number of this range. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

/** For an option that may be given several times, and may name several at a time: 1,2. NULL: orders without a type. */
export function collectSourceTypes(text: string, earlier: readonly string[] = []): string[] {
  const types = text.split(',').map((type) => type.trim().toUpperCase());
  if (types.every((type) => /^(-?\d{1,19}|NULL)$/.test(type)))
    return [...earlier, ...types.map((type) => (type === 'NULL' ? type : String(BigInt(type))))];
  throw new InvalidArgumentError('Expected source types, such as 1 or 1,4, or NULL.');
}

/** A moment as somebody types it; what it is depends on the shop's clock. */
type Moment = (clock: ShopClock, now: Date) => Date;

export const MOMENT_HELP =
  "2026-01-31, '2026-01-31 20:00' (both in the shop's clock), 2026-01-31T12:00Z, or an age: 90d, 12h, 30m";

const UNIT_MS = { d: 86_400_000, h: 3_600_000, m: 60_000 };

export function parseMoment(text: string): Moment {
  const [, amount = '', unit] = /^(\d{1,5})([dhm])$/.exec(text) ?? [];
  if (unit !== undefined) {
    const age = Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
    return (_clock, now) => new Date(now.getTime() - age);
  }
  const [, date = '', time = '00:00', offset] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(
      text,
    ) ?? [];
  const exact = new Date(`${date}T${time}${offset ?? 'Z'}`);
  if (!isCalendarDay(date) || Number.isNaN(exact.getTime())) {
    throw new InvalidArgumentError(`Expected ${MOMENT_HELP}.`);
  }
  return offset === undefined ? (clock) => instantOf(`${date} ${time}`, clock) : () => exact;
}

/** Date.parse makes the 3rd of March of a 31st of February. */
function isCalendarDay(date: string): boolean {
  const midnight = new Date(`${date}T00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(date);
}

/** As the client takes it; needs EXECUTE on order_timeout_clock when it is given. Throws a UsageError for a moment to come. */
export async function sinceOf(
  db: Connection,
  since: Moment | undefined,
): Promise<{ since?: Date }> {
  if (since === undefined) return {};
  const now = new Date();
  const from = since(await orderTimeoutClock(db), now);
  // An all-clear of no order at all would be taken for one of the shop.
  if (from > now) throw new UsageError('--since is in the future');
  return { since: from };
}

/** From one moment to another, which is now when not given. Throws a UsageError for an empty period. */
export async function periodOf(
  db: Connection,
  since: Moment,
  until: Moment = (_clock, now) => now,
): Promise<{ since: Date; until: Date }> {
  const clock = await orderTimeoutClock(db);
  const now = new Date();
  const period = { since: since(clock, now), until: until(clock, now) };
  if (period.since >= period.until) throw new UsageError('--since must be before --until');
  return period;
}
