import type { Source } from '../../../scripts/deploy';
import type { Migration, ObjectKind, ObjectSource } from '../../../scripts/deploy/source';
import { checksum } from '../../../scripts/deploy/text';
import { withTexts } from '../../../scripts/dev/sources';

/** A source with little in it, for tests that deploy often: tables, a function, two views, a procedure, an event. */
export const SMALL: Source = {
  version: '1.0.0',
  migrations: [
    migration(
      '0001_tables',
      `CREATE TABLE IF NOT EXISTS order_timeout_setting (
    id INT PRIMARY KEY,
    default_timeout_minutes INT NOT NULL DEFAULT 30,
    clock CHAR(6) NOT NULL DEFAULT '+00:00',
    paused BOOLEAN NOT NULL DEFAULT 0
);
INSERT INTO order_timeout_setting (id) SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM order_timeout_setting);
CREATE TABLE IF NOT EXISTS order_timeout_hold (
    order_id BIGINT PRIMARY KEY CHECK (order_id > 0)
);
`,
      'DROP TABLE IF EXISTS order_timeout_hold;\nDROP TABLE IF EXISTS order_timeout_setting;\n',
    ),
  ],
  objects: [
    object(
      'view',
      'order_timeout_a_use',
      'CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_a_use AS\nSELECT doubled FROM order_timeout_seen;\n',
    ),
    object(
      'view',
      'order_timeout_seen',
      `CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_seen AS
SELECT order_timeout_double(id) AS doubled FROM orders;
`,
    ),
    routine(
      'function',
      'order_timeout_double',
      `(p_amount BIGINT) RETURNS BIGINT
    COMMENT 'Doubles.'
    SQL SECURITY DEFINER
    DETERMINISTIC
    NO SQL`,
      '    -- Twice.\n    RETURN p_amount * 2;',
    ),
    routine(
      'procedure',
      'order_timeout_first',
      `(IN p_id BIGINT)
    COMMENT 'One that callers have.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA`,
      "    SELECT COUNT(*) AS rows_seen, 'it''s -- text' /* a comment */ FROM order_timeout_seen;",
    ),
    object(
      'event',
      'order_timeout_tick',
      `DROP EVENT IF EXISTS order_timeout_tick;
DELIMITER $$
CREATE EVENT order_timeout_tick
    ON SCHEDULE EVERY 1 MINUTE
    ON COMPLETION PRESERVE
    ENABLE
    COMMENT 'Ticks'
    DO BEGIN END$$
DELIMITER ;
`,
    ),
  ],
  partials: {},
};

function object(kind: ObjectKind, name: string, text: string): ObjectSource {
  return { kind, name, text };
}

function routine(kind: 'function' | 'procedure', name: string, head: string, body: string) {
  const word = kind.toUpperCase();
  return object(
    kind,
    name,
    `-- Why it is there.
DROP ${word} IF EXISTS ${name};
DELIMITER $$
CREATE ${word} ${name} ${head}
BEGIN
${body}
END$$
DELIMITER ;
`,
  );
}

/** The source with one object's text changed. */
export const withText = (source: Source, name: string, change: (text: string) => string) =>
  withTexts(source, (one) => (one.name === name ? change(one.text) : one.text));

export const edited = (source: Source, name: string) =>
  withText(source, name, (text) => `${text}-- edited\n`);

export function without(source: Source, name: string): Source {
  return { ...source, objects: source.objects.filter((one) => one.name !== name) };
}

export function migration(name: string, up = 'DO 0;', down = 'DO 0;'): Migration {
  return { name, up, down, checksum: checksum(up) };
}

export const withMigrations = (source: Source, ...added: Migration[]): Source => ({
  ...source,
  migrations: [...source.migrations, ...added],
});
