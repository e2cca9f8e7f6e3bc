import { ifThere } from '../../../scripts/deploy/errors';
import type { Shop } from '../../support';

/** Everything that there is in a shop's database, by name, in a spelling that compares across databases. */
export type Snapshot = Record<string, string>;

/** Tables, views, procedures, events, grants and the registry; without data and times. */
export async function snapshot(shop: Shop): Promise<Snapshot> {
  const objects = await shop.run<{ kind: string; name: string }>(
    `SELECT IF(table_type = 'VIEW', 'VIEW', 'TABLE') AS kind, table_name AS name
       FROM information_schema.tables WHERE table_schema = DATABASE()
      UNION ALL
     SELECT routine_type, routine_name FROM information_schema.routines WHERE routine_schema = DATABASE()
      UNION ALL
     SELECT 'EVENT', event_name FROM information_schema.events WHERE event_schema = DATABASE()
      ORDER BY kind, name`,
  );
  const found = [...(await grantsOf(shop)), ...(await registryOf(shop))];
  for (const { kind, name } of objects)
    found.push({ name: `${kind} ${name}`, value: await describe(shop, kind, name) });
  const own = new RegExp(shop.name.replaceAll('_', '\\\\?_'), 'g');
  return Object.fromEntries(found.map(({ name, value }) => [name, value.replace(own, 'shop')]));
}

interface Named {
  readonly name: string;
  readonly value: string;
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

async function grantsOf(shop: Shop): Promise<Named[]> {
  const routines = await shop.run<Named>(
    `SELECT CONCAT('grant on ', routine_name, ' to ', user, '@', host) AS name, proc_priv AS value
       FROM mysql.procs_priv WHERE db = DATABASE()`,
  );
  const lines = await shop.run(`SHOW GRANTS FOR 'order_timeout'@'localhost'`).catch(() => []);
  const definer = lines
    .map((line) => String(Object.values(line)[0]))
    .filter((line) => line.replaceAll('\\', '').includes(`\`${shop.name}\``))
    .sort();
  return [...routines, ...definer.map((value, nth) => ({ name: `definer ${nth}`, value }))];
}

async function registryOf(shop: Shop): Promise<Named[]> {
  const rows = await ifThere(
    shop.run<Named>(
      `SELECT CONCAT('registry migration ', name) AS name, checksum AS value FROM order_timeout_migration
        UNION ALL
       SELECT CONCAT('registry ', kind, ' ', name),
              CONCAT(COALESCE(checksum, 'unfinished'), COALESCE(grants_to_restore, ''))
         FROM order_timeout_object`,
    ),
  );
  return rows ?? [];
}
