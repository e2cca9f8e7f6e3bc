import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { debianMirrors } from '../../scripts/server/debian/sources';
import { mysqlVersion } from '../../scripts/server/version';

test.each([
  {
    format: 'one line each',
    file: 'sources.list',
    text: `# deb http://commented.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/debian.gpg] http://mirror.example/debian/ bookworm main
deb http://mirror.example/debian-security bookworm-security main
deb https://packages.example/node_20.x nodistro main
`,
    mirrors: ['http://mirror.example/debian'],
  },
  {
    format: 'with fields',
    file: 'sources.list.d/debian.sources',
    text: `Types: deb
# a comment
URIs: http://first.example/debian
  http://second.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://switched-off.example/debian
Enabled: no

Types: deb-src
URIs: http://source.example/debian
`,
    mirrors: ['http://first.example/debian', 'http://second.example/debian'],
  },
])("Debian's mirrors are those of the machine, then the common one: $format", async (set) => {
  const etcApt = await mkdtemp(join(tmpdir(), 'etc-apt-'));
  onTestFinished(() => rm(etcApt, { recursive: true }));
  await mkdir(join(etcApt, 'sources.list.d'));
  await writeFile(join(etcApt, set.file), set.text);

  expect(await debianMirrors(etcApt)).toEqual([...set.mirrors, 'http://deb.debian.org/debian']);
});

test.each([
  ['mysqld  Ver 9.7.4 for Linux on x86_64 (MySQL Community Server - GPL)', '9.7.4'],
  ['/usr/sbin/mysqld  Ver 8.4.0-2 for Linux on x86_64 ((Debian))', '8.4.0-2'],
])('%s is a MySQL', (printed, version) => {
  expect(mysqlVersion(printed)).toBe(version);
});

test.each([
  [
    'mysqld  Ver 10.11.6-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)',
    /not a MySQL/,
  ],
  ['mysql  Ver 15.1 Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)', /not a MySQL/],
  ['mysqld  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)', /older than 8\.4/],
])('%s is none to run on', (printed, reason) => {
  expect(() => mysqlVersion(printed)).toThrow(reason);
});
