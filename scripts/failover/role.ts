import type { GroupMember, Topology } from './topology';

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

/** Whether the sweep may run here, as order_timeout_find_obstacle() decides it. */
export function mayWrite(topology: Topology): boolean {
  if (topology.readOnly || topology.superReadOnly) return false;
  return topology.group === undefined || roleOf(topology) === 'primary';
}

export const addressOf = ({ host, port }: { host: string; port: number }) =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;
