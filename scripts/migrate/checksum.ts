import { createHash } from 'node:crypto';

/** Line ends as on Unix and no byte order mark: a checkout on Windows is the same file. */
export function normaliseText(text: string): string {
  return text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
}

/** SHA-256 of the parts, in hex. */
export function checksum(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex');
}
