import type { ServerState } from '../migrate/state';

/** The oldest series whose documentation has all that is used here; tested was 9.7.4 only. */
const OLDEST = [8, 4] as const;

export function checkVersion(version: string, comment: string): string[] {
  if (/mariadb/i.test(`${version} ${comment}`)) {
    return [`The server is MariaDB (${version}): order-timeout needs MySQL 8.4 or newer`];
  }
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
    ? []
    : [`The server is MySQL ${version}: order-timeout needs 8.4 or newer (it was tested on 9.7.4)`];
}

/** Whether the event would run and could write. */
export function checkServerState({ variables }: ServerState): string[] {
  const isOn = (name: string) => variables.get(name) === 'ON';
  const scheduler = variables.get('event_scheduler');
  const readOnly = ['super_read_only', 'read_only', 'innodb_read_only'].filter(isOn);
  return [
    ...(scheduler === 'DISABLED'
      ? [
          "The event scheduler is DISABLED in the server's configuration: set event_scheduler = ON there and restart the server",
        ]
      : scheduler === 'OFF'
        ? ['The event scheduler is off: SET PERSIST event_scheduler = ON']
        : []),
    ...(readOnly.length > 0
      ? [`The server takes no writes (${readOnly.join(' and ')} is ON): connect to the primary`]
      : []),
    ...(isOn('log_bin') && variables.get('binlog_format') === 'STATEMENT'
      ? [
          'binlog_format is STATEMENT, under which SKIP LOCKED is not safe: SET PERSIST binlog_format = ROW',
        ]
      : []),
  ];
}
