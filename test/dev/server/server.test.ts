import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type PrivateMysqld, startPrivateMysqld, startServer } from '../../../scripts/dev/server';
import { ask } from '../../../scripts/dev/server/connect';
import { findEngine } from '../../../scripts/dev/server/container';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

describe('a server of startServer()', () => {
  test.for(['private', 'container'] as const)(
    'says in one line what it is, has the settings asked for, and is gone after stop(): %s',
    async (only, { skip }) => {
      const noEngine = () => {
        skip('no Docker engine answers');
      };
      if (only === 'container') await findEngine().catch(noEngine);
      const lines: string[] = [];
      const server = await startServer({
        only,
        settings: { 'sync-binlog': '0', innodb_flush_log_at_trx_commit: '2' },
        log: (line) => lines.push(line),
      });
      const { version, ...settings } = await firstRow(
        server.url,
        `SELECT VERSION() AS version, CURRENT_USER() AS user, @@event_scheduler AS events,
                @@log_bin AS log_bin, @@sync_binlog AS sync_binlog,
                @@innodb_flush_log_at_trx_commit AS flush_log`,
      );
      await server.stop();
      await server.stop();

      expect(server.source).toBe(only);
      expect(server.description).toContain(`MySQL ${String(version)}, a ${only} `);
      expect(lines.at(-1)).toBe(server.description);
      expect(settings).toEqual({
        user: 'root@%',
        events: 'ON',
        log_bin: 1,
        sync_binlog: 0,
        flush_log: 2,
      });
      await expect(firstRow(server.url, 'SELECT 1')).rejects.toThrow(/ECONNREFUSED/);
    },
  );

  test('is the one that MYSQL_URL names, which stop() leaves alone', async () => {
    const given = await startPrivateMysqld();
    vi.stubEnv('MYSQL_URL', `${given.url}/mysql`);
    try {
      const server = await startServer({ log: () => undefined });
      await server.stop();

      expect(server.source).toBe('given');
      expect(server.url).toBe(given.url);
      expect(server.description).toBe(
        `MySQL ${given.version} at 127.0.0.1:${given.port}, given by MYSQL_URL`,
      );
      expect(await firstRow(given.url, 'SELECT 1 AS answers')).toEqual({ answers: 1 });
    } finally {
      vi.unstubAllEnvs();
      await given.stop();
    }
  });

  test.each([
    ['mysql://root@127.0.0.1:1', /No connection to 127\.0\.0\.1:1, which MYSQL_URL names/],
    ['localhost:3306', /MYSQL_URL must look like mysql:/],
  ])('is no other when MYSQL_URL is %s', async (url, reason) => {
    vi.stubEnv('MYSQL_URL', url);
    await expect(startServer()).rejects.toThrow(reason);
    vi.unstubAllEnvs();
  });
});

describe('a private mysqld', () => {
  let server: PrivateMysqld;
  beforeAll(async () => {
    server = await startPrivateMysqld();
  });
  afterAll(() => server.stop());

  test('has its data after SIGKILL and restart(), on the same port', async () => {
    await firstRow(server.url, 'CREATE DATABASE survives');
    const before = server.pid;

    await server.kill('SIGKILL');
    expect(isAlive(before)).toBe(false);
    await server.restart({ 'max-connections': '123' });

    expect(server.pid).not.toBe(before);
    expect(await firstRow(server.url, 'SELECT @@port AS port, @@max_connections AS most')).toEqual({
      port: server.port,
      most: 123,
    });
    await expect(firstRow(server.url, 'CREATE DATABASE survives')).rejects.toThrow(/exists/);
  });

  test('leaves neither process nor file after stop()', async () => {
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
    expect(existsSync(join(server.dataDir, '..'))).toBe(false);
  });
});

describe('the process that owns a server', { timeout: 180_000 }, () => {
  test.concurrent.for(['SIGKILL', 'SIGINT', 'SIGTERM', 'an uncaught error'] as const)(
    'leaves nothing when it ends by %s',
    async (end, { expect }) => {
      const owner = fork(join(__dirname, 'owner.ts'), {
        execArgv: ['--require', 'ts-node/register/transpile-only'],
        stdio: 'ignore',
      });
      const [{ pid, dataDir }] = (await once(owner, 'message')) as [PrivateMysqld];
      const isLeft = (): boolean[] => [isAlive(pid), existsSync(join(dataDir, '..'))];
      expect(isLeft()).toEqual([true, true]);

      if (end === 'an uncaught error') owner.send('fail');
      else owner.kill(end);
      await once(owner, 'exit');

      await expect.poll(isLeft, { timeout: 60_000 }).toEqual([false, false]);
    },
  );
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function firstRow(url: string, sql: string): Promise<Record<string, unknown>> {
  return ask(url, async (db) => {
    const [rows] = await db.query<RowDataPacket[]>(sql);
    return { ...rows[0] };
  });
}
