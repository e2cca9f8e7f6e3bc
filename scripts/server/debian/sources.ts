import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const DEFAULT_MIRROR = 'http://deb.debian.org/debian';

/** The mirrors of Debian that this machine is set up with, and at the end the one everybody has. */
export async function debianMirrors(etcApt = '/etc/apt'): Promise<string[]> {
  const parts = join(etcApt, 'sources.list.d');
  const names = await readdir(parts).catch(() => []);
  const files = [join(etcApt, 'sources.list'), ...names.sort().map((name) => join(parts, name))];
  const uris: string[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (file.endsWith('.list')) uris.push(...urisOfList(text));
    if (file.endsWith('.sources')) uris.push(...urisOfStanzas(text));
  }
  return [...new Set([...uris.filter(isDebian).map(withoutSlash), DEFAULT_MIRROR])];
}

/** The addresses in the one-line format: `deb [options] uri suite component…`. */
export function urisOfList(text: string): string[] {
  return [...text.matchAll(/^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)/gm)].flatMap(([, uri]) => uri ?? []);
}

/** The addresses in the format with fields: `Types: deb`, `URIs: …`, stanzas parted by empty lines. */
export function urisOfStanzas(text: string): string[] {
  const withoutComments = text.replaceAll(/^#.*\n?/gm, '');
  return withoutComments.split(/\n\s*\n/).flatMap((stanza) => {
    const types = words(stanza, 'Types');
    const enabled = words(stanza, 'Enabled')[0] !== 'no';
    return enabled && types.includes('deb') ? words(stanza, 'URIs') : [];
  });
}

function words(stanza: string, field: string): string[] {
  const value = new RegExp(`^${field}:(.*(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1] ?? '';
  return value.split(/\s+/).filter((word) => word !== '');
}

/** Debian's archive, not its security updates, nor another project's packages. */
function isDebian(uri: string): boolean {
  return /\/debian(?:\.list)?\/?$/.test(uri);
}

function withoutSlash(uri: string): string {
  return uri.replace(/\/$/, '');
}
