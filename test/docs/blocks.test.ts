import { createPool, type Pool } from 'mysql2/promise';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import ts from 'typescript';
import { expect, it, vi } from 'vitest';
import * as client from '../../scripts';
import { mysqlClientCommand } from '../../scripts/dev/server';
import { createShop, pendingOrder, type Shop } from '../support';
import { blocksOf, readPage, rowsShown, withoutTimes } from './pages';

const blocks = (page: string, language: string) => blocksOf(page, language).map(({ text }) => text);

/** Runs a program that a page shows, with what it takes as given. */
async function run(program: string, given: Readonly<Record<string, unknown>>): Promise<void> {
  const { outputText } = ts.transpileModule(program, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS },
  });
  const pools: Pool[] = [];
  const modules: Readonly<Record<string, unknown>> = {
    'order-timeout-client': client,
    'mysql2/promise': {
      createPool: (options: never) => {
        pools.push(createPool(options));
        return pools.at(-1);
      },
    },
  };
  const names = ['require', 'exports', ...Object.keys(given)];
  const values = [(name: string) => modules[name], {}, ...Object.values(given)];
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the program is the page's
  const call = new Function(...names, `return (async () => {${outputText}})()`) as (
    ...values: readonly unknown[]
  ) => Promise<void>;
  try {
    await call(...values);
  } finally {
    for (const pool of pools) await pool.end();
  }
}

/** The order and the user that the pages speak of. */
const KNOWN = { orderId: 28229, userId: 9110 };

const statusOf = (shop: Shop, orderId: number) =>
  shop.column('SELECT status FROM orders WHERE id = ?', [orderId]);

it.each(['README.md', 'docs/client.md'])('the program in %s cancels', async (page) => {
  const shop = await createShop();
  await pendingOrder(shop, { ...KNOWN, coupon: 1000 });
  vi.stubEnv('MYSQL_URL', shop.url);

  for (const program of blocks(page, 'ts')) await run(program, {});

  expect(await statusOf(shop, KNOWN.orderId)).toEqual([3]);
});

it('the programs in docs/feed.md read every cancellation and its place', async () => {
  const shop = await createShop();
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  await client.cancelExpiredOrder(shop.db, orderId);

  for (const program of blocks('docs/feed.md', 'ts')) {
    const told: client.ReadCancellation[] = [];
    const kept: unknown[] = [];
    const enough = new AbortController();
    await run(`${program}\nif (typeof next !== 'undefined') await keep(next);`, {
      db: shop.db,
      pool: shop.db,
      place: undefined,
      signal: enough.signal,
      tellTheUser: (one: client.ReadCancellation) => void told.push(one),
      keep: (place: unknown) => {
        kept.push(place);
        enough.abort();
      },
    });
    expect(told.map((one) => one.orderId)).toEqual([String(orderId)]);
    expect(kept).toEqual([{ ...told[0]?.place, orderId: String(orderId) }]);
  }
});

it('every statement in the README runs, and the first one gives the row that is shown', async () => {
  const shop = await createShop({ clock: '+08:00' });
  await pendingOrder(shop, { ...KNOWN, coupon: 1000 });
  const users = await pendingOrder(shop, { orderId: 26743, userId: KNOWN.userId, coupon: 300 });
  const account = new URL(await shop.createAccount()).username;
  const given: string[][][] = [];

  for (const block of blocks('README.md', 'sql')) {
    const statements = block
      .replaceAll(/--.*$/gm, '')
      .replaceAll("TO 'app'@", `TO '${account}'@`)
      .replaceAll('PROCEDURE shop.', `PROCEDURE ${shop.name}.`)
      .split(';');
    for (const sql of statements.filter((statement) => statement.trim() !== '')) {
      const [answer, fields] = (await shop.db.query({
        sql,
        rowsAsArray: true,
        typeCast: (field) => withoutTimes(field.string('utf-8') ?? 'NULL'),
      })) as unknown as [string[][][], { name: string }[][] | undefined];
      const names = fields?.[0]?.map(({ name }) => name);
      if (names !== undefined) given.push([names, ...(answer[0] ?? [])]);
    }
  }

  const shown = blocks('README.md', 'sql')
    .map(rowsShown)
    .find((rows) => rows.length > 0);
  expect(given[0]).toEqual(shown);
  expect(await statusOf(shop, users.orderId)).toEqual([3]);
});

it('what docs/runbook.md asks the mysql client can be asked', async () => {
  const shop = await createShop();
  const { command, args } = await mysqlClientCommand();
  const { hostname, port, username, password } = new URL(shop.url);
  const login = [`--host=${hostname}`, `--port=${port || '3306'}`, `--user=${username}`, shop.name];
  const asked = readPage('docs/runbook.md').matchAll(
    /\bmysql (?:shop )?(-E )?-e "((?:SELECT|SHOW|UPDATE) [^"…]*)"/g,
  );
  const refused: unknown[] = [];

  for (const [, vertical, sql = ''] of asked)
    await promisify(execFile)(
      command,
      [...args, ...login, ...(vertical ? ['-E'] : []), '-e', sql],
      { env: { ...process.env, MYSQL_PWD: decodeURIComponent(password) } },
    ).catch((error: unknown) => refused.push([sql, (error as Error).message]));

  expect(refused).toEqual([]);
});
