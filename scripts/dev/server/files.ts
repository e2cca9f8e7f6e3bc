import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { lock } from 'proper-lockfile';

/** Takes one line for the person who waits. */
export type Log = (line: string) => void;

/** A program and the arguments that always come first. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/** The full path of a command on the PATH, or in one of the folders named besides. */
export async function findCommand(name: string, alsoIn: readonly string[] = []) {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...alsoIn]) {
    const path = join(folder, name);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (folder !== '' && isThere) return path;
  }
  return undefined;
}

/** What a command prints, or undefined when it fails or takes longer than a few seconds. */
export function outputOf({ command, args }: Command, ...more: string[]) {
  return promisify(execFile)(command, [...args, ...more], { timeout: 10_000 }).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
}

/** The last lines of a file, or '' when there is none. */
export async function tail(path: string, lines: number): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

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
