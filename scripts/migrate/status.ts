import type { Connection } from 'mysql2/promise';
import { checkShop } from '../preflight/shop';
import { select } from './connection';
import { Refusal } from './errors';
import { planUp } from './plan';
import type { Source } from './source';
import type { DatabaseState } from './state';
import { allSteps } from './steps';

/** How a deployment stands. */
export interface Status {
  readonly database: string;
  readonly server: string;
  /** This package's. */
  readonly version: string;
  readonly migrations: readonly MigrationStatus[];
  /** What "up" would do, a line each. */
  readonly pendingSteps: readonly string[];
  /** ENABLED, DISABLED, REPLICA_SIDE_DISABLED; null: there is none. */
  readonly event: string | null;
  readonly eventScheduler: string;
  /** The last sign of life of the sweep, an instant in ISO 8601; null: none yet. */
  readonly heartbeat: {
    readonly at: string;
    readonly outcome: string;
    readonly secondsAgo: number;
  } | null;
  readonly paused: boolean | null;
  /** UTC offset in which the shop writes its DATETIMEs. */
  readonly clock: string | null;
  /** The accounts that the objects run as. */
  readonly definers: readonly string[];
}

export interface MigrationStatus {
  readonly name: string;
  readonly state: 'applied' | 'pending';
  /** An instant in ISO 8601. */
  readonly appliedAt?: string;
  readonly appliedBy?: string;
  readonly packageVersion?: string;
}

/** Reads how the deployment stands. Throws a Refusal when this is no shop's database. */
export async function readStatus(
  db: Connection,
  source: Source,
  state: DatabaseState,
): Promise<Status> {
  const findings = checkShop(state.tables);
  if (findings.length > 0) throw new Refusal(findings);
  return {
    database: state.schema,
    server: `MySQL ${state.server.version}`,
    version: source.version,
    migrations: migrationStatus(source, state),
    pendingSteps: allSteps(planUp(source, state)).map(({ title }) => title),
    event: state.objects.find(({ kind }) => kind === 'event')?.status ?? null,
    eventScheduler: state.server.variables.get('event_scheduler') ?? 'unknown',
    heartbeat: state.tables.has('order_timeout_heartbeat') ? await readHeartbeat(db) : null,
    paused: state.setting?.paused ?? null,
    clock: state.setting?.clock ?? null,
    definers: [...new Set(state.objects.map(({ definer }) => definer))],
  };
}

function migrationStatus({ migrations }: Source, { registry }: DatabaseState): MigrationStatus[] {
  const applied = (registry?.migrations ?? []).map(
    ({ name, appliedAt, appliedBy, packageVersion }) => ({
      name,
      state: 'applied' as const,
      appliedAt: `${appliedAt.replace(' ', 'T')}Z`,
      appliedBy,
      packageVersion,
    }),
  );
  const pending = migrations
    .filter(({ name }) => !applied.some((migration) => migration.name === name))
    .map(({ name }) => ({ name, state: 'pending' as const }));
  return [...applied, ...pending];
}

/** The table has the shop's clock; the session is in UTC. */
async function readHeartbeat(db: Connection): Promise<Status['heartbeat']> {
  const [row] = await select<{
    at: string | null;
    outcome: string | null;
    secondsAgo: number | null;
  }>(
    db,
    `SELECT CONCAT(LEFT(DATE_FORMAT(CONVERT_TZ(beat_at, clock, '+00:00'), '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z') AS at, outcome,
            TIMESTAMPDIFF(SECOND, CONVERT_TZ(beat_at, clock, '+00:00'), UTC_TIMESTAMP()) AS secondsAgo
       FROM order_timeout_heartbeat JOIN order_timeout_setting`,
  );
  if (row?.at == null) return null;
  return { at: row.at, outcome: row.outcome ?? '', secondsAgo: row.secondsAgo ?? 0 };
}
