import type { Connection } from 'mysql2/promise';
import { select } from '../migrate/connection';
import { describeDefiner } from '../migrate/plan-definer';
import { Refusal } from '../migrate/errors';
import { checkHistory } from '../migrate/history';
import type { Wishes } from '../migrate/plan';
import type { Source } from '../migrate/source';
import type { DatabaseState } from '../migrate/state';
import { checkClock } from './clock';
import { checkNames } from './names';
import { checkPrivileges } from './privileges';
import { checkServerState, checkVersion } from './server';
import { checkShop } from './shop';

/** What the checks before a deployment found. */
export interface Obstacles {
  /** Each is a reason not to begin. */
  readonly findings: string[];
  /** Worth knowing. */
  readonly remarks: string[];
}

/** Throws a Refusal for a server on which even the questions of the other checks would fail. */
export async function checkServer(db: Connection): Promise<void> {
  const [row] = await select<{ version: string; comment: string }>(
    db,
    'SELECT VERSION() AS version, @@version_comment AS comment',
  );
  const findings = checkVersion(row?.version ?? '', row?.comment ?? '');
  if (findings.length > 0) throw new Refusal(findings);
}

/** Everything that stands in the way of a deployment, all at once. Changes nothing. */
export async function findObstacles(
  db: Connection,
  source: Source,
  state: DatabaseState,
  wishes: Wishes,
): Promise<Obstacles> {
  const shop = checkShop(state.tables);
  const clock =
    state.tables.get('orders')?.columns.get('created_at') === undefined
      ? { findings: [], remarks: [] }
      : await checkClock(db, state, wishes.clock);
  const definer = describeDefiner(state);
  return {
    findings: [
      ...checkServerState(state.server),
      ...checkPrivileges(state),
      ...checkHistory(source.migrations, state.registry?.migrations ?? []),
      ...checkNames(source, state),
      ...shop,
      ...clock.findings,
    ],
    remarks: [...(definer === undefined ? [] : [definer]), ...clock.remarks],
  };
}
