import { expect, test } from 'vitest';
import { checkReplication } from '../../../scripts/operate/doctor/server-checks';
import {
  type EventState,
  type Group,
  type GroupMember,
  mayWrite,
  roleOf,
  type Topology,
} from '../../../scripts/operate/topology';
import { judgeReadiness, onServer } from '../../../scripts/operate/failover';

const OFF: EventState = { status: 'REPLICA_SIDE_DISABLED', definer: 'order_timeout@localhost' };

const alone: Topology = {
  serverUuid: 'a',
  readOnly: false,
  superReadOnly: false,
  startsReadOnly: false,
  group: undefined,
  channels: [],
  sweepServerUuid: null,
  replicas: 0,
};
const open = { readOnly: false, superReadOnly: false };
const closed = { readOnly: true, superReadOnly: true };
const replica: Topology = {
  ...alone,
  ...closed,
  startsReadOnly: true,
  channels: [{ name: '', source: 'db1:3306', isRunning: true }],
};

function member(state: string, role: string, more: Partial<Topology> = {}): Topology {
  const own: GroupMember = { id: 'a', host: 'db1', port: 3306, state, role };
  const other = { ...own, id: 'b', host: 'db2', state: 'ONLINE', role: 'PRIMARY' };
  const group: Group = {
    name: 'g',
    isSinglePrimary: true,
    survivesRestart: true,
    members: [own, other],
  };
  return { ...alone, group, ...more };
}

test.for([
  [alone, 'standalone', true],
  [{ ...alone, replicas: 1 }, 'source', true],
  [replica, 'replica', false],
  [{ ...alone, ...closed }, 'standalone', false],
  [{ ...replica, ...open }, 'replica', false],
  [{ ...replica, ...open, sweepServerUuid: 'a' }, 'replica', true],
  [{ ...alone, sweepServerUuid: 'b' }, 'standalone', false],
  [member('ONLINE', 'PRIMARY'), 'primary', true],
  [member('ONLINE', 'SECONDARY', closed), 'secondary', false],
  [member('RECOVERING', 'SECONDARY', closed), 'joining', false],
  [member('ERROR', '', closed), 'outside', false],
  [member('OFFLINE', ''), 'outside', false],
] as const)(
  'of %o the role is %s, and that the sweep may run there is %s',
  ([topology, role, isOpen]) => {
    expect(roleOf(topology)).toBe(role);
    expect(mayWrite(topology)).toBe(isOpen);
  },
);

test('a member that lists itself without an id, as before it joins, is outside', () => {
  const topology = member('OFFLINE', '');
  const members = [{ id: '', host: '', port: 0, state: 'OFFLINE', role: '' }];
  expect(roleOf({ ...topology, group: { ...(topology.group as Group), members } })).toBe('outside');
});

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

test.for([
  ['takes writes', { ...replica, readOnly: false, superReadOnly: false }, OFF, /takes writes/],
  [
    'may come back writable',
    { ...replica, startsReadOnly: false },
    OFF,
    /PERSIST_ONLY super_read_only/,
  ],
  ['has no event yet', replica, undefined, /is missing there/],
  ['is a primary', member('ONLINE', 'PRIMARY'), OFF, /is the primary/],
  ['is outside its group', member('OFFLINE', ''), OFF, /outside its group/],
  [
    'may forget its group',
    member('ONLINE', 'SECONDARY', {
      ...closed,
      group: { ...(member('ONLINE', 'SECONDARY').group as Group), survivesRestart: false },
    }),
    OFF,
    /knows its group after a restart/,
  ],
] as const)('a server that %s is refused', ([, topology, event, reason]) => {
  const readiness = judgeReadiness(topology, event);
  expect(readiness).toMatchObject({
    outcome: 'refused',
    reason: expect.stringMatching(reason) as string,
  });
});

test.for([
  ['a replica that takes writes', { ...replica, readOnly: false, superReadOnly: false }, 'fail'],
  ['a server that takes no writes and follows nobody', { ...alone, ...closed }, 'fail'],
  [
    'a source that might come back writable beside its successor',
    { ...alone, replicas: 1 },
    'warn',
  ],
  ['a secondary without super_read_only', member('ONLINE', 'SECONDARY'), 'fail'],
  ['a member outside its group', member('OFFLINE', ''), 'fail'],
  ['a member that joins', member('RECOVERING', 'SECONDARY', closed), 'warn'],
  ['a primary without a majority', withUnreachable(), 'fail'],
  ['a server of its own', alone, 'ok'],
  ['a server while another one is named to sweep', { ...alone, sweepServerUuid: 'b' }, 'fail'],
  ['the named one of a pair', { ...replica, ...open, sweepServerUuid: 'a' }, 'ok'],
] as const)('the doctor on %s: %s', ([, topology, status]) => {
  expect(checkReplication({ topology }).severity).toBe(status);
});

function withUnreachable(): Topology {
  const topology = member('ONLINE', 'PRIMARY');
  const members = (topology.group as Group).members.map((one) =>
    one.id === 'b' ? { ...one, state: 'UNREACHABLE', role: 'SECONDARY' } : one,
  );
  return { ...topology, group: { ...(topology.group as Group), members } };
}

test('another member is reached with the same account, database and TLS', () => {
  expect(onServer('mysql://dba:a%40b@db1:3306/shop', { host: 'db2', port: 3307 })).toBe(
    'mysql://dba:a%40b@db2:3307/shop',
  );
  expect(
    onServer(
      { socketPath: '/run/mysqld.sock', user: 'dba', database: 'shop' },
      { host: 'db2', port: 1 },
    ),
  ).toEqual({ host: 'db2', port: 1, user: 'dba', database: 'shop' });
});
