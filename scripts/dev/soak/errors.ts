import type { Connection } from 'mysql2/promise';

/** Something is broken that must never be. */
export class Violation extends Error {}

export const errnoOf = (error: unknown): number => (error as { errno?: number }).errno ?? 0;

/** Deadlocks and lock waits are the others' doing. */
export const isConflict = (error: unknown) => [1205, 1213, 3572].includes(errnoOf(error));

/**
 * 1615: a statement of a routine that was just being prepared anew. 1105: what an UPDATE of several tables says. 1045, 1142,
 * 1449 (no such definer) and 3547: it waited for the accounts' cache, which a GRANT or CREATE USER of any session holds.
 */
export const isKilled = (error: unknown) =>
  [1317, 1615, 1045, 1142, 1449, 3547].includes(errnoOf(error)) ||
  (errnoOf(error) === 1105 && /multi-table update/.test((error as Error).message));

/** Lost, refused, shut down, killed: what a client sees of a killed connection or server. */
const LOST = [0, 1053, 1152, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 3169];

export const isConnectionLost = (error: unknown): boolean =>
  !(error instanceof Violation) &&
  (/^(ECONN|EPIPE|PROTOCOL_|ETIMEDOUT)/.test((error as { code?: string }).code ?? '') ||
    ('errno' in (error as object) && LOST.includes(errnoOf(error))) ||
    /closed state/.test((error as Error).message));

/** Works until no lock conflict is in the way, as the docs ask for. */
export async function conflictsAgain<T>(db: Connection, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isConflict(error)) throw error;
      await db.query('ROLLBACK');
    }
  }
}
