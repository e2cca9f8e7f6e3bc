import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify } from './connect';
import { makeDataDirectory, rootPassword } from './data-directory';
import { tail } from './logs';
import { freePort } from './ports';
import { findMysqld } from './programs';
import { serverArguments, type Settings } from './settings';
import type { Log, MysqlServer } from './types';
import { type ProcessEnd, startWatchdog, type WatchedProcess } from './watchdog';

export interface PrivateMysqldOptions {
  /** Used as it is when it was made here before, made otherwise, and kept. Default: a temporary one. */
  readonly dataDir?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Over the settings that every server here has. */
  readonly settings?: Settings;
  readonly log?: Log;
}

export interface PrivateMysqld {
  readonly url: string;
  readonly version: string;
  /** To be read after "a private mysqld": "from Debian's packages". */
  readonly origin: string;
  readonly port: number;
  /** Of the process that runs, or ran last. */
  readonly pid: number;
  readonly dataDir: string;
  readonly socket: string;
  readonly errorLog: string;
  /** Sends a signal; when it is one that ends the process, waits for the end. */
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  /** Starts it again on the same data and port, with these settings on top; shuts it down before if it runs. */
  restart(settings?: Settings): Promise<void>;
  /** Stops it and removes what is temporary. Idempotent. */
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 120_000;
const SHUT_DOWN_WITHIN_MS = 60_000;
const PORTS_TRIED = 10;

/** The third way to a server: a mysqld for this process alone. */
export async function privateServer(log: Log, settings: Settings): Promise<MysqlServer> {
  const server = await startPrivateMysqld({ log, settings });
  return {
    source: 'private',
    description: `MySQL ${server.version}, a private mysqld ${server.origin}`,
    url: server.url,
    stop: () => server.stop(),
  };
}

/**
 * Starts a mysqld that listens on the loopback only, under a watchdog: however this process ends,
 * the mysqld ends with it, and what is temporary goes. Throws an Error with the end of the server's
 * log when it does not come up.
 */
export async function startPrivateMysqld({
  dataDir: givenDataDir,
  port: givenPort,
  settings: ownSettings = {},
  log = () => undefined,
}: PrivateMysqldOptions = {}): Promise<PrivateMysqld> {
  const mysqld = await findMysqld(log);
  const temporary = join(tmpdir(), `order-timeout-${randomBytes(6).toString('hex')}`);
  const dataDir = givenDataDir === undefined ? join(temporary, 'data') : resolve(givenDataDir);
  const socket = join(temporary, 'mysqld.sock');
  const errorLog = join(temporary, 'error.log');
  const watchdog = startWatchdog({ removes: [temporary] });

  function run(...args: string[]): Promise<WatchedProcess> {
    const always = [`--datadir=${dataDir}`, `--log-error=${errorLog}`, '--secure-file-priv=NULL'];
    const user = process.getuid?.() === 0 ? ['--user=root'] : [];
    const all = [...mysqld.args, ...always, ...user, ...args];
    return watchdog.run(mysqld.command, all, { log: errorLog, cwd: temporary });
  }

  async function launch(
    password: string,
    port: number,
    settings: Settings = {},
  ): Promise<Launched> {
    const place: Settings = { 'bind-address': '127.0.0.1', port: String(port), socket };
    const child = await run(...serverArguments(ownSettings, settings, place));
    const url = `mysql://root:${password}@127.0.0.1:${port}`;
    return { child, port, url, version: await untilReady(url, child, errorLog) };
  }

  async function launchOnFreePort(password: string): Promise<Launched> {
    for (let left = PORTS_TRIED; ; left--) {
      try {
        return await launch(password, await freePort());
      } catch (error) {
        if (!(error instanceof PortTaken) || left === 1) throw error;
      }
    }
  }

  let password: string;
  let running: Launched;
  try {
    await mkdir(temporary, { mode: 0o700 });
    password = (await rootPassword(dataDir)) ?? (await makeDataDirectory(dataDir, temporary, run));
    running = await (givenPort === undefined
      ? launchOnFreePort(password)
      : launch(password, givenPort));
  } catch (error) {
    await watchdog.end();
    throw error;
  }

  let stopped: Promise<void> | undefined;
  async function stopNow(): Promise<void> {
    // What is temporary needs no shutdown.
    if (givenDataDir !== undefined) await shutDown(running.child);
    await watchdog.end();
  }

  return {
    url: running.url,
    version: running.version,
    origin: mysqld.origin,
    port: running.port,
    dataDir,
    socket,
    errorLog,
    get pid() {
      return running.child.pid;
    },
    async kill(signal) {
      running.child.signal(signal);
      if (signal === 'SIGKILL' || signal === 'SIGTERM') await running.child.ended;
    },
    async restart(settings = {}) {
      await shutDown(running.child);
      running = await launch(password, running.port, settings);
    },
    stop: () => (stopped ??= stopNow()),
  };
}

interface Launched {
  readonly child: WatchedProcess;
  readonly port: number;
  readonly url: string;
  readonly version: string;
}

class PortTaken extends Error {}

/** Waits until root can connect, and returns the version. Root's password makes sure that it is our server. */
async function untilReady(url: string, child: WatchedProcess, errorLog: string): Promise<string> {
  const deadline = Date.now() + READY_WITHIN_MS;
  for (;;) {
    const end = await Promise.race([child.ended, sleep(50)]);
    if (end !== undefined) throw await startFailure(new URL(url).port, end, errorLog);
    try {
      return (await identify(url)).version;
    } catch (error) {
      if (Date.now() > deadline) {
        throw new Error(`mysqld did not get ready.\n${await tail(errorLog, 10)}`, { cause: error });
      }
    }
  }
}

async function startFailure(port: string, end: ProcessEnd, errorLog: string): Promise<Error> {
  const lines = await tail(errorLog, 10);
  if (lines.includes(`server running on port: ${port} `)) {
    return new PortTaken(`Port ${port} is taken; mysqld could not listen on it.`);
  }
  const how = end.signal ?? `exit code ${String(end.code)}`;
  return new Error(`mysqld ended (${how}) before it was ready.\n${lines}`);
}

async function shutDown(child: WatchedProcess): Promise<void> {
  child.signal('SIGTERM');
  const end = await Promise.race([
    child.ended,
    sleep(SHUT_DOWN_WITHIN_MS, undefined, { ref: false }),
  ]);
  if (end === undefined) child.signal('SIGKILL');
  await child.ended;
}
