import type { DatabaseState } from '../../migrate/state';
import { fail, type Finding, ok, warn } from '../finding';
import type { Place } from '../place';

const CHECK = 'execute_grants';

/** Who may call single procedures, and whether a deployment that was cut short has lost grants. */
export function checkGrants({ registry, routineGrants }: DatabaseState, place: Place): Finding {
  const lost = (registry?.objects ?? []).filter(
    ({ grantsToRestore }) => grantsToRestore.length > 0,
  );
  if (lost.length > 0) {
    return fail(
      CHECK,
      `A deployment was cut short before it gave back the grants on ${lost.map(({ name }) => name).join(', ')}: ` +
        'its callers get error 1370.',
      place.isOpen
        ? 'order-timeout doctor --fix gives them back, order-timeout up also completes the deployment.'
        : 'On the primary: order-timeout up.',
    );
  }
  if (routineGrants === undefined) {
    return warn(
      CHECK,
      'Not looked at.',
      'This account may not read mysql.procs_priv: use another one.',
    );
  }
  const callers = new Set(
    [...routineGrants.values()].flat().map(({ user, host }) => `${user}@${host}`),
  );
  return ok(
    CHECK,
    callers.size === 0
      ? 'No account has EXECUTE on a single procedure; those with EXECUTE on the database may call.'
      : `EXECUTE on single procedures: ${[...callers].sort().join(', ')}.`,
  );
}
