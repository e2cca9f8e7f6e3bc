import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../docs/pages';

export const execute = promisify(execFile);

/** The file of the client's package; who packs it removes it. */
export async function packClient(): Promise<string> {
  const { stdout } = await execute('npm', ['run', '--silent', 'pack:client'], { cwd: ROOT });
  return stdout.trim();
}

/** A project of its own with these packages. */
export async function createProject(path: string, ...packages: string[]) {
  await mkdir(path);
  await writeFile(join(path, 'package.json'), '{ "name": "project", "private": true }');
  const run = (command: string, args: readonly string[], env: Record<string, string> = {}) =>
    execute(command, args, { cwd: path, env: { ...process.env, ...env } });
  await run('npm', ['install', '--no-audit', '--no-fund', ...packages]);
  const file = async (name: string, text: string) => {
    await writeFile(join(path, name), text);
    return name;
  };
  return { path, run, file };
}
