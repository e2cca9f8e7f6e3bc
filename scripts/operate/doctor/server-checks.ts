import { checkConfiguration, checkVersion } from '../../deploy/checks';
import { sayFinding } from '../../deploy/errors';
import {
  addressOf,
  type Group,
  otherMembers,
  ownMembership,
  roleOf,
  type Topology,
} from '../topology';
import { type Facts, type Finding, findingsAbout } from './facts';

const TESTED_SERIES = '9.7';

export function* checkServer({ state: { server } }: Facts): Generator<Finding> {
  const { ok, warn, fail } = findingsAbout('server');
  const { version, comment, variables } = server;
  const found = `MySQL ${version}`;
  const [tooOld] = checkVersion(version, comment);
  const autoincrement = variables.get('innodb_autoinc_lock_mode') ?? 'unknown';
  if (tooOld !== undefined) yield fail(found, `${sayFinding(tooOld)}: upgrade the server.`);
  else if (version.startsWith(`${TESTED_SERIES}.`)) yield ok(`${found}.`);
  else yield ok(`${found}; order-timeout was tested on ${TESTED_SERIES}.`);
  for (const { text, remedy } of checkConfiguration(server)) yield fail(`${text}.`, `${remedy}.`);
  if (autoincrement !== '2')
    yield warn(
      `innodb_autoinc_lock_mode is ${autoincrement}: ` +
        "the shop's inserts into its ledgers wait for a batch to end.",
      "2, MySQL's default, lets them go on: set it in the configuration and restart the server.",
    );
}

/** MySQL's own scheduler. `ON` is not enough: super_read_only and errors end its thread. */
export function checkScheduler({ state, hasSchedulerThread, isOpen }: Facts): Finding {
  const { ok, warn, fail } = findingsAbout('scheduler');
  const setting = state.server.variables.get('event_scheduler') ?? 'unknown';
  if (setting !== 'ON') {
    const remedy =
      setting === 'DISABLED'
        ? 'Set event_scheduler = ON in the configuration and restart the server.'
        : 'SET PERSIST event_scheduler = ON.';
    return isOpen
      ? fail(`event_scheduler is ${setting}: no event runs.`, remedy)
      : warn(`event_scheduler is ${setting}: no event would run after a promotion.`, remedy);
  }
  if (!isOpen) return ok('event_scheduler is ON, for when this server takes writes.');
  if (hasSchedulerThread === undefined) {
    return warn(
      'event_scheduler is ON; whether its thread is alive was not looked at.',
      'GRANT SELECT ON performance_schema.* to this account, or use another one.',
    );
  }
  return hasSchedulerThread
    ? ok('event_scheduler is ON and its thread is alive.')
    : fail(
        'event_scheduler is ON, but its thread is gone: no event runs.',
        "SET GLOBAL event_scheduler = OFF, then ON; the server's error log says why it ended.",
      );
}

/** What the server is among others, and whether it takes writes as it should. */
export function checkReplication({ topology }: Pick<Facts, 'topology'>): Finding {
  if (topology instanceof Error) {
    return findingsAbout('replication').warn('Not looked at.', topology.message);
  }
  const { sweepServerUuid, serverUuid } = topology;
  if (sweepServerUuid !== null && sweepServerUuid !== serverUuid && !isClosed(topology)) {
    return fail(
      `order_timeout_setting.sweep_server_uuid names ${sweepServerUuid}, and this is ${serverUuid}: nothing is swept here.`,
      'If that one is lost: UPDATE order_timeout_setting SET sweep_server_uuid = @@server_uuid, or NULL where nobody replicates.',
    );
  }
  const { group } = topology;
  if (group !== undefined) return checkMember(topology, group);
  return roleOf(topology) === 'replica' ? checkReplica(topology) : checkAlone(topology);
}

const { ok, warn, fail } = findingsAbout('replication');

const isClosed = ({ readOnly, superReadOnly }: Topology) => readOnly || superReadOnly;

