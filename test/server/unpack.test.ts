import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { unpackedPackages } from '../../scripts/server/debian/unpack';

test('what was unpacked is used only when every file is there in full', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'cache-'));
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(cache, { recursive: true });
  });
  vi.stubEnv('XDG_CACHE_HOME', cache);
  const prefix = join(cache, 'order-timeout', `debian-mysql-${process.arch}`);
  const mysqld = join(prefix, 'usr/sbin/mysqld');
  await mkdir(join(mysqld, '..'), { recursive: true });
  await writeFile(mysqld, '12345');
  expect(await unpackedPackages()).toBeUndefined();

  await writeFile(
    join(prefix, '.order-timeout-manifest.json'),
    JSON.stringify({ 'usr/sbin/mysqld': 5 }),
  );
  expect(await unpackedPackages()).toBe(prefix);

  await writeFile(mysqld, '1234');
  expect(await unpackedPackages()).toBeUndefined();

  await rm(mysqld);
  expect(await unpackedPackages()).toBeUndefined();
});
