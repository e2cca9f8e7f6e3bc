import type { DatabaseState } from '../../migrate/state';
import { fail, type Finding, ok } from '../finding';
import { checkVersion } from '../../preflight/server';

export const TESTED_SERIES = '9.7';

export function checkServerVersion({ server }: DatabaseState): Finding {
  const found = `MySQL ${server.version}`;
  const [tooOld] = checkVersion(server.version, server.comment);
  if (tooOld !== undefined) {
    return fail('server', found, `${tooOld}: upgrade the server.`);
  }
  return ok(
    'server',
    server.version.startsWith(`${TESTED_SERIES}.`)
      ? `${found}.`
      : `${found}; order-timeout was tested on ${TESTED_SERIES}.`,
  );
}
