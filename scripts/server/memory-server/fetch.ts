import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheFolder } from '../cache';
import { tail } from '../logs';
import type { Log } from '../types';
import { startWatchdog } from '../watchdog';

/** The LTS series that mysql-memory-server is asked for. */
const VERSION = '9.7.x';
/** It downloads from here; a machine that can't reach it finds out in seconds this way. */
const DOWNLOADS = 'https://cdn.mysql.com/';
const REACHED_WITHIN_MS = 3_000;
const FETCHED_WITHIN_MS = 5 * 60_000;

/** The mysqld that mysql-memory-server fetched earlier, if it is still there. */
export async function fetchedByMemoryServer(): Promise<string | undefined> {
  const path = (await readFile(note(), 'utf8').catch(() => '')).trim();
  return existsSync(path) ? path : undefined;
}

/** Has mysql-memory-server fetch a mysqld, and returns its path. Throws when it can't. */
export async function fetchWithMemoryServer(log: Log): Promise<string> {
  try {
    await fetch(DOWNLOADS, { method: 'HEAD', signal: AbortSignal.timeout(REACHED_WITHIN_MS) });
  } catch {
    throw new Error(`${DOWNLOADS} can't be reached`);
  }
  log('Fetching MySQL with mysql-memory-server, once …');
  const output = join(tmpdir(), `order-timeout-fetch-${randomUUID()}.log`);
  const watchdog = startWatchdog({ removes: [output] });
  try {
    const script = join(__dirname, 'fetch-process.mjs');
    const run = await watchdog.run(process.execPath, [script, VERSION], { log: output });
    const inTime = new AbortController();
    const end = await Promise.race([
      run.ended,
      sleep(FETCHED_WITHIN_MS, undefined, { signal: inTime.signal }),
    ]).finally(() => {
      inTime.abort();
    });
    const last = await tail(output, 1);
    if (end === undefined) throw new Error('not fetched within 5 minutes');
    if (end.code !== 0) throw new Error(last);
    await mkdir(dirname(note()), { recursive: true });
    await writeFile(note(), `${last}\n`);
    return last;
  } finally {
    await watchdog.end();
  }
}

function note(): string {
  return join(cacheFolder(), `mysql-memory-server-${process.arch}.path`);
}
