/** Names and values of server options, as on mysqld's command line without the dashes. '' is a bare flag. */
export type Settings = Readonly<Record<string, string>>;

/** What every server that is started here has, wherever it comes from. */
const BASE: Settings = {
  'server-id': '1',
  'event-scheduler': 'ON',
  'max-connections': '500',
  // Accounts are matched by address alone: 'root'@'%', the same as in a container.
  'skip-name-resolve': 'ON',
  mysqlx: 'OFF',
};

/** The command line for a server: the base, then each group of settings over the ones before it. */
export function serverArguments(...groups: readonly Settings[]): string[] {
  const merged = new Map<string, string>();
  for (const group of [BASE, ...groups]) {
    for (const [name, value] of Object.entries(group)) merged.set(name.replaceAll('_', '-'), value);
  }
  return [...merged].map(([name, value]) => (value === '' ? `--${name}` : `--${name}=${value}`));
}
