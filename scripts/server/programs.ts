import { dirname, join } from 'node:path';
import { type Command, findCommand, outputOf } from './commands';
import { debianProgram, debianServerOptions } from './debian/programs';
import { unpackedPackages, unpackPackages } from './debian/unpack';
import { fetchedByMemoryServer, fetchWithMemoryServer } from './memory-server/fetch';
import type { Log } from './types';
import { mysqlVersion } from './version';

/** A mysqld that runs on this machine. */
export interface Mysqld extends Command {
  readonly version: string;
  /** To be read after "a private mysqld": "from Debian's packages". */
  readonly origin: string;
}

interface Place<T> {
  readonly name: string;
  /** Undefined when there is nothing, or throws an error that says why. */
  readonly look: (log: Log) => Promise<T | undefined>;
}

/** What is on this machine already comes before what must be fetched. */
const SERVERS: readonly Place<Mysqld>[] = [
  { name: 'mysqld on the PATH', look: serverOnPath },
  { name: 'the cache', look: async () => memoryServer(await fetchedByMemoryServer()) },
  { name: 'the cache', look: async () => debianServer(await unpackedPackages()) },
  {
    name: 'mysql-memory-server',
    look: async (log) => memoryServer(await fetchWithMemoryServer(log)),
  },
  { name: "Debian's packages", look: async (log) => debianServer(await unpackPackages(log)) },
];

const CLIENTS: readonly Place<Command>[] = [
  { name: 'mysql on the PATH', look: clientOnPath },
  { name: 'the cache', look: async () => memoryServerClient(await fetchedByMemoryServer()) },
  { name: 'the cache', look: async () => debianClient(await unpackedPackages()) },
  { name: "Debian's packages", look: async (log) => debianClient(await unpackPackages(log)) },
];

/** The mysqld to run, fetched when there is none. Throws an Error with the reason for every place. */
export function findMysqld(log: Log): Promise<Mysqld> {
  return firstOf(SERVERS, log);
}

/**
 * The `mysql` command-line client: the one on the PATH when it is MySQL's, else the one that came
 * with the server, else Debian's. It reads no option files, so that it works the same everywhere.
 */
export function mysqlClientCommand(log: Log = () => undefined): Promise<Command> {
  return firstOf(CLIENTS, log);
}

async function firstOf<T>(places: readonly Place<T>[], log: Log): Promise<T> {
  const reasons: string[] = [];
  for (const { name, look } of places) {
    try {
      const found = await look(log);
      if (found !== undefined) return found;
    } catch (error) {
      reasons.push(`${name}: ${(error as Error).message}`);
    }
  }
  throw new Error(reasons.join('\n'));
}

async function serverOnPath(): Promise<Mysqld> {
  const command = await findCommand('mysqld', ['/usr/sbin', '/usr/local/sbin']);
  if (command === undefined) throw new Error('there is none');
  return server({ command, args: ['--no-defaults'] }, `at ${command}`);
}

async function memoryServer(path: string | undefined): Promise<Mysqld | undefined> {
  if (path === undefined) return undefined;
  return server({ command: path, args: ['--no-defaults'] }, 'fetched by mysql-memory-server');
}

async function debianServer(prefix: string | undefined): Promise<Mysqld | undefined> {
  if (prefix === undefined) return undefined;
  const { command, args } = await debianProgram(prefix, 'sbin/mysqld');
  const options = ['--no-defaults', ...debianServerOptions(prefix)];
  return server({ command, args: [...args, ...options] }, "from Debian's packages");
}

async function server(program: Command, origin: string): Promise<Mysqld> {
  return { ...program, version: await versionOf(program), origin };
}

async function clientOnPath(): Promise<Command> {
  const command = await findCommand('mysql');
  if (command === undefined) throw new Error('there is none');
  return client({ command, args: [] });
}

async function memoryServerClient(mysqld: string | undefined): Promise<Command | undefined> {
  return mysqld === undefined
    ? undefined
    : client({ command: join(dirname(mysqld), 'mysql'), args: [] });
}

async function debianClient(prefix: string | undefined): Promise<Command | undefined> {
  return prefix === undefined ? undefined : client(await debianProgram(prefix, 'bin/mysql'));
}

async function client({ command, args }: Command): Promise<Command> {
  const program = { command, args: [...args, '--no-defaults'] };
  await versionOf(program);
  return program;
}

/** Runs the program for its version, which shows at once whether it is a MySQL and works here. */
async function versionOf(program: Command): Promise<string> {
  const printed = await outputOf(program, '--version');
  if (printed === undefined) throw new Error(`${program.command} does not run on this machine`);
  return mysqlVersion(printed);
}
