import { readFile } from 'node:fs/promises';

/** The last lines of a file, or '' when there is none. */
export async function tail(path: string, lines: number): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
