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