function checkAlone(topology: Topology): Finding {
  const { replicas, startsReadOnly } = topology;
  if (isClosed(topology)) {
    return fail(
      'It takes no writes, and replicates from nobody: nothing is swept here.',
      'If it is to be the primary: SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF. ' +
        'If it was the source and another server is now: make it a replica of that one.',
    );
  }
  if (replicas === 0)
    return ok('A server of its own: it takes writes, and nobody replicates from it.');
  const found = `The source of ${replicas === 1 ? 'a replica' : `${replicas} replicas`}: it takes writes.`;
  return startsReadOnly
    ? ok(found)
    : warn(
        found,
        'Should it crash and a replica be promoted, it would come back taking writes and sweep as well. Unless its ' +
          'configuration says super_read_only: SET PERSIST_ONLY super_read_only = ON (holds from the next start on; ' +
          'after a planned restart: SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF).',
      );
}

function checkReplica(topology: Topology): Finding {
  const sources = topology.channels.map(({ source }) => source).join(', ');
  const isRunning = topology.channels.every((channel) => channel.isRunning);
  if (!isClosed(topology) && topology.sweepServerUuid === topology.serverUuid) {
    return ok(`It replicates from ${sources}, and is the one that sweeps (sweep_server_uuid).`);
  }
  if (!isClosed(topology)) {
    return fail(
      `A replica of ${sources} that takes writes: the sweep refuses here, as what another server writes, that one sweeps.`,
      `If it was promoted: STOP REPLICA; RESET REPLICA ALL. If not: SET PERSIST super_read_only = ON${
        isRunning ? '' : '; START REPLICA'
      }. Of two that replicate from each other one may sweep: ` +
        'UPDATE order_timeout_setting SET sweep_server_uuid = … (its @@server_uuid).',
    );
  }
  if (!isRunning) {
    return warn(
      `A replica of ${sources} whose replication does not run.`,
      'It falls behind: SHOW REPLICA STATUS says why; START REPLICA.',
    );
  }
  return topology.superReadOnly
    ? ok(`A replica of ${sources}: it takes no writes, and the sweep belongs on the source.`)
    : warn(
        `A replica of ${sources}: read_only is on, super_read_only is off.`,
        'Privileged accounts can write here, and replication break: SET PERSIST super_read_only = ON.',
      );
}

function checkMember(topology: Topology, group: Group): Finding {
  switch (roleOf(topology)) {
    case 'outside':
      return fail(
        `It belongs to the group ${group.name} and is outside it ` +
          `(${ownMembership(topology)?.state ?? 'OFFLINE'}): the sweep refuses here.`,
        'START GROUP_REPLICATION. If the whole group is down, begin with the member that knows most ' +
          '(gtid_executed), with group_replication_bootstrap_group = ON for that moment.',
      );
    case 'joining':
      return warn(`It is joining the group ${group.name}.`, 'Look again when it is ONLINE.');
    case 'primary':
      return checkPrimary(topology, group);
    default:
      return checkSecondary(topology, group);
  }
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
      found,
      'It does not reach a majority of the group, so every commit waits: bring the others back, ' +
        'or after making sure that they are down, group_replication_force_members.',
    );
  }
  if (isClosed(topology)) {
    return fail(
      `${found} It takes no writes.`,
      'Just elected: look again in a minute. Else SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF.',
    );
  }
  if (!group.isSinglePrimary) {
    return warn(
      `${found} The group has several primaries.`,
      'Keep the event enabled on one of them only; order-timeout doctor --fix moves it to the server it is run on.',
    );
  }
  return others.every(({ state }) => state === 'ONLINE')
    ? ok(found)
    : warn(found, 'Bring back the members that are not ONLINE.');
}

function checkSecondary(topology: Topology, { name, members }: Group): Finding {
  const primary = members.find(({ role }) => role === 'PRIMARY');
  const found =
    `A secondary of the group ${name}; the primary, where the sweep belongs, is ` +
    `${primary === undefined ? 'unknown' : addressOf(primary)}.`;
  return topology.superReadOnly
    ? ok(found)
    : fail(
        `${found} super_read_only is off.`,
        'What is written here is lost or breaks the member: SET GLOBAL super_read_only = ON.',
      );
}
