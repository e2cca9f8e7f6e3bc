import { setTimeout as sleep } from 'node:timers/promises';
import { serverErrno } from './errors';

/** How often a call is tried again, by the error of MySQL. */
const RETRIES: Readonly<Record<number, number>> = {
  1213: 6, // A deadlock.
  1205: 1, // A lock wait that timed out: this has already waited long.
  1305: 6, // The routine does not exist: it is being deployed anew.
  1318: 6, // Wrong number of arguments: one routine is of the new version, another not yet.
  1370: 6, // EXECUTE is denied: a routine loses its grants with its DROP, and has them again a moment later.
};
const FIRST_PAUSE_MS = 20;

/** Milliseconds before the next try; undefined: no next try. `random`: 0 to 1. */
export function pauseBeforeRetry(
  error: unknown,
  retry: number,
  random: number,
): number | undefined {
  const errno = serverErrno(error);
  if (errno === undefined || retry >= (RETRIES[errno] ?? 0)) return undefined;
  // Half of it is chance, so that two that met once don't meet again.
  return FIRST_PAUSE_MS * 2 ** retry * (0.5 + random / 2);
}

/** Does work again from its start, as often as its errors are worth it. `isOurs`: asked after an error. */
export async function withRetries<Result>(
  work: () => Promise<Result>,
  isOurs: () => boolean = () => true,
): Promise<Result> {
  for (let retry = 0; ; retry++) {
    try {
      return await work();
    } catch (error) {
      const pause = isOurs() ? pauseBeforeRetry(error, retry, Math.random()) : undefined;
      if (pause === undefined) throw error;
      await sleep(pause);
    }
  }
}
