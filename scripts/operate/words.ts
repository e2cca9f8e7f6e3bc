import type { ShopClock } from '../client/shop-time';
import { shopTimeOf } from '../client/shop-time';

/** An instant for people, in the shop's clock: 2026-01-31 20:00:00 (+08:00). */
export function describeInstant(instant: Date, clock: ShopClock): string {
  return `${shopTimeOf(instant, clock).slice(0, 19)} (${clock})`;
}

/** 41 min, 3 h 5 min, 2 d 4 h. */
export function describeDuration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${seconds} s`;
}
