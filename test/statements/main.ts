import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { readSource } from '../../scripts/deploy';
import { DEFINER_SQL } from '../../scripts/deploy/account';
import { CREATE_DEFINER } from '../../scripts/deploy/definer';
import { startServer } from '../../scripts/dev/server';
import { PROBES_SCHEMA, withProbes, type Probed } from './probes';

/** The tests of the procedures. The others are about deployment, servers and commands. */
const TESTS = ['oracle', 'procedures', 'races', 'faults', 'shops', 'client'];

void main();

async function main(): Promise<void> {
  const only = process.argv.slice(2);
  const server = await startServer({
    settings: { 'sync-binlog': '0', 'innodb-flush-log-at-trx-commit': '2' },
  });
  const db = await createConnection(server.url);
  try {
    const { probed } = withProbes(readSource());
    await makeProbes(db, probed);
    const passed = await runTests(server.url, only.length > 0 ? only : TESTS);
    const reached = await readProbes(db);
    const missed = probed.filter(({ number }) => !reached.has(number)).map(nameOf);
    report(probed, missed);
    process.exitCode = passed && missed.every((name) => ELSEWHERE.includes(name)) ? 0 : 1;
  } finally {
    await db.query('DROP DATABASE IF EXISTS ??', [PROBES_SCHEMA]);
    await db.query(`REVOKE IF EXISTS EXECUTE ON ${PROBES_SCHEMA}.* FROM ${DEFINER_SQL}`);
    await db.end();
    await server.stop();
  }
}

async function makeProbes(db: Connection, probed: readonly Probed[]): Promise<void> {
  await db.query('DROP DATABASE IF EXISTS ??', [PROBES_SCHEMA]);
  await db.query('CREATE DATABASE ??', [PROBES_SCHEMA]);
  for (const { number } of probed)
    await db.query(`CREATE PROCEDURE ${PROBES_SCHEMA}.p${number} () NO SQL BEGIN END`);
  await db.query(CREATE_DEFINER);
  await db.query(`GRANT EXECUTE ON ${PROBES_SCHEMA}.* TO ${DEFINER_SQL}`);
}

async function runTests(url: string, folders: readonly string[]): Promise<boolean> {
  const tests = spawn(
    'npx',
    [
      ...['vitest', 'run', '--testTimeout', '180000'],
      // They have servers of their own, without probes.
      ...['crash', 'autoinc', 'rollback-on-timeout'].flatMap((name) => [
        '--exclude',
        `test/faults/${name}.test.ts`,
      ]),
      ...folders.map((folder) => `test/${folder}`),
    ],
    {
      cwd: join(__dirname, '../..'),
      env: { ...process.env, MYSQL_URL: url, SQL_PROBES: '1' },
      stdio: 'inherit',
    },
  );
  const [code] = (await once(tests, 'exit')) as [number | null];
  return code === 0;
}

/** What only a server with other settings gets to: test/faults/rollback-on-timeout.test.ts is about it. */
const ELSEWHERE = ['order_timeout_look_after: RESIGNAL;'];

/** The server counts the executions of each stored program, whatever became of their transactions. */
async function readProbes(db: Connection): Promise<Set<number>> {
  const [rows] = await db.query<RowDataPacket[]>(
    `SELECT object_name AS name FROM performance_schema.events_statements_summary_by_program
      WHERE object_schema = ? AND count_star > 0`,
    [PROBES_SCHEMA],
  );
  return new Set(rows.map(({ name }) => Number(String(name).slice(1))));
}

const nameOf = ({ procedure, statement }: Probed) => `${procedure}: ${statement}`;

function report(probed: readonly Probed[], missed: readonly string[]): void {
  for (const name of missed) {
    const where = ELSEWHERE.includes(name) ? 'executed on a server of its own' : 'never executed';
    process.stdout.write(`${where}: ${name}\n`);
  }
  process.stdout.write(
    `${probed.length - missed.length} of ${probed.length} statements of ${new Set(probed.map(({ procedure }) => procedure)).size} procedures were executed\n`,
  );
}
