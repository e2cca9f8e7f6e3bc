import { addressOf, otherMembers, ownMembership, roleOf } from '../../failover/role';
import type { Group, Topology, TopologyUnreadable } from '../../failover/topology';
import { fail, type Finding, ok, warn } from '../finding';

const CHECK = 'replication';

/** What the server is among others, and whether it takes writes as it should. */
export function checkReplication(topology: Topology | TopologyUnreadable): Finding {
  if (topology instanceof Error) return warn(CHECK, 'Not looked at.', topology.message);
  const { group } = topology;
  if (group !== undefined) return checkMember(topology, group);
  return roleOf(topology) === 'replica' ? checkReplica(topology) : checkAlone(topology);
}

const isClosed = ({ readOnly, superReadOnly }: Topology) => readOnly || superReadOnly;

function checkAlone(topology: Topology): Finding {
  const { replicas, startsReadOnly } = topology;
  if (isClosed(topology)) {
    return fail(
      CHECK,
      'It takes no writes, and replicates from nobody: nothing is swept here.',
      'If it is to be the primary: SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF. ' +
        'If it was the source and another server is now: make it a replica of that one.',
    );
  }
  if (replicas === 0)
    return ok(CHECK, 'A server of its own: it takes writes, and nobody replicates from it.');
  const found = `The source of ${replicas === 1 ? 'a replica' : `${replicas} replicas`}: it takes writes.`;
  return startsReadOnly
    ? ok(CHECK, found)
    : warn(
        CHECK,
        found,
        'Should it crash and a replica be promoted, it would come back taking writes and sweep as well. Unless its ' +
          'configuration says super_read_only: SET PERSIST_ONLY super_read_only = ON (holds from the next start on; ' +
          'after a planned restart: SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF).',
      );
}

function checkReplica(topology: Topology): Finding {
  const sources = topology.channels.map(({ source }) => source).join(', ');
  const isRunning = topology.channels.every((channel) => channel.isRunning);
  if (!isClosed(topology)) {
    return isRunning
      ? fail(
          CHECK,
          `A replica of ${sources} that takes writes.`,
          'An enabled event would sweep here besides the source, and replication break. ' +
            'Now: SET PERSIST super_read_only = ON. If it was promoted: STOP REPLICA; RESET REPLICA ALL.',
        )
      : warn(
          CHECK,
          `It takes writes, and is still set up as a replica of ${sources}, which is stopped.`,
          'If it was promoted: RESET REPLICA ALL. If not: SET PERSIST super_read_only = ON, START REPLICA.',
        );
  }
  if (!isRunning) {
    return warn(
      CHECK,
      `A replica of ${sources} whose replication does not run.`,
      'It falls behind: SHOW REPLICA STATUS says why; START REPLICA.',
    );
  }
  return topology.superReadOnly
    ? ok(CHECK, `A replica of ${sources}: it takes no writes, and the sweep belongs on the source.`)
    : warn(
        CHECK,
        `A replica of ${sources}: read_only is on, super_read_only is off.`,
        'Privileged accounts can write here, and replication break: SET PERSIST super_read_only = ON.',
      );
}

function checkMember(topology: Topology, group: Group): Finding {
  const role = roleOf(topology);
  const own = ownMembership(topology);
  if (role === 'outside') {
    return fail(
      CHECK,
      `It belongs to the group ${group.name} and is outside it (${own?.state ?? 'OFFLINE'}): the sweep refuses here.`,
      'START GROUP_REPLICATION. If the whole group is down, begin with the member that knows most ' +
        '(gtid_executed), with group_replication_bootstrap_group = ON for that moment.',
    );
  }
  if (role === 'joining') {
    return warn(CHECK, `It is joining the group ${group.name}.`, 'Look again when it is ONLINE.');
  }
  return role === 'primary' ? checkPrimary(topology, group) : checkSecondary(topology, group);
}

function checkPrimary(topology: Topology, group: Group): Finding {
  const others = otherMembers(topology);
  const found = `A primary of the group ${group.name}; the others: ${
    others
      .map((member) => `${addressOf(member)} ${member.role || 'no role'} ${member.state}`)
      .join(', ') || 'none'
  }.`;
  const unreachable = others.filter(({ state }) => state === 'UNREACHABLE').length;
  if (unreachable * 2 >= group.members.length && unreachable > 0) {
    return fail(
      CHECK,
      found,
      'It does not reach a majority of the group, so every commit waits: bring the others back, ' +
        'or after making sure that they are down, group_replication_force_members.',
    );
  }
  if (isClosed(topology)) {
    return fail(
      CHECK,
      `${found} It takes no writes.`,
      'Just elected: look again in a minute. Else SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF.',
    );
  }
  if (!group.isSinglePrimary) {
    return warn(
      CHECK,
      `${found} The group has several primaries.`,
      'Keep the event enabled on one of them only; order-timeout doctor --fix moves it to the server it is run on.',
    );
  }
  const absent = others.filter(({ state }) => state !== 'ONLINE');
  return absent.length === 0
    ? ok(CHECK, found)
    : warn(CHECK, found, 'Bring back the members that are not ONLINE.');
}

function checkSecondary(topology: Topology, { name, members }: Group): Finding {
  const primary = members.find(({ role }) => role === 'PRIMARY');
  const found =
    `A secondary of the group ${name}; the primary, where the sweep belongs, is ` +
    `${primary === undefined ? 'unknown' : addressOf(primary)}.`;
  return topology.superReadOnly
    ? ok(CHECK, found)
    : fail(
        CHECK,
        `${found} super_read_only is off.`,
        'What is written here is lost or breaks the member: SET GLOBAL super_read_only = ON.',
      );
}
