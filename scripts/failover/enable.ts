import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { openSession, select, type Target } from '../migrate/connection';
import { enableEvent } from './event';
import { roleOf } from './role';
import { readTopology } from './topology';

/** The server could not be closed again. */
export class LeftOpen extends Error {
  constructor(override readonly cause: Error) {
    super(
      `super_read_only could not be switched on again (${cause.message}). read_only is on. ` +
        'Unless it has become the primary, run there: SET GLOBAL super_read_only = ON',
    );
    this.name = 'LeftOpen';
  }
}

/**
 * Switches the event on where nothing may be written: nothing of it gets into the binary log, and however it ends,
 * super_read_only is on again, unless the server was promoted meanwhile.
 * Throws LeftOpen, mysql2's errors, or an Error when the server has made a transaction of its own meanwhile.
 */
export async function enableOnReadOnly(target: Target, definer: string): Promise<void> {
  const db = await openSession(target);
  try {
    const [before] = await select<{ executed: string }>(
      db,
      'SELECT @@GLOBAL.gtid_executed AS executed',
    );
    try {
      await db.query('SET GLOBAL super_read_only = OFF');
      await db.query('SET SESSION sql_log_bin = 0');
      await db.query(enableEvent(definer));
      await db.query('SET SESSION sql_log_bin = 1');
    } finally {
      await closeAgain(db, target);
    }
    await requireNoOwnTransaction(db, before?.executed ?? '');
  } finally {
    db.destroy();
  }
}

const CLOSE_ATTEMPTS = 5;

async function closeAgain(db: Connection, target: Target): Promise<void> {
  try {
    await close(db);
  } catch {
    await closeOverNewConnection(target);
  }
}

async function closeOverNewConnection(target: Target): Promise<void> {
  for (let left = CLOSE_ATTEMPTS; ; left -= 1) {
    try {
      const fresh = await openSession(target);
      try {
        await close(fresh);
        return;
      } finally {
        fresh.destroy();
      }
    } catch (error) {
      if (left === 1) throw new LeftOpen(error as Error);
      await sleep(500);
    }
  }
}

/** A server that has become its group's primary meanwhile must stay open. */
async function close(db: Connection): Promise<void> {
  if (roleOf(await readTopology(db)) === 'primary') return;
  await db.query('SET GLOBAL super_read_only = ON');
  if (roleOf(await readTopology(db)) !== 'primary') return;
  await db.query('SET GLOBAL super_read_only = OFF');
  await db.query('SET GLOBAL read_only = OFF');
}

/** A group's transactions bear the group's name, a source's bear the source's: one with our own is errant. */
async function requireNoOwnTransaction(db: Connection, before: string): Promise<void> {
  const [row] = await select<{ fresh: string; uuid: string }>(
    db,
    'SELECT GTID_SUBTRACT(@@GLOBAL.gtid_executed, ?) AS fresh, @@GLOBAL.server_uuid AS uuid',
    [before],
  );
  if (row !== undefined && row.fresh.includes(row.uuid)) {
    throw new Error(
      `somebody has written to it while super_read_only was off: ${row.fresh} is in its gtid_executed and nowhere else`,
    );
  }
}
