import { expect, test } from 'vitest';
import { mysqlVersion } from '../../../scripts/dev/server/programs';

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
