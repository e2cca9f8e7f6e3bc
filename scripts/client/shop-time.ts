const QUARTER_HOUR_MS = 15 * 60_000;

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

/** Milliseconds of "2026-01-31 12:00:00.000", read as UTC. */
function asIfUtc(dateTime: string): number {
  return Date.parse(`${dateTime.replace(' ', 'T')}Z`);
}
