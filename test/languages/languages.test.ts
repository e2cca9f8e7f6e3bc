import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { readPage } from '../docs/pages';
import { holding } from '../procedures/obstacles';
import { lockWait, pendingOrder, shopOfFile } from '../support';

const PAGE = readPage('docs/languages.md');
const ours = (file: string) => readFileSync(join(__dirname, 'programs', file), 'utf8');
const block = (heading: string) =>
  new RegExp(`^## ${heading}\n[^]*?\`\`\`\\w+\n([^]*?)\`\`\``, 'm').exec(PAGE)?.[1] ?? '';

type Told = Readonly<Record<string, unknown>>;

/** Writes a block of the page and what the test does with it; the command that runs both. */
type Prepare = (program: string, folder: string, block: string) => string[];

interface Language {
  /** The heading of its block in docs/languages.md. */
  readonly heading: string;
  /** The one on the PATH may lack what Debian's has. */
  readonly program: string;
  readonly probe: readonly string[];
  /** A driver that the probe does not ask for. */
  readonly driver?: string;
  /** Debian's packages. */
  readonly packages: string;
  readonly prepare: Prepare;
  readonly argsOf?: (where: Awaited<ReturnType<typeof application>>) => readonly string[];
  /** It reads the number of an error as a signed one of 16 bits. */
  readonly isSigned?: boolean;
  /** What it tells besides what all tell. */
  readonly tells?: Told;
}

const write = (folder: string, file: string, text: string) => {
  writeFileSync(join(folder, file), text);
  return join(folder, file);
};

const GO = { GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOFLAGS: '-p=2' };
const JDBC = '/usr/share/java/mariadb-java-client.jar';

/** The block and our program in one file. */
const script =
  (file: string, opening = ''): Prepare =>
  (command, folder, block) => [command, write(folder, file, opening + block + ours(file))];

const PHP = { program: 'php', packages: 'php-cli php-mysql', tells: { unread: 2014 } };
const hasExtension = (name: string) => ['-r', `exit(extension_loaded("${name}") ? 0 : 1);`];

const LANGUAGES: readonly Language[] = [
  {
    heading: 'Python: PyMySQL',
    program: 'python3',
    probe: ['-c', 'import pymysql, cryptography'],
    packages: 'python3-pymysql python3-cryptography',
    prepare: script('python.py'),
    isSigned: true,
    tells: { uncommitted: 'cancelled' },
  },
  {
    ...PHP,
    heading: 'PHP: PDO',
    probe: hasExtension('pdo_mysql'),
    prepare: script('pdo.php', '<?php\n'),
  },
  {
    ...PHP,
    heading: 'PHP: mysqli',
    probe: hasExtension('mysqli'),
    prepare: script('mysqli.php', '<?php\n'),
  },
  {
    heading: 'Ruby: mysql2',
    program: 'ruby',
    probe: ['-e', 'require "mysql2"'],
    packages: 'ruby ruby-mysql2',
    prepare: script('ruby.rb'),
  },
  {
    heading: 'Go: go-sql-driver/mysql',
    program: 'go',
    probe: ['list', 'github.com/go-sql-driver/mysql'],
    packages: 'golang-go golang-github-go-sql-driver-mysql-dev',
    prepare: (go, folder, block) => {
      write(folder, 'orders.go', block);
      write(folder, 'check.go', ours('check.go'));
      const env = { ...process.env, ...GO };
      execFileSync(go, ['build', '-o', 'check'], { cwd: folder, env, stdio: 'pipe' });
      return [join(folder, 'check')];
    },
  },
  {
    heading: 'Java: JDBC',
    program: 'javac',
    probe: ['--source', '17', '-version'],
    driver: JDBC,
    packages: 'default-jdk-headless libmariadb-java',
    prepare: (javac, folder, block) => {
      write(folder, 'Orders.java', block);
      write(folder, 'Check.java', ours('Check.java'));
      execFileSync(javac, ['Orders.java', 'Check.java'], { cwd: folder, stdio: 'pipe' });
      return ['java', '-XX:TieredStopAtLevel=1', '-cp', `${folder}:${JDBC}`, 'Check'];
    },
    argsOf: ({ host, port, user, password, database }) => [
      `jdbc:mariadb://${host}:${port}/${database}?allowPublicKeyRetrieval=true`,
      user,
      password,
    ],
    isSigned: true,
  },
];

/** The program that can do it; undefined, and a line that says how to get it: there is none here. */
function programFor({ heading, program, probe, driver, packages }: Language): string | undefined {
  const env = { ...process.env, ...GO };
  const found = [program, `/usr/bin/${program}`].find(
    (one) =>
      (driver === undefined || existsSync(driver)) &&
      spawnSync(one, [...probe], { stdio: 'ignore', env }).status === 0,
  );
  if (found === undefined) {
    process.stdout.write(
      `Skipped ${heading}, which is not here: apt-get install --no-install-recommends ${packages}\n`,
    );
  }
  return found;
}

const shop = shopOfFile({ clock: '+08:00' });

beforeAll(() => shop.run('CREATE TABLE application_note (connection BIGINT, note VARCHAR(20))'));

/** An account that may do no more than an application. */
async function application() {
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
async function runAndKill([command = '', ...args]: readonly string[]) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
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
  return {
    connection: Number(lines[0]),
    waits,
    told: JSON.parse(lines[1] ?? '') as { readonly row: Told },
  };
}

/** A row as any language has it: amounts as numbers or digits, the time with or without zeros at its end. */
function cancellation(row: Told) {
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
      const command = language.prepare(program ?? '', folder, block(language.heading));
      const lock = 'SELECT 1 FROM orders WHERE id = ? FOR UPDATE';
      const holder = await holding(shop, lock, [waiting.orderId]);

      const given = language.argsOf?.(where) ?? [JSON.stringify(where)];
      const run = [...command, ...given, ...ids.map(String)];
      const { connection, waits, told } = await runAndKill(run);
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
        invalid: [language.isSigned ? 50001 - 65536 : 50001, 'INVALID_ID'],
        killed: [1317, null],
        ...language.tells,
      });
      expect(waits).toEqual([
        { name: 'innodb_lock_wait_timeout', seconds: '10' },
        { name: 'lock_wait_timeout', seconds: '10' },
      ]);
      expect(
        await shop.column('SELECT note FROM application_note WHERE connection = ?', [connection]),
      ).toEqual(['kept']);
      expect(
        await shop.run('SELECT id, status FROM orders WHERE id IN (?) ORDER BY id', [ids]),
      ).toEqual(ids.map((id) => ({ id, status: id === due.orderId ? 3 : 1 })));
    },
  );
});
