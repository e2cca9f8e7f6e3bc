import type { ShopClock } from './clock';

const MINUTE_MS = 60_000;
const QUARTER_HOUR_MS = 15 * MINUTE_MS;

/**
 * The instant of a DATETIME in the shop's clock. The clock itself is a setting that the application's
 * account may not read, so its offset is told from the server's UTC time read right after the
 * DATETIME was written: UTC offsets are whole quarters of an hour, and writing takes less than half of one.
 */
export function instantJustWritten(shopTime: string, utcNow: string): Date {
  const written = asIfUtc(shopTime);
  const offset = Math.round((written - asIfUtc(utcNow)) / QUARTER_HOUR_MS) * QUARTER_HOUR_MS;
  return new Date(written - offset);
}

/** The instant of a DATETIME in the shop's clock. */
export function instantOf(shopTime: string, clock: ShopClock): Date {
  return new Date(asIfUtc(shopTime) - offsetMs(clock));
}

/** The DATETIME(3) of an instant in the shop's clock, such as "2026-01-31 20:00:00.000". */
export function shopTimeOf(instant: Date, clock: ShopClock): string {
  const shifted = new Date(instant.getTime() + offsetMs(clock)).toISOString();
  return shifted.replace('T', ' ').replace('Z', '');
}

/** Milliseconds of "2026-01-31 12:00:00.000", read as UTC. */
function asIfUtc(dateTime: string): number {
  return Date.parse(`${dateTime.replace(' ', 'T')}Z`);
}

/** Milliseconds of "+08:00". */
function offsetMs(clock: ShopClock): number {
  const [hours = 0, minutes = 0] = clock.slice(1).split(':').map(Number);
  return (clock.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * MINUTE_MS;
}
