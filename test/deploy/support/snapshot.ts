import type { RowDataPacket } from 'mysql2/promise';
import type { Shop } from '../../support';

/** Everything that there is in a shop's database, by name, in a spelling that compares across databases. */
export type Snapshot = Record<string, string>;

/** Tables, views, procedures, events, grants and the registry; without data and times. */
export async function snapshot(shop: Shop): Promise<Snapshot> {
  const found: Snapshot = {};
  for (const { kind, name } of await objectsOf(shop)) {
    found[`${kind} ${name}`] = await describe(shop, kind, name);
  }
  for (const [key, value] of await grantsOf(shop)) found[key] = value;
  for (const [key, value] of await registryOf(shop)) found[key] = value;
  const own = shop.name.replaceAll('_', '\\\\?_');
  return Object.fromEntries(
    Object.entries(found).map(([key, value]) => [key, value.replace(new RegExp(own, 'g'), 'shop')]),
  );
}

interface Named {
  readonly kind: string;
  readonly name: string;
}

function objectsOf(shop: Shop): Promise<Named[]> {
  return shop.run<Named>(
    `SELECT IF(table_type = 'VIEW', 'VIEW', 'TABLE') AS kind, table_name AS name
       FROM information_schema.tables WHERE table_schema = DATABASE()
      UNION ALL
     SELECT routine_type, routine_name FROM information_schema.routines WHERE routine_schema = DATABASE()
      UNION ALL
     SELECT 'EVENT', event_name FROM information_schema.events WHERE event_schema = DATABASE()
      ORDER BY kind, name`,
  );
}

async function describe(shop: Shop, kind: string, name: string): Promise<string> {
  const [row = {}] = await shop.run(`SHOW CREATE ${kind} ${name}`);
  return Object.entries(row)
    .filter(([column]) => column.startsWith('Create') || SESSION.includes(column))
    .map(([, value]) => withoutChance(String(value)))
    .join('\n');
}

/** What an object keeps of the session that made it. */
const SESSION = ['sql_mode', 'time_zone', 'collation_connection', 'character_set_client'];

/** Nor with comments and white space within a body, some of which the mysql client changes. */
function withoutChance(create: string): string {
  return create
    .replace(/ AUTO_INCREMENT=\d+/, '')
    .replace(/ STARTS '[^']*'/, '')
    .replace(/\/\*[\s\S]*?\*\/|--\s.*$/gm, '')
    .replace(/\s+/g, ' ')
    .replace(/ ([;,)])/g, '$1');
}

async function grantsOf(shop: Shop): Promise<[string, string][]> {
  const routines = await shop.run<{ name: string; account: string; privileges: string }>(
    `SELECT routine_name AS name, CONCAT(user, '@', host) AS account, proc_priv AS privileges
       FROM mysql.procs_priv WHERE db = DATABASE() ORDER BY name, account`,
  );
  const lines = await shop
    .run<RowDataPacket>(`SHOW GRANTS FOR 'order_timeout'@'localhost'`)
    .catch(() => []);
  const definer = lines
    .map((line) => String(Object.values(line)[0]))
    .filter((line) => line.replaceAll('\\', '').includes(`\`${shop.name}\``))
    .sort();
  return [
    ...routines.map(({ name, account, privileges }): [string, string] => [
      `grant on ${name} to ${account}`,
      privileges,
    ]),
    ...definer.map((line, number): [string, string] => [`definer ${number}`, line]),
  ];
}

async function registryOf(shop: Shop): Promise<[string, string][]> {
  const [present] = await shop.run(`SHOW TABLES LIKE 'order\\_timeout\\_object'`);
  if (present === undefined) return [];
  const rows = await shop.run<{ name: string; checksum: string }>(
    `SELECT CONCAT('migration ', name) AS name, checksum FROM order_timeout_migration
      UNION ALL
     SELECT CONCAT(kind, ' ', name), CONCAT(COALESCE(checksum, 'unfinished'), COALESCE(grants_to_restore, ''))
       FROM order_timeout_object`,
  );
  return rows.map(({ name, checksum }) => [`registry ${name}`, checksum]);
}
