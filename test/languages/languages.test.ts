import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createShop, lockWait, pendingOrder, type Shop } from '../support';

const PAGE = readFileSync(join(__dirname, '../../docs/languages.md'), 'utf8');
const ours = (file: string) => readFileSync(join(__dirname, 'programs', file), 'utf8');
const block = (heading: string) =>
  new RegExp(`^## ${heading}\n[^]*?\`\`\`\\w+\n([^]*?)\`\`\``, 'm').exec(PAGE)?.[1] ?? '';

interface Where {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

interface Language {
  /** The heading of its block in docs/languages.md. */
  readonly heading: string;
  /** Programs that may be the right one, and what each must be able to do. */
  readonly programs: readonly string[];
  readonly probe: readonly string[];
  /** A driver that the probe does not ask for. */
  readonly driver?: string;
  /** Debian's packages. */
  readonly packages: string;
  /** Writes the block and what the test does with it; how to run both. */
  readonly prepare: (program: string, folder: string, code: string) => Command;
  readonly argsOf?: (where: Where) => readonly string[];
  /** How it shows the numbers of our errors. */
  readonly number: (number: number) => number;
  /** What it tells besides what all tell. */
  readonly tells?: Readonly<Record<string, unknown>>;
}

const write = (folder: string, file: string, text: string) => {
  writeFileSync(join(folder, file), text);
  return join(folder, file);
};
const asItIs = (number: number) => number;
const signed = (number: number) => number - 65536;

const GO = { GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOFLAGS: '-p=2' };
const JDBC = '/usr/share/java/mariadb-java-client.jar';

const LANGUAGES: readonly Language[] = [
  {
    heading: 'Python: PyMySQL',
    programs: ['python3', '/usr/bin/python3'],
    probe: ['-c', 'import pymysql, cryptography'],
    packages: 'python3-pymysql python3-cryptography',
    prepare: (command, folder, code) => ({
      command,
      args: [write(folder, 'check.py', code + ours('python.py'))],
    }),
    number: signed,
    tells: { uncommitted: 'cancelled' },
  },
  {
    heading: 'PHP: PDO',
    programs: ['php'],
    probe: ['-r', 'exit(extension_loaded("pdo_mysql") ? 0 : 1);'],
    packages: 'php-cli php-mysql',
    prepare: (command, folder, code) => ({
      command,
      args: [write(folder, 'check.php', `<?php\n${code}${ours('pdo.php')}`)],
    }),
    number: asItIs,
    tells: { unread: 2014 },
  },
  {
    heading: 'PHP: mysqli',
    programs: ['php'],
    probe: ['-r', 'exit(extension_loaded("mysqli") ? 0 : 1);'],
    packages: 'php-cli php-mysql',
    prepare: (command, folder, code) => ({
      command,
      args: [write(folder, 'check.php', `<?php\n${code}${ours('mysqli.php')}`)],
    }),
    number: asItIs,
    tells: { unread: 2014 },
  },
  {
    heading: 'Ruby: mysql2',
    programs: ['ruby', '/usr/bin/ruby'],
    probe: ['-e', 'require "mysql2"'],
    packages: 'ruby ruby-mysql2',
    prepare: (command, folder, code) => ({
      command,
      args: [write(folder, 'check.rb', code + ours('ruby.rb'))],
    }),
    number: asItIs,
  },
  {
    heading: 'Go: go-sql-driver/mysql',
    programs: ['go', '/usr/bin/go'],
    probe: ['list', 'github.com/go-sql-driver/mysql'],
    packages: 'golang-go golang-github-go-sql-driver-mysql-dev',
    prepare: (program, folder, code) => {
      write(folder, 'orders.go', code);
      write(folder, 'check.go', ours('check.go'));
      const env = { ...process.env, ...GO };
      execFileSync(program, ['build', '-o', 'check'], { cwd: folder, env, stdio: 'pipe' });
      return { command: join(folder, 'check'), args: [] };
    },
    number: asItIs,
  },
  {
    heading: 'Java: JDBC',
    programs: ['javac'],
    probe: ['--source', '17', '-version'],
    driver: JDBC,
    packages: 'default-jdk-headless libmariadb-java',
    prepare: (javac, folder, code) => {
      const files = [
        write(folder, 'Orders.java', code),
        write(folder, 'Check.java', ours('Check.java')),
      ];
      execFileSync(javac, ['-d', folder, ...files], { stdio: 'pipe' });
      const path = ['-XX:TieredStopAtLevel=1', '-cp', `${folder}:${JDBC}`];
      return { command: 'java', args: [...path, 'Check'] };
    },
    argsOf: ({ host, port, user, password, database }) => [
      `jdbc:mariadb://${host}:${port}/${database}?allowPublicKeyRetrieval=true`,
      user,
      password,
    ],
    number: signed,
  },
];

/** The program that can do it; undefined, and a line that says how to get it: there is none here. */
function programFor({ heading, programs, probe, driver, packages }: Language): string | undefined {
  const found = programs.find((program) => {
    if (driver !== undefined && !existsSync(driver)) return false;
    try {
      execFileSync(program, [...probe], { stdio: 'ignore', env: { ...process.env, ...GO } });
      return true;
    } catch {
      return false;
    }
  });
  if (found === undefined) {
    process.stdout.write(
      `Skipped ${heading}, which is not here: apt-get install --no-install-recommends ${packages}\n`,
    );
  }
  return found;
}

let shop: Shop;

beforeAll(async () => {
  shop = await createShop({ clock: '+08:00' });
  await shop.run('CREATE TABLE application_note (connection BIGINT, note VARCHAR(20))');
});

/** An account that may do no more than an application. */
async function application(): Promise<Where> {
  const url = new URL(
    await shop.createAccount(
      `EXECUTE ON PROCEDURE ${shop.name}.cancel_expired_order`,
      `INSERT ON ${shop.name}.application_note`,
    ),
  );
  const { hostname: host, port, username: user, password } = url;
  return { host, port: Number(port), user, password, database: shop.name };
}

/** Runs it up to its end; when it has told its connection and waits for a lock, its call is killed. */
async function runAndKill(command: string, args: readonly string[]) {
  const child = spawn(command, [...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text) => (errors += String(text)));
  const lines: string[] = [];
  let waits: unknown;
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (lines.length > 1) continue;
    await lockWait(shop);
    waits = await shop.run(
      `SELECT variable_name AS name, variable_value AS seconds
         FROM performance_schema.variables_by_thread
         JOIN performance_schema.threads USING (thread_id)
        WHERE processlist_id = ? AND variable_name LIKE '%lock_wait_timeout' ORDER BY 1`,
      [Number(line)],
    );
    await shop.run(`KILL QUERY ${Number(line)}`);
  }
  expect({ errors, lines: lines.length }).toEqual({ errors: '', lines: 2 });
  return { connection: Number(lines[0]), waits, told: JSON.parse(lines[1] ?? '') as Told };
}

