import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { checksum, normaliseText } from './checksum';
import { inOrderOfUse } from './dependencies';
import { Refusal } from './errors';

/** A versioned pair of files; the name is without ".up.sql". */
export interface Migration {
  readonly name: string;
  readonly up: string;
  readonly down: string;
  /** Of the up file: what was applied must not change. */
  readonly checksum: string;
}

export type ObjectKind = 'view' | 'procedure' | 'event';

/** A repeatable file: one object, the file's name is the object's. */
export interface ObjectSource {
  readonly kind: ObjectKind;
  readonly name: string;
  readonly text: string;
}

/** What this version of the package deploys. */
export interface Source {
  readonly version: string;
  /** In the order of their numbers. */
  readonly migrations: readonly Migration[];
  /** In the order of deployment: views (each after those that it reads), procedures, events. */
  readonly objects: readonly ObjectSource[];
}

/** The package's folder, seen from scripts/migrate as well as from dist/migrate. */
const PACKAGE_FOLDER = join(__dirname, '..', '..');

const OBJECT_FOLDERS: readonly (readonly [ObjectKind, string])[] = [
  ['view', 'sql/views'],
  ['procedure', 'sql/procedures/internal'],
  ['procedure', 'sql/procedures/public'],
  ['event', 'sql/events'],
];

/** Reads the package's files. Throws a Refusal that names each file that is not as it must be. */
export async function readSource(folder = PACKAGE_FOLDER): Promise<Source> {
  const [version, migrations, ...objects] = await Promise.all([
    readVersion(folder),
    readMigrations(join(folder, 'migrations')),
    ...OBJECT_FOLDERS.map(([kind, path]) => readObjects(kind, join(folder, path))),
  ]);
  const [views = [], ...others] = objects;
  return { version, migrations, objects: [...inOrderOfUse(views), ...others.flat()] };
}

async function readVersion(folder: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}

async function readObjects(kind: ObjectKind, folder: string): Promise<ObjectSource[]> {
  const files = await readSqlFiles(folder);
  return files.map(({ file, text }) => ({ kind, name: basename(file, '.sql'), text }));
}

async function readMigrations(folder: string): Promise<Migration[]> {
  return pairMigrations(await readSqlFiles(folder));
}

interface SqlFile {
  readonly file: string;
  readonly text: string;
}

async function readSqlFiles(folder: string): Promise<SqlFile[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    files.map(async (file) => ({
      file,
      text: normaliseText(await readFile(join(folder, file), 'utf8')),
    })),
  );
}

const MIGRATION_FILE = /^(?<name>(?<number>\d{4})_[a-z0-9_]+)\.(?<direction>up|down)\.sql$/;

/** Pairs up and down files. Throws a Refusal for a file without its other half, an odd name, a number used twice. */
export function pairMigrations(files: readonly SqlFile[]): Migration[] {
  const findings: string[] = [];
  const texts = new Map<string, { up?: string; down?: string }>();
  for (const { file, text } of files) {
    const { name, direction } = MIGRATION_FILE.exec(file)?.groups ?? {};
    if (name === undefined) {
      findings.push(`migrations/${file}: expected a name such as 0001_what_it_does.up.sql`);
    } else {
      texts.set(name, { ...texts.get(name), [direction === 'up' ? 'up' : 'down']: text });
    }
  }

  const migrations: Migration[] = [];
  const byNumber = new Map<string, string>();
  for (const [name, { up, down }] of texts) {
    const number = name.slice(0, 4);
    const earlier = byNumber.get(number);
    if (earlier !== undefined) {
      findings.push(
        `migrations/${earlier} and ${name} have the same number: give the newer one the next`,
      );
    }
    byNumber.set(number, name);
    if (up === undefined) findings.push(`migrations/${name}.up.sql is missing`);
    else if (down === undefined) findings.push(`migrations/${name}.down.sql is missing`);
    else migrations.push({ name, up, down, checksum: checksum(up) });
  }
  if (findings.length > 0) throw new Refusal(findings);
  return migrations;
}
