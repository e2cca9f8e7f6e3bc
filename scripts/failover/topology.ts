import type { Connection } from 'mysql2/promise';
import { select } from '../migrate/connection';
import { errnoOf } from '../migrate/errors';

/** What a server knows of its own place among others. */
export interface Topology {
  readonly serverUuid: string;
  readonly readOnly: boolean;
  readonly superReadOnly: boolean;
  /** super_read_only is on again after a restart; false also when that can't be told from here. */
  readonly startsReadOnly: boolean;
  /** Undefined: the server is not configured for a group. */
  readonly group: Group | undefined;
  /** Where it replicates from, beside its group. */
  readonly channels: readonly Channel[];
  /** How many replicas fetch from it now. */
  readonly replicas: number;
}

export interface Group {
  readonly name: string;
  readonly isSinglePrimary: boolean;
  /** The server still belongs to the group after a restart; false also when that can't be told. */
  readonly survivesRestart: boolean;
  readonly members: readonly GroupMember[];
}

export interface GroupMember {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  /** ONLINE, RECOVERING, OFFLINE, ERROR, UNREACHABLE. */
  readonly state: string;
  /** PRIMARY, SECONDARY or ''. */
  readonly role: string;
}

export interface Channel {
  readonly name: string;
  readonly source: string;
  /** Both its threads are at work. */
  readonly isRunning: boolean;
}

/** An account may not read what it takes to tell. */
export class TopologyUnreadable extends Error {
  constructor(override readonly cause: Error) {
    super(
      `This account may not see how the server replicates (${cause.message}): ` +
        'GRANT SELECT ON performance_schema.* TO it, or use another account',
    );
    this.name = 'TopologyUnreadable';
  }
}

/** Of information_schema and performance_schema: 1044, 1142, 1143, 1227. */
export const NO_ACCESS: readonly number[] = [1044, 1142, 1143, 1227];

/** Reads the server's place. Throws TopologyUnreadable. */
export async function readTopology(db: Connection): Promise<Topology> {
  try {
    const variables = await readVariables(db);
    const isOn = (name: string) => variables.get(name)?.value === 'ON';
    return {
      serverUuid: variables.get('server_uuid')?.value ?? '',
      readOnly: isOn('read_only') || isOn('innodb_read_only'),
      superReadOnly: isOn('super_read_only'),
      startsReadOnly: isConfigured(variables.get('super_read_only'), 'ON'),
      group: await readGroup(db, variables),
      channels: await readChannels(db),
      replicas: await countReplicas(db),
    };
  } catch (error) {
    if (NO_ACCESS.includes(errnoOf(error) ?? 0)) throw new TopologyUnreadable(error as Error);
    throw error;
  }
}

interface Variable {
  readonly name: string;
  readonly value: string;
  /** COMPILED, DYNAMIC (set while the server ran), or where in its configuration it stands. */
  readonly source: string;
  /** As in mysqld-auto.cnf; null: not there. */
  readonly persisted: string | null;
}

async function readVariables(db: Connection): Promise<Map<string, Variable>> {
  const rows = await select<Variable>(
    db,
    `SELECT variable_name AS name, global_variables.variable_value AS value, variable_source AS source,
            persisted_variables.variable_value AS persisted
       FROM performance_schema.global_variables
       JOIN performance_schema.variables_info USING (variable_name)
       LEFT JOIN performance_schema.persisted_variables USING (variable_name)
      WHERE variable_name IN ('server_uuid', 'read_only', 'super_read_only', 'innodb_read_only',
                              'group_replication_group_name', 'group_replication_single_primary_mode')`,
  );
  return new Map(rows.map((row) => [row.name, row]));
}

function isConfigured(variable: Variable | undefined, value: string): boolean {
  if (variable === undefined) return false;
  if (variable.persisted !== null) return variable.persisted === value;
  return variable.value === value && !['DYNAMIC', 'COMPILED'].includes(variable.source);
}

async function readGroup(
  db: Connection,
  variables: ReadonlyMap<string, Variable>,
): Promise<Group | undefined> {
  const name = variables.get('group_replication_group_name');
  // The plugin may be there without a group.
  if (name === undefined || name.value === '') return undefined;
  const members = await select<GroupMember>(
    db,
    `SELECT member_id AS id, member_host AS host, member_port AS port, member_state AS state, member_role AS role
       FROM performance_schema.replication_group_members ORDER BY member_host, member_port`,
  );
  return {
    name: name.value,
    isSinglePrimary: variables.get('group_replication_single_primary_mode')?.value !== 'OFF',
    survivesRestart: isConfigured(name, name.value),
    members,
  };
}

async function readChannels(db: Connection): Promise<Channel[]> {
  const rows = await select<{ name: string; source: string; running: number }>(
    db,
    `SELECT configuration.channel_name AS name, CONCAT(configuration.host, ':', configuration.port) AS source,
            connection.service_state <> 'OFF' AND applier.service_state = 'ON' AS running
       FROM performance_schema.replication_connection_configuration AS configuration
       JOIN performance_schema.replication_connection_status AS connection USING (channel_name)
       JOIN performance_schema.replication_applier_status AS applier USING (channel_name)
      WHERE configuration.channel_name NOT LIKE 'group\\_replication\\_%' AND configuration.host <> ''`,
  );
  return rows.map(({ name, source, running }) => ({ name, source, isRunning: running === 1 }));
}

async function countReplicas(db: Connection): Promise<number> {
  const [row] = await select<{ replicas: number }>(
    db,
    `SELECT COUNT(*) AS replicas FROM performance_schema.threads
      WHERE processlist_command IN ('Binlog Dump', 'Binlog Dump GTID')`,
  );
  return row?.replicas ?? 0;
}
