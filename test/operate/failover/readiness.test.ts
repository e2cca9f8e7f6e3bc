import { expect, test } from 'vitest';
import { checkReplication } from '../../../scripts/operate/doctor/server-checks';
import { judgeReadiness, onServer } from '../../../scripts/operate/failover';
import { type EventState, type Group, mayWrite } from '../../../scripts/operate/topology';
import { roleOf, type Topology } from '../../../scripts/operate/topology';

const OFF: EventState = { status: 'REPLICA_SIDE_DISABLED', definer: 'order_timeout@localhost' };

const open = { readOnly: false, superReadOnly: false };
const closed = { readOnly: true, superReadOnly: true };
const alone: Topology = {
  ...{ serverUuid: 'a', ...open, startsReadOnly: false, group: undefined, channels: [] },
  ...{ sweepServerUuid: null, replicas: 0 },
};
const replica: Topology = {
  ...{ ...alone, ...closed, startsReadOnly: true },
  channels: [{ source: 'db1:3306', isRunning: 1 }],
};
const writableNext = { ...replica, startsReadOnly: false };

/** This server in a group with another one. */
function member(state: string, role: string, other: Partial<Group['members'][number]> = {}) {
  const own = { id: 'a', host: 'db1', port: 3306, state, role };
  const primary = { ...own, id: 'b', host: 'db2', state: 'ONLINE', role: 'PRIMARY' };
  const group: Group = {
    ...{ name: 'g', isSinglePrimary: true, survivesRestart: true },
    members: [own, { ...primary, ...other }],
  };
  return { ...alone, group };
}
const primary = member('ONLINE', 'PRIMARY', { role: 'SECONDARY' });
const secondary = { ...member('ONLINE', 'SECONDARY'), ...closed };
const outside = member('OFFLINE', '');
const minority = member('ONLINE', 'PRIMARY', { state: 'UNREACHABLE', role: 'SECONDARY' });
/** As before it joins. */
const unlisted: Topology = {
  ...outside,
  group: { ...outside.group, members: [{ id: '', host: '', port: 0, state: 'OFFLINE', role: '' }] },
};
test.for<[name: string, topology: Topology, role: string, isOpen: boolean, severity: string]>([
  ['a server of its own', alone, 'standalone', true, 'ok'],
  ['a source', { ...alone, replicas: 1 }, 'source', true, 'warn'],
  ['a replica', replica, 'replica', false, 'ok'],
  ['a server that follows nobody', { ...alone, ...closed }, 'standalone', false, 'fail'],
  ['a replica that takes writes', { ...replica, ...open }, 'replica', false, 'fail'],
  ['the named one', { ...replica, ...open, sweepServerUuid: 'a' }, 'replica', true, 'ok'],
  ['one not named', { ...alone, sweepServerUuid: 'b' }, 'standalone', false, 'fail'],
  ['a primary', primary, 'primary', true, 'ok'],
  ['a primary without a majority', minority, 'primary', true, 'fail'],
  ['a secondary', secondary, 'secondary', false, 'ok'],
  ['a secondary that takes writes', { ...secondary, ...open }, 'secondary', false, 'fail'],
  ['a joining one', { ...member('RECOVERING', 'SECONDARY'), ...closed }, 'joining', false, 'warn'],
  ['a member in an error', { ...member('ERROR', ''), ...closed }, 'outside', false, 'fail'],
  ['a member outside its group', outside, 'outside', false, 'fail'],
  ['a member that lists itself without an id', unlisted, 'outside', false, 'fail'],
])(
  '%s (%o): its role is %s, that the sweep may run there is %s, and the doctor says %s',
  ([, topology, role, isOpen, severity]) => {
    expect(roleOf(topology)).toBe(role);
    expect(mayWrite(topology)).toBe(isOpen);
    expect(checkReplication({ topology }).severity).toBe(severity);
  },
);

test('what is run on a replica ends as it began, and keeps the definer', () => {
  expect(judgeReadiness(replica, OFF)).toEqual({
    outcome: 'not_ready',
    statements: [
      'SET GLOBAL super_read_only = OFF',
      'SET SESSION sql_log_bin = 0',
      "ALTER DEFINER = 'order_timeout'@'localhost' EVENT `order_timeout_tick` ENABLE",
      'SET SESSION sql_log_bin = 1',
      'SET GLOBAL super_read_only = ON',
    ],
  });
});

test('what an interrupted run left open is not ready', () => {
  const event: EventState = { ...OFF, status: 'ENABLED' };
  expect(judgeReadiness(replica, event).outcome).toBe('ready');
  expect(judgeReadiness({ ...replica, superReadOnly: false }, event).outcome).toBe('not_ready');
});

const forgetful = { ...secondary, group: { ...secondary.group, survivesRestart: false } };

test.for<[name: string, topology: Topology, event: EventState | undefined, reason: RegExp]>([
  ['takes writes', { ...replica, ...open }, OFF, /takes writes/],
  ['may come back writable', writableNext, OFF, /PERSIST_ONLY super_read_only/],
  ['has no event yet', replica, undefined, /is missing there/],
  ['is a primary', primary, OFF, /is the primary/],
  ['is outside its group', outside, OFF, /outside its group/],
  ['may forget its group', forgetful, OFF, /knows its group after a restart/],
])('a server that %s is refused', ([, topology, event, reason]) => {
  expect(judgeReadiness(topology, event)).toMatchObject({
    outcome: 'refused',
    reason: expect.stringMatching(reason) as string,
  });
});

test('another member is reached with the same account, database and TLS', () => {
  const account = { user: 'dba', database: 'shop' };
  const other = { host: 'db2', port: 1 };
  expect(onServer({ socketPath: '/run/mysqld.sock', ...account }, other)).toEqual({
    ...other,
    ...account,
  });
});
