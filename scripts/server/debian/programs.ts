import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '../commands';

const MULTIARCH: Partial<Record<NodeJS.Architecture, string>> = {
  x64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
};

/**
 * How a program that was unpacked into a folder is run: through the dynamic linker in there, because
 * it needs the C library of its own suite, which is newer than the machine's.
 */
export async function debianProgram(prefix: string, path: string): Promise<Command> {
  const libraries = join(prefix, 'usr/lib', MULTIARCH[process.arch] ?? '');
  const linker = (await readdir(libraries)).find((name) => /^ld-linux-.*\.so\.\d+$/.test(name));
  if (linker === undefined) throw new Error(`no dynamic linker in ${libraries}`);
  const searched = [libraries, join(prefix, 'usr/lib/mysql/private')].join(':');
  return {
    command: join(libraries, linker),
    args: ['--library-path', searched, join(prefix, 'usr', path)],
  };
}

/** Tells a server that was unpacked into a folder where its files are. */
export function debianServerOptions(prefix: string): string[] {
  return [
    `--basedir=${prefix}/usr`,
    `--plugin-dir=${prefix}/usr/lib/mysql/plugin`,
    `--lc-messages-dir=${prefix}/usr/share/mysql`,
    `--character-sets-dir=${prefix}/usr/share/mysql/charsets`,
  ];
}
