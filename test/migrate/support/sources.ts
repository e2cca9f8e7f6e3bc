import { readSource, type Source } from '../../../scripts/migrate';
import { checksum } from '../../../scripts/migrate/checksum';
import type { Migration, ObjectSource } from '../../../scripts/migrate/source';

/** This version's files, fewer of them, for tests that deploy often. */
export async function smallSource(): Promise<Source> {
  const source = await readSource();
  const kept = [
    'order_timeout_candidate',
    'order_timeout_release_lock',
    'order_timeout_require_id',
  ];
  return {
    ...source,
    objects: [...source.objects.filter(({ name }) => kept.includes(name)), TICK],
  };
}

/** Of each kind of file one or two, for tests that deploy after each of their statements. */
export async function fewStatements(): Promise<Source> {
  const { objects, ...source } = await smallSource();
  return {
    ...source,
    migrations: [
      migration(
        '0001_tables',
        TABLES_UP,
        'DROP TABLE IF EXISTS order_timeout_extra;\nDROP TABLE IF EXISTS order_timeout_setting;',
      ),
      migration('0002_index', INDEX_UP, INDEX_DOWN),
    ],
    objects: objects.filter(({ name }) => name !== 'order_timeout_candidate'),
  };
}

const TABLES_UP = `CREATE TABLE IF NOT EXISTS order_timeout_setting (
    id INT PRIMARY KEY,
    clock CHAR(6) NOT NULL DEFAULT '+00:00',
    paused BOOLEAN NOT NULL DEFAULT 0
);
INSERT INTO order_timeout_setting (id) SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM order_timeout_setting);
CREATE TABLE IF NOT EXISTS order_timeout_extra (
    id INT PRIMARY KEY
);
`;
const INDEX_UP = `-- @unless-index order_coupons (applied_amount)
ALTER TABLE order_coupons
    ADD INDEX order_timeout_amount (applied_amount), ALGORITHM = INPLACE, LOCK = NONE;
`;
const INDEX_DOWN = `-- @if-index order_coupons order_timeout_amount
ALTER TABLE order_coupons DROP INDEX order_timeout_amount;
`;

/** An event that does nothing. */
export const TICK: ObjectSource = {
  kind: 'event',
  name: 'order_timeout_tick',
  text: `DROP EVENT IF EXISTS order_timeout_tick;
DELIMITER $$
CREATE EVENT order_timeout_tick
    ON SCHEDULE EVERY 1 MINUTE
    ON COMPLETION PRESERVE
    ENABLE
    COMMENT 'Ticks'
    DO BEGIN END$$
DELIMITER ;
`,
};

/** The source with one object's text changed. */
export function withText(source: Source, name: string, change: (text: string) => string): Source {
  return {
    ...source,
    objects: source.objects.map((object) =>
      object.name === name ? { ...object, text: change(object.text) } : object,
    ),
  };
}

export function without(source: Source, name: string): Source {
  return { ...source, objects: source.objects.filter((object) => object.name !== name) };
}

export function migration(name: string, up = 'DO 0;', down = 'DO 0;'): Migration {
  return { name, up, down, checksum: checksum(up) };
}

export function withMigrations(
  source: Source,
  change: (migrations: readonly Migration[]) => Migration[],
): Source {
  return { ...source, migrations: change(source.migrations) };
}
