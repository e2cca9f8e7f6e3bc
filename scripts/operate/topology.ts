import type { Connection } from 'mysql2/promise';
import { accountInSql } from '../deploy/account';
import { select, selectColumn } from '../deploy/connection';
import { errnoOf, ifThere, NO_ACCESS } from '../deploy/errors';
import type { DeployedObject } from '../deploy/state';
import { quoteName } from '../deploy/text';

/** What a server knows of its own place among others. */
export type Topology = Awaited<ReturnType<typeof askTopology>>;
export type Group = NonNullable<Topology['group']>;

interface GroupMember {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  /** ONLINE, RECOVERING, OFFLINE, ERROR, UNREACHABLE. */
  readonly state: string;
  /** PRIMARY, SECONDARY or ''. */
  readonly role: string;
}

/**
 * What a server is to the shop. `standalone` and `source` differ by whether somebody fetches from it now;
 * `joining`: on its way into its group; `outside`: belongs to a group, and is not in it.
 */
export type Role =
  'standalone' | 'source' | 'replica' | 'primary' | 'secondary' | 'joining' | 'outside';

export function roleOf(topology: Topology): Role {
  if (topology.group === undefined) {
    if (topology.channels.length > 0) return 'replica';
    return topology.replicas > 0 ? 'source' : 'standalone';
  }
  const { state, role } = ownMembership(topology) ?? { state: 'OFFLINE', role: '' };
  if (state === 'RECOVERING') return 'joining';
  if (state !== 'ONLINE') return 'outside';
  return role === 'PRIMARY' ? 'primary' : 'secondary';
}

/** The server in its own list of members; undefined: it sees itself in none. */
export function ownMembership({ group, serverUuid }: Topology): GroupMember | undefined {
  return group?.members.find(({ id }) => id === serverUuid);
}

export function otherMembers({ group, serverUuid }: Topology): GroupMember[] {
  return (group?.members ?? []).filter(({ id }) => id !== serverUuid && id !== '');
}

/** Whether the sweep may run here. */
export function mayWrite(topology: Topology): boolean {
  const { readOnly, superReadOnly, group, channels, serverUuid, sweepServerUuid } = topology;
  if (readOnly || superReadOnly) return false;
  if (group !== undefined && roleOf(topology) !== 'primary') return false;
  return sweepServerUuid === null ? channels.length === 0 : sweepServerUuid === serverUuid;
}

export const addressOf = ({ host, port }: { host: string; port: number }) =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** An account may not read what it takes to tell. */
export class TopologyUnreadable extends Error {
  constructor(override readonly cause: Error) {
    super(
      `This account may not see how the server replicates (${cause.message}): ` +
        'GRANT it SELECT on order_timeout_setting and performance_schema.*, or use another account',
    );
    this.name = 'TopologyUnreadable';
  }
}

/** Reads the server's place. Throws TopologyUnreadable. */
export async function readTopology(db: Connection): Promise<Topology> {
  try {
    return await askTopology(db);
  } catch (error) {
    if (NO_ACCESS.includes(errnoOf(error) ?? 0)) throw new TopologyUnreadable(error as Error);
    throw error;
  }
}

async function askTopology(db: Connection) {
  const variables = await readVariables(db);
  const isOn = (name: string) => variables.get(name)?.value === 'ON';
  const [sweepServerUuid = null] =
    (await ifThere(selectColumn(db, 'SELECT sweep_server_uuid FROM order_timeout_setting'))) ?? [];
  return {
    serverUuid: variables.get('server_uuid')?.value ?? '',
    readOnly: isOn('read_only') || isOn('innodb_read_only'),
    superReadOnly: isOn('super_read_only'),
    /** super_read_only is on again after a restart; false also when that can't be told from here. */
    startsReadOnly: isConfigured(variables.get('super_read_only'), 'ON'),
    /** Undefined: the server is not configured for a group. */
    group: await readGroup(db, variables),
    /** Where it replicates from, beside its group. */
    channels: await readChannels(db),
    /** The one server that sweeps although it receives a channel; null: none is named. */
    sweepServerUuid,
    /** How many replicas fetch from it now. */
    replicas: (await selectColumn(db, REPLICAS)).length,
  };
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

async function readGroup(db: Connection, variables: ReadonlyMap<string, Variable>) {
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
    /** The server still belongs to the group after a restart; false also when that can't be told. */
    survivesRestart: isConfigured(name, name.value),
    members,
  };
}

const readChannels = (db: Connection) =>
  select<{ source: string; isRunning: 0 | 1 }>(
    db,
    `SELECT CONCAT(configuration.host, ':', configuration.port) AS source,
            connection.service_state <> 'OFF' AND applier.service_state = 'ON' AS isRunning
       FROM performance_schema.replication_connection_configuration AS configuration
       JOIN performance_schema.replication_connection_status AS connection USING (channel_name)
       JOIN performance_schema.replication_applier_status AS applier USING (channel_name)
      WHERE configuration.channel_name NOT LIKE 'group\\_replication\\_%' AND configuration.host <> ''`,
  );

const REPLICAS = `SELECT thread_id FROM performance_schema.threads
  WHERE processlist_command IN ('Binlog Dump', 'Binlog Dump GTID')`;

export const EVENT = 'order_timeout_tick';
export const EVENT_KEY = { kind: 'event', name: EVENT } as const;

export type EventState = Pick<DeployedObject, 'status' | 'definer'>;

/** The event in the connection's database; undefined: there is none. */
export async function readEvent(db: Connection): Promise<EventState | undefined> {
  const [event] = await select<EventState>(
    db,
    `SELECT status AS status, definer AS definer FROM information_schema.events
      WHERE event_schema = DATABASE() AND event_name = '${EVENT}'`,
  );
  return event;
}

/** Switches the event on. Without DEFINER the event would become that of whoever runs this. */
export const enableEvent = (definer: string) =>
  `ALTER DEFINER = ${accountInSql(definer)} EVENT ${quoteName(EVENT)} ENABLE`;
