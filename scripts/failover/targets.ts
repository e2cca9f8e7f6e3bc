import type { ConnectionOptions } from 'mysql2/promise';
import type { Target } from '../migrate/connection';

/** The same database and account on another server. */
export function onServer(target: Target, { host, port }: { host: string; port: number }): Target {
  if (typeof target === 'string') {
    const url = new URL(target);
    url.hostname = host.includes(':') ? `[${host}]` : host;
    url.port = String(port);
    return url.href;
  }
  const elsewhere: ConnectionOptions = { ...target, host, port };
  // A socket leads to this machine's server only.
  delete elsewhere.socketPath;
  if (elsewhere.uri !== undefined) {
    elsewhere.uri = onServer(elsewhere.uri, { host, port }) as string;
  }
  return elsewhere;
}
