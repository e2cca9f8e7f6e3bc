import { createHash, randomBytes, randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { constants, existsSync } from 'node:fs';
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { identify, type MysqlServer } from './connect';
import { cacheFolder, type Log, oneAtATime, tail } from './files';
import { findMysqld, type Mysqld } from './programs';
import { serverArguments, type Settings } from './settings';
import { type ProcessEnd, startWatchdog, type WatchedProcess } from './watchdog';

export interface PrivateMysqld {
  readonly url: string;
  /** One line that says which it is. */
  readonly description: string;
  readonly version: string;
  readonly port: number;
  /** Of the process that runs, or ran last. */
  readonly pid: number;
  readonly dataDir: string;
  /** Sends a signal; when it is one that ends the process, waits for the end. */
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  /** Starts it again on the same data and port, with these settings on top; shuts it down before if it runs. */
  restart(settings?: Settings): Promise<void>;
  /** Stops it and removes what it has. Idempotent. */
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 120_000;
const SHUT_DOWN_WITHIN_MS = 60_000;
const PORTS_TRIED = 10;

/** The third way to a server: a mysqld for this process alone. */
export async function privateServer(log: Log, settings: Settings): Promise<MysqlServer> {
  const server = await startPrivateMysqld({ log, settings });
  const { description, url } = server;
  return { source: 'private', description, url, stop: () => server.stop() };
}

/**
 * Starts a mysqld that listens on the loopback only, under a watchdog: however this process ends,
 * the mysqld ends with it, and what it has goes. Throws an Error with the end of the server's
 * log when it does not come up. `settings`: over those that every server here has.
 */
export async function startPrivateMysqld({
  settings: ownSettings = {},
  log = () => undefined,
}: { settings?: Settings; log?: Log } = {}): Promise<PrivateMysqld> {
  const mysqld = await findMysqld(log);
  const folder = join(tmpdir(), `order-timeout-${randomBytes(6).toString('hex')}`);
  const dataDir = join(folder, 'data');
  const errorLog = join(folder, 'error.log');
  const password = randomBytes(16).toString('hex');
  const watchdog = startWatchdog({ removes: [folder] });

  function run(...args: string[]): Promise<WatchedProcess> {
    const always = [`--datadir=${dataDir}`, `--log-error=${errorLog}`, '--secure-file-priv=NULL'];
    const all = [...mysqld.args, ...always, ...asRoot(), ...args];
    return watchdog.run(mysqld.command, all, { log: errorLog, cwd: folder });
  }

  /** Read by the first start, before anybody can connect. */
  async function writeAccounts(): Promise<string> {
    const accounts = join(folder, 'accounts.sql');
    await writeFile(
      accounts,
      `SET SESSION sql_log_bin = 0;
ALTER USER 'root'@'localhost' IDENTIFIED BY '${password}';
CREATE USER 'root'@'%' IDENTIFIED BY '${password}';
GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;
`,
    );
    return accounts;
  }

  async function launch(port: number, settings: Settings = {}) {
    const place: Settings = {
      'bind-address': '127.0.0.1',
      port: String(port),
      socket: join(folder, 'mysqld.sock'),
    };
    const child = await run(...serverArguments(ownSettings, settings, place));
    const url = `mysql://root:${password}@127.0.0.1:${port}`;
    return { child, port, url, version: await untilReady(url, child, errorLog) };
  }

  async function launchOnFreePort(settings: Settings) {
    for (let left = PORTS_TRIED; ; left--) {
      try {
        return await launch(await freePort(), settings);
      } catch (error) {
        if (!(error instanceof PortTaken) || left === 1) throw error;
      }
    }
  }

  let running: Awaited<ReturnType<typeof launch>>;
  try {
    const madeData = await makeData(mysqld);
    await mkdir(folder, { mode: 0o700 });
    await cp(madeData, dataDir, { recursive: true, mode: constants.COPYFILE_FICLONE });
    running = await launchOnFreePort({ 'init-file': await writeAccounts() });
  } catch (error) {
    await watchdog.end();
    throw error;
  }
  const { url, version, port } = running;
  return {
    url,
    description: `MySQL ${version}, a private mysqld ${mysqld.origin}`,
    version,
    port,
    dataDir,
    get pid() {
      return running.child.pid;
    },
    async kill(signal) {
      running.child.signal(signal);
      if (signal === 'SIGKILL' || signal === 'SIGTERM') await running.child.ended;
    },
    async restart(settings = {}) {
      await shutDown(running.child);
      running = await launch(port, settings);
    },
    stop: () => watchdog.end(),
  };
}

const asRoot = () => (process.getuid?.() === 0 ? ['--user=root'] : []);

/**
 * A data directory as this mysqld makes it, without accounts of ours. It takes seconds to make one, so
 * it is kept in the cache, there in one piece or not, and every server starts with a copy.
 */
async function makeData({ command, args, version }: Mysqld): Promise<string> {
  const id = createHash('sha256')
    .update(JSON.stringify([command, args, version]))
    .digest('hex');
  const made = join(cacheFolder(), `data-${id.slice(0, 12)}`);
  if (existsSync(made)) return made;
  return oneAtATime('data', async () => {
    if (existsSync(made)) return made;
    const work = join(cacheFolder(), `data-${randomUUID()}`);
    const [data, log] = [join(work, 'data'), join(work, 'error.log')];
    const watchdog = startWatchdog({ removes: [work] });
    try {
      await mkdir(work, { mode: 0o700 });
      const options = [`--datadir=${data}`, `--log-error=${log}`, '--innodb-redo-log-capacity=8M'];
      const all = [...args, ...asRoot(), ...options, '--initialize-insecure'];
      const { ended } = await watchdog.run(command, all, { log, cwd: work });
      const { code } = await ended;
      if (code !== 0)
        throw new Error(`mysqld could not make its data directory.\n${await tail(log, 10)}`);
      // The server's own id: each gets another one.
      await rm(join(data, 'auto.cnf'));
      await rename(data, made);
      return made;
    } finally {
      await watchdog.end();
    }
  });
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

/**
 * A TCP port of the loopback that nobody listens on. It lies below the ports that systems hand out
 * for outgoing connections, so that a server can come back to it later. Another process may still
 * take it first: whoever listens on it must be ready to ask for another.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_768);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    await promisify(server.close.bind(server))();
    return true;
  } catch {
    return false;
  }
}
