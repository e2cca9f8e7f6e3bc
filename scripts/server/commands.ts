import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const executeFile = promisify(execFile);

/** A program and the arguments that always come first. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/** The full path of a command on the PATH, or in one of the folders named besides. */
export async function findCommand(
  name: string,
  alsoIn: readonly string[] = [],
): Promise<string | undefined> {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...alsoIn]) {
    const path = join(folder, name);
    if (folder !== '' && (await canExecute(path))) return path;
  }
  return undefined;
}

/** What a command prints, or undefined when it fails or takes longer than a few seconds. */
export async function outputOf(
  { command, args }: Command,
  ...more: string[]
): Promise<string | undefined> {
  try {
    return (await executeFile(command, [...args, ...more], { timeout: 10_000 })).stdout.trim();
  } catch {
    return undefined;
  }
}

async function canExecute(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