interface Told {
  readonly row: Readonly<Record<string, unknown>>;
}

/** A row as any language has it: amounts as numbers or digits, the time with or without zeros at its end. */
function cancellation(row: Readonly<Record<string, unknown>>) {
  return {
    ...row,
    order_id: Number(row.order_id),
    coupon_refunded: Number(row.coupon_refunded),
    points_refunded: Number(row.points_refunded),
    cancelled_at: Date.parse(`${String(row.cancelled_at).replace(' ', 'T')}${String(row.clock)}`),
    returned: JSON.parse(String(row.returned)) as unknown,
  };
}

describe.each(LANGUAGES)('the block of docs/languages.md for $heading', (language) => {
  const program = programFor(language);

  test.skipIf(program === undefined)(
    'cancels, tells an error of ours by its word, and loses nothing when a call is killed while it waits',
    async () => {
      const due = await pendingOrder(shop, { coupon: 1000, points: 50 });
      const waiting = await pendingOrder(shop, { coupon: 1000 });
      const forgotten = await pendingOrder(shop, { coupon: 1000 });
      const ids = [due, waiting, forgotten].map(({ orderId }) => orderId);
      const where = await application();
      const folder = mkdtempSync(join(tmpdir(), 'order-timeout-language-'));
      onTestFinished(() => {
        rmSync(folder, { recursive: true });
      });
      const { command, args } = language.prepare(program ?? '', folder, block(language.heading));
      const holder = await shop.connect();
      await holder.query('START TRANSACTION');
      await holder.query('SELECT 1 FROM orders WHERE id = ? FOR UPDATE', [waiting.orderId]);

      const given = language.argsOf?.(where) ?? [JSON.stringify(where)];
      const { connection, waits, told } = await runAndKill(command, [
        ...args,
        ...given,
        ...ids.map(String),
      ]);
      await holder.query('ROLLBACK');

      const [cancelled] = await shop.run<{ at: string }>(
        'SELECT UNIX_TIMESTAMP(cancelled_at) * 1000 AS at FROM order_timeout_cancellation WHERE order_id = ?',
        [due.orderId],
      );
      expect({ ...told, row: cancellation(told.row) }).toEqual({
        row: {
          order_id: due.orderId,
          outcome: 'cancelled',
          coupon_refunded: 1000,
          points_refunded: 50,
          cancelled_at: Number(cancelled?.at),
          expires_at: null,
          returned: { coupon: '1000', points: '50' },
          clock: '+08:00',
        },
        again: 'not_pending',
        invalid: [language.number(50001), 'INVALID_ID'],
        killed: [1317, null],
        ...language.tells,
      });
      expect(waits).toEqual([
        { name: 'innodb_lock_wait_timeout', seconds: '10' },
        { name: 'lock_wait_timeout', seconds: '10' },
      ]);
      expect(
        await shop.run('SELECT note FROM application_note WHERE connection = ?', [connection]),
      ).toEqual([{ note: 'kept' }]);
      expect(
        await shop.run('SELECT id, status FROM orders WHERE id IN (?) ORDER BY id', [ids]),
      ).toEqual(ids.map((id) => ({ id, status: id === due.orderId ? 3 : 1 })));
    },
  );
});
