import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { lock } from 'proper-lockfile';

/** Where what was fetched is kept for the next time. Deleting it is always safe. */
export function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME ?? '';
  return join(base === '' ? join(homedir(), '.cache') : base, 'order-timeout');
}

/**
 * Does something that no other process on this machine does at the same time. Should the lock be
 * lost (a laptop asleep for longer than it lasts), the work goes on: it must be safe, if wasteful,
 * to do twice.
 */
export async function oneAtATime<T>(name: string, work: () => Promise<T>): Promise<T> {
  const folder = cacheFolder();
  await mkdir(folder, { recursive: true });
  const release = await lock(join(folder, name), {
    realpath: false,
    stale: 6_000,
    onCompromised: () => undefined,
    retries: { retries: 3000, factor: 1, minTimeout: 200, maxTimeout: 200 },
  });
  try {
    return await work();
  } finally {
    await release().catch(() => undefined);
  }
}
