import type { Connection } from 'mysql2/promise';
import { type EventState, readEvent } from '../failover/event';
import { NO_ACCESS, readTopology, type Topology, TopologyUnreadable } from '../failover/topology';
import { select } from '../migrate/connection';
import { errnoOf } from '../migrate/errors';
import type { Source } from '../migrate/source';
import { type DatabaseState, readState } from '../migrate/state';
import { compare, type Verification } from '../migrate/verify';

/** All that the checks decide on. */
export interface Facts {
  readonly source: Source;
  readonly state: DatabaseState;
  readonly verification: Verification;
  /** An error: this account may not see it. */
  readonly topology: Topology | TopologyUnreadable;
  readonly event: EventState | undefined;
  /** Whether the scheduler's thread is there; undefined: this account may not see it. */
  readonly hasSchedulerThread: boolean | undefined;
  /** Accounts that objects run as and that do not exist; undefined: this account may not see them. */
  readonly lostDefiners: readonly string[] | undefined;
  /** Reads of each of the shop's indexes ("orders.name") since the server's start; undefined: may not be seen. */
  readonly indexReads: ReadonlyMap<string, number> | undefined;
  readonly uptimeSeconds: number;
}

/** Reads what there is to see on this server, with the session of openSession(). */
export async function readFacts(db: Connection, source: Source): Promise<Facts> {
  const state = await readState(db, source);
  return {
    source,
    state,
    verification: compare(source, state),
    topology: await readTopology(db).catch((error: unknown) => {
      if (error instanceof TopologyUnreadable) return error;
      throw error;
    }),
    event: await readEvent(db),
    hasSchedulerThread: await ifAllowed(() => readSchedulerThread(db)),
    lostDefiners: await ifAllowed(() => readLostDefiners(db, state)),
    indexReads: await ifAllowed(() => readIndexReads(db)),
    uptimeSeconds: await readUptime(db),
  };
}

async function ifAllowed<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (NO_ACCESS.includes(errnoOf(error) ?? 0)) return undefined;
    throw error;
  }
}

async function readSchedulerThread(db: Connection): Promise<boolean> {
  const rows = await select(
    db,
    "SELECT 1 FROM performance_schema.threads WHERE name = 'thread/sql/event_scheduler'",
  );
  return rows.length > 0;
}

async function readLostDefiners(db: Connection, { objects }: DatabaseState): Promise<string[]> {
  const rows = await select<{ account: string }>(
    db,
    "SELECT CONCAT(user, '@', host) AS account FROM mysql.user",
  );
  const present = new Set(rows.map(({ account }) => account));
  return [...new Set(objects.map(({ definer }) => definer))].filter(
    (definer) => !present.has(definer),
  );
}

async function readIndexReads(db: Connection): Promise<Map<string, number>> {
  const rows = await select<{ name: string; reads: string }>(
    db,
    `SELECT CONCAT(object_name, '.', index_name) AS name, CAST(count_read AS CHAR) AS \`reads\`
       FROM performance_schema.table_io_waits_summary_by_index_usage
      WHERE object_schema = DATABASE() AND index_name IS NOT NULL`,
  );
  return new Map(rows.map(({ name, reads }) => [name, Number(reads)]));
}

async function readUptime(db: Connection): Promise<number> {
  const [row] = await select<{ Value: string }>(db, "SHOW GLOBAL STATUS LIKE 'Uptime'");
  return Number(row?.Value ?? 0);
}
