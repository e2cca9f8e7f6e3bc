import type { Connection } from 'mysql2/promise';
import { select } from '../migrate/connection';
import { quoteName, quoteString } from '../migrate/quote';

export const EVENT = 'order_timeout_tick';

export interface EventState {
  /** ENABLED, DISABLED, or off because it came from another server. */
  readonly status: EventStatus;
  /** user@host */
  readonly definer: string;
}

export type EventStatus = 'ENABLED' | 'DISABLED' | 'REPLICA_SIDE_DISABLED';

/** The event in the connection's database; undefined: there is none. */
export async function readEvent(db: Connection): Promise<EventState | undefined> {
  const [row] = await select<{ status: string; definer: string }>(
    db,
    `SELECT status AS status, definer AS definer FROM information_schema.events
      WHERE event_schema = DATABASE() AND event_name = '${EVENT}'`,
  );
  return row && { status: eventStatus(row.status), definer: row.definer };
}

/** 8.x says SLAVESIDE_DISABLED. */
export function eventStatus(status: string): EventStatus {
  return status === 'ENABLED' || status === 'DISABLED' ? status : 'REPLICA_SIDE_DISABLED';
}

/** Switches the event on. Without DEFINER the event would become that of whoever runs this. */
export function enableEvent(definer: string): string {
  const at = definer.lastIndexOf('@');
  const account = `${quoteString(definer.slice(0, at))}@${quoteString(definer.slice(at + 1))}`;
  return `ALTER DEFINER = ${account} EVENT ${quoteName(EVENT)} ENABLE`;
}
