import type { Connection } from 'mysql2/promise';
import { select, selectColumn } from '../../deploy/connection';
import { type Finding as Mistake, ifAllowed } from '../../deploy/errors';
import type { Source } from '../../deploy/source';
import { readShop } from '../../deploy/shop';
import { type DatabaseState, definersOf, findDeployed, readState } from '../../deploy/state';
import { compare, readHeartbeat } from '../../deploy/status';
import { EVENT, EVENT_KEY, mayWrite, readTopology, TopologyUnreadable } from '../topology';

/** What a check saw of the event, the scheduler and the like. */
export interface Finding extends Pick<Mistake, 'about' | 'text' | 'remedy'> {
  /** `fail`: the order timeout is not, or soon not, at work as it must be. */
  readonly severity: 'ok' | 'warn' | 'fail';
}

/** The findings of one check. */
export const findingsAbout = (about: string) => ({
  ok: (text: string): Finding => ({ about, severity: 'ok', text, remedy: '' }),
  warn: (text: string, remedy: string): Finding => ({ about, severity: 'warn', text, remedy }),
  fail: (text: string, remedy: string): Finding => ({ about, severity: 'fail', text, remedy }),
});

/** All that the checks decide on. Undefined, where it isn't said otherwise: this account may not see it. */
export type Facts = Awaited<ReturnType<typeof readFacts>>;

/** A statement that waits for a metadata lock in the shop's schema, and makes others wait. */
interface LockWait {
  readonly table: string;
  readonly waiting: number;
  readonly statement: string | null;
  /** The connections that it waits for. */
  readonly holders: string;
}

/** Reads what there is to see on this server, with a session of ours. */
export async function readFacts(db: Connection, source: Source) {
  const state = await readState(db, source);
  const topology = await readTopology(db).catch((error: unknown) => {
    if (error instanceof TopologyUnreadable) return error;
    throw error;
  });
  const { accounts } = state;
  const isOn = (name: string) => state.server.variables.get(name) === 'ON';
  const threads = await ifAllowed(selectColumn(db, SCHEDULER_THREAD));
  const isReadOnly = isOn('read_only') || isOn('super_read_only');
  return {
    source,
    state,
    verification: compare(await readShop(db, source, state), state),
    topology,
    /** The server takes writes, and the sweep may run here. */
    isOpen: topology instanceof Error ? !isReadOnly : mayWrite(topology),
    /** Undefined: there is none. */
    event: findDeployed(state, EVENT_KEY),
    /** What the event scheduler has last said of the event in the server's log, within 5 minutes; null: nothing. */
    eventError: await ifAllowed(readEventError(db)),
    /** Null: no sweep has ended yet. */
    heartbeat: await ifAllowed(readHeartbeat(db)),
    hasSchedulerThread: threads && threads.length > 0,
    /** Accounts that objects run as and that do not exist. */
    lostDefiners: accounts && definersOf(state).filter((definer) => !accounts.includes(definer)),
    /** Accounts with EXECUTE on the whole schema, beside those that objects run as and those that deploy. */
    schemaCallers: await ifAllowed(readSchemaCallers(db, state)),
    lockWaits: await ifAllowed(readLockWaits(db)),
  };
}

async function readEventError(db: Connection) {
  const rows = await select<{ text: string; secondsAgo: number }>(
    db,
    `SELECT data AS text, TIMESTAMPDIFF(SECOND, logged, NOW(6)) AS secondsAgo FROM performance_schema.error_log
      WHERE logged > NOW(6) - INTERVAL 5 MINUTE AND LOCATE(CONCAT('[', DATABASE(), '.${EVENT}]'), data) > 0
      ORDER BY logged DESC LIMIT 1`,
  );
  return rows[0] ?? null;
}

const SCHEDULER_THREAD =
  "SELECT thread_id FROM performance_schema.threads WHERE name = 'thread/sql/event_scheduler'";

async function readSchemaCallers(db: Connection, state: DatabaseState): Promise<string[]> {
  // Who may replace the routines needs none of them. Under partial_revokes a schema's name is no pattern.
  const callers = await selectColumn(
    db,
    `SELECT CONCAT(user, '@', host) FROM mysql.db
      WHERE execute_priv = 'Y' AND alter_routine_priv = 'N'
        AND (db = DATABASE() OR DATABASE() LIKE db AND NOT @@GLOBAL.partial_revokes)`,
  );
  const definers = definersOf(state);
  return callers.filter((account) => !definers.includes(account));
}

const readLockWaits = (db: Connection) =>
  select<LockWait>(
    db,
    `SELECT pending.object_name AS \`table\`, waiter.processlist_id AS waiting,
            LEFT(waiter.processlist_info, 80) AS statement,
            GROUP_CONCAT(DISTINCT holder.processlist_id ORDER BY holder.processlist_id SEPARATOR ', ') AS holders
       FROM performance_schema.metadata_locks AS pending
       JOIN performance_schema.threads AS waiter ON waiter.thread_id = pending.owner_thread_id
       JOIN performance_schema.metadata_locks AS granted
         ON granted.object_type = 'TABLE' AND granted.object_schema = pending.object_schema
        AND granted.object_name = pending.object_name AND granted.lock_status = 'GRANTED'
        AND granted.owner_thread_id <> pending.owner_thread_id
       JOIN performance_schema.threads AS holder ON holder.thread_id = granted.owner_thread_id
      WHERE pending.object_type = 'TABLE' AND pending.object_schema = DATABASE() AND pending.lock_status = 'PENDING'
        AND pending.lock_type IN ('EXCLUSIVE', 'SHARED_NO_READ_WRITE', 'SHARED_NO_WRITE')
      GROUP BY pending.object_name, waiter.processlist_id, waiter.processlist_info`,
  );
