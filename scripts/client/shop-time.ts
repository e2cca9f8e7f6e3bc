/** The UTC offset in which the shop writes its DATETIMEs, such as "+08:00". */
export type ShopClock = string;

const MINUTE_MS = 60_000;

/** The instant of a DATETIME in the shop's clock. */
export function instantOf(shopTime: string, clock: ShopClock): Date {
  return new Date(Date.parse(`${shopTime.replace(' ', 'T')}Z`) - offsetMs(clock));
}

/** The DATETIME(3) of an instant in the shop's clock, such as "2026-01-31 20:00:00.000". */
export function shopTimeOf(instant: Date, clock: ShopClock): string {
  const shifted = new Date(instant.getTime() + offsetMs(clock)).toISOString();
  return shifted.replace('T', ' ').replace('Z', '');
}

/** Milliseconds of "+08:00". */
export function offsetMs(clock: ShopClock): number {
  const [hours = 0, minutes = 0] = clock.slice(1).split(':').map(Number);
  return (clock.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * MINUTE_MS;
}
