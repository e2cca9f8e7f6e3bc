import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import {
  freePort,
  type PrivateMysqld,
  type Settings,
  startPrivateMysqld,
} from '../../../scripts/dev/server';
import { DBA } from './drill';

const GROUP_NAME = '6d0f1a52-3c0e-4d2a-9b64-0c6f2f1e7a11';

/** What every server of a drill has: small, quick, nobody pulls its plug. */
export const DRILL_SETTINGS: Settings = {
  'gtid-mode': 'ON',
  'enforce-gtid-consistency': 'ON',
  'report-host': '127.0.0.1',
  'sync-binlog': '0',
  'innodb-flush-log-at-trx-commit': '2',
  'innodb-buffer-pool-size': '64M',
  'innodb-redo-log-capacity': '64M',
  'max-connections': '60',
  'replica-parallel-workers': '2',
  'skip-replica-start': 'ON',
};

/** Three servers of one group on the loopback; the first one is the primary. */
export async function startGroup(): Promise<PrivateMysqld[]> {
  const ports = [await freePort(), await freePort(), await freePort()];
  const seeds = ports.map((port) => `127.0.0.1:${port}`).join(',');
  const members = await Promise.all(
    ports.map((port, index) =>
      startPrivateMysqld({
        settings: {
          ...DRILL_SETTINGS,
          'server-id': String(index + 1),
          'plugin-load-add': 'group_replication.so',
          'loose-group-replication-group-name': GROUP_NAME,
          'loose-group-replication-local-address': `127.0.0.1:${port}`,
          'loose-group-replication-group-seeds': seeds,
          'loose-group-replication-start-on-boot': 'OFF',
          'loose-group-replication-recovery-get-public-key': 'ON',
          // A member that does not answer for 5 s (fixed) is put out of the group at once.
          'loose-group-replication-member-expel-timeout': '0',
        },
      }),
    ),
  );
  for (const [index, member] of members.entries()) await join(member, index === 0);
  return members;
}

/** Has a server join the group, or found it, and waits until it is online. */
export async function join(member: PrivateMysqld, founds = false): Promise<void> {
  const db = await createConnection(member.url);
  try {
    await db.query(
      `CHANGE REPLICATION SOURCE TO SOURCE_USER = '${DBA.user}', SOURCE_PASSWORD = '${DBA.password}'
           FOR CHANNEL 'group_replication_recovery'`,
    );
    if (founds) await db.query('SET GLOBAL group_replication_bootstrap_group = ON');
    await db.query('START GROUP_REPLICATION');
    if (founds) await db.query('SET GLOBAL group_replication_bootstrap_group = OFF');
    while (!(await membership(db)).startsWith('ONLINE')) await sleep(50);
  } finally {
    db.destroy();
  }
}

/** How a server sees itself in its group, such as "ONLINE PRIMARY"; '': in no group. */
export async function membership(db: Connection): Promise<string> {
  const [rows] = await db.query<RowDataPacket[]>(
    `SELECT CONCAT_WS(' ', member_state, member_role) AS membership
       FROM performance_schema.replication_group_members WHERE member_id = @@server_uuid`,
  );
  return String(rows[0]?.membership ?? '');
}
