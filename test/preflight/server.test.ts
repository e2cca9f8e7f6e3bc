import { describe, expect, it } from 'vitest';
import { checkServerState, checkVersion } from '../../scripts/preflight/server';

describe('a server', () => {
  it.each([
    ['8.4.0', 'MySQL Community Server - GPL'],
    ['9.7.4-2', 'Debian'],
    ['10.0.0', ''],
  ])('%s will do', (version, comment) => {
    expect(checkVersion(version, comment)).toEqual([]);
  });

  it.each([
    ['8.0.44', '', 'The server is MySQL 8.0.44: order-timeout needs 8.4 or newer'],
    ['5.7.1', '', 'needs 8.4 or newer'],
    ['11.8.2-MariaDB', 'Debian', 'The server is MariaDB (11.8.2-MariaDB)'],
    ['11.8.2', 'mariadb.org binary distribution', 'The server is MariaDB'],
  ])('%s will not', (version, comment, message) => {
    expect(checkVersion(version, comment).join()).toContain(message);
  });

  const READY = { event_scheduler: 'ON', read_only: 'OFF', log_bin: 'ON', binlog_format: 'ROW' };
  const check = (variables: Record<string, string>) =>
    checkServerState({
      version: '',
      comment: '',
      variables: new Map(Object.entries({ ...READY, ...variables })),
    });

  it('that is ready has no findings', () => {
    expect(check({})).toEqual([]);
  });

  it.each([
    [
      'whose event scheduler is off',
      { event_scheduler: 'OFF' },
      'SET PERSIST event_scheduler = ON',
    ],
    ['whose event scheduler is disabled', { event_scheduler: 'DISABLED' }, 'restart the server'],
    [
      'that is read-only',
      { read_only: 'ON', super_read_only: 'ON' },
      '(super_read_only and read_only is ON): connect to the primary',
    ],
    ['that logs statements', { binlog_format: 'STATEMENT' }, 'SET PERSIST binlog_format = ROW'],
  ])('%s is told what to do', (_, variables, message) => {
    expect(check(variables).join()).toContain(message);
  });

  it('that logs statements but has no binary log has no findings', () => {
    expect(check({ binlog_format: 'STATEMENT', log_bin: 'OFF' })).toEqual([]);
  });
});
