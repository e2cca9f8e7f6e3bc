import Mustache from 'mustache';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Finding, mistake, requireNoMistake } from './errors';
import { checksum, groupBy, normaliseText, quoteName, splitStatements } from './text';

/** A versioned file, and what takes it back; the name is without ".up.sql". */
export interface Migration {
  readonly name: string;
  readonly up: string;
  /** Empty: it goes with the tables of an earlier one. */
  readonly down: string;
  /** Of the up file: what was applied must not change. */
  readonly checksum: string;
}

export type ObjectKind = 'function' | 'view' | 'procedure' | 'event';

/** A repeatable file: an object as it is filled for a shop, or its template; with {kind} in its name one for each rule. */
export interface ObjectSource {
  readonly kind: ObjectKind;
  readonly name: string;
  readonly text: string;
}

/** What this version of the package deploys, before it is filled for a shop. */
export interface Source {
  readonly version: string;
  /** In the order of their numbers. */
  readonly migrations: readonly Migration[];
  readonly objects: readonly ObjectSource[];
  /** Pieces that templates share, by name. */
  readonly partials: Readonly<Record<string, string>>;
}

/** The package's folder, seen from scripts/deploy as well as from dist/cli, which has it all in one file. */
export const PACKAGE_FOLDER = join(__dirname, '..', '..');

const OBJECT_FOLDERS: readonly (readonly [ObjectKind, string])[] = [
  ['view', 'sql/shop'],
  ['view', 'sql/views'],
  ['function', 'sql/functions'],
  ['procedure', 'sql/procedures/internal'],
  ['procedure', 'sql/procedures/public'],
  ['event', 'sql/events'],
];

export function readVersion(): string {
  const manifest = readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** Reads the package's files. Throws a Refusal that names each file that is not as it must be. */
export function readSource(): Source {
  const named = (path: string) =>
    readSqlFiles(path).map(({ file, text }) => ({ name: basename(file, '.sql'), text }));
  return {
    version: readVersion(),
    migrations: pairMigrations(readSqlFiles('migrations')),
    objects: OBJECT_FOLDERS.flatMap(([kind, path]) =>
      named(path).map((file) => ({ kind, ...file })),
    ),
    partials: Object.fromEntries(
      named('sql/partials').map(({ name, text }) => [name, text.trimEnd()]),
    ),
  };
}

interface SqlFile {
  readonly file: string;
  readonly text: string;
}

const readSqlFiles = (path: string): SqlFile[] => {
  const folder = join(PACKAGE_FOLDER, path);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({ file, text: normaliseText(readFileSync(join(folder, file), 'utf8')) }));
};

const MIGRATION_FILE = /^(?<name>\d{4}_[a-z0-9_]+)\.(up|down)\.sql$/;

/** Pairs up and down files. Throws a Refusal for a down file alone, an odd name, a number used twice. */
export function pairMigrations(files: readonly SqlFile[]): Migration[] {
  const findings: Finding[] = [];
  const refuse = (file: string, text: string, remedy = '') =>
    findings.push(mistake(`migrations/${file}`, `migrations/${file}${text}`, remedy));
  const texts = new Map(files.map(({ file, text }) => [file, text]));
  const names = files.flatMap(({ file }) => {
    const { name } = MIGRATION_FILE.exec(file)?.groups ?? {};
    if (name === undefined) refuse(file, ': expected a name such as 0001_what_it_does.up.sql');
    return name ?? [];
  });
  const byNumber = groupBy([...new Set(names)], (name) => name.slice(0, 4));
  for (const [earlier = '', ...others] of byNumber.values())
    for (const name of others)
      refuse(earlier, ` and ${name} have the same number`, 'give the newer one the next');
  const migrations = [...byNumber.values()].flat().map((name) => {
    const [up, down = ''] = [texts.get(`${name}.up.sql`), texts.get(`${name}.down.sql`)];
    if (up === undefined) refuse(`${name}.up.sql`, ' is missing');
    return { name, up: up ?? '', down, checksum: checksum(up ?? '') };
  });
  requireNoMistake(findings);
  return migrations;
}

/** Our tables, as the versioned files make them. */
export function ownTables({ migrations }: Pick<Source, 'migrations'>): string[] {
  const names = migrations.flatMap(({ up }) =>
    [...up.matchAll(/^CREATE TABLE IF NOT EXISTS (\w+)/gm)].map(([, name = '']) => name),
  );
  return [...new Set(names)];
}

/** What the templates are filled from: fields by name, dots reach into them. A section wants a field too. */
export type Context = Readonly<Record<string, unknown>>;

/** A file with {kind} in its name is filled once for each of these of the context, whose fields come first. */
const LISTS: Readonly<Record<string, string>> = { kind: 'rules', reach: 'reaches' };

/**
 * Fills the templates. What comes out without a statement is not deployed.
 * In the order of deployment: functions, views (each after those that it reads), procedures, events.
 * `own_names` is given: the names of our tables and views, which a caller's temporary table could shadow.
 * Throws an Error that names the file and the field that the context does not have.
 */
export function renderSource(source: Source, context: Context): ObjectSource[] {
  const fillAll = (isView: boolean, fields: Context) =>
    source.objects
      .filter(({ kind }) => (kind === 'view') === isView)
      .flatMap((template) =>
        itemsFor(template.name, fields).map(({ name, item }) => ({
          ...template,
          name,
          text: fill(template.name, template.text, { ...fields, ...item }, source.partials),
        })),
      )
      .filter(({ text }) => splitStatements(text).length > 0);
  const views = inOrderOfUse(fillAll(true, context));
  const ownNames = [...ownTables(source), ...views.map(({ name }) => name)];
  const others = fillAll(false, { own_names: wrap(ownNames), ...context });
  const ofKind = (wanted: ObjectKind) => others.filter(({ kind }) => kind === wanted);
  return [...ofKind('function'), ...views, ...ofKind('procedure'), ...ofKind('event')];
}

/** In lines of about a hundred characters. */
const wrap = (names: readonly string[]) =>
  names.join(', ').replace(/(.{60,80}?,) /g, '$1\n        ');

function itemsFor(name: string, context: Context): { name: string; item: Context }[] {
  const [placeholder, field = ''] = /\{(\w+)\}/.exec(name) ?? [];
  if (placeholder === undefined) return [{ name, item: {} }];
  const items = (context[LISTS[field] ?? ''] ?? []) as readonly Context[];
  return items.map((item) => ({ name: name.replaceAll(placeholder, String(item[field])), item }));
}

function fill(
  name: string,
  template: string,
  context: Context,
  partials: Readonly<Record<string, string>>,
): string {
  const partial = (wanted: string) => {
    const text = partials[wanted];
    if (text === undefined) throw new Error(`there is no sql/partials/${wanted}.sql`);
    return text;
  };
  try {
    // Mustache escapes for HTML unless told otherwise, and takes a field that it doesn't find for an empty one.
    return Mustache.render(template, new CompleteContext(context), partial, { escape: String });
  } catch (error) {
    throw new Error(`${name}.sql: ${(error as Error).message}`, { cause: error });
  }
}

class CompleteContext extends Mustache.Context {
  override lookup(name: string): unknown {
    const value: unknown = super.lookup(name);
    if (value === undefined) throw new Error(`{{${name}}} is no field of this shop`);
    return value;
  }

  override push(view: unknown): CompleteContext {
    return new CompleteContext(view, this);
  }
}

/** Orders files so that each comes after those whose names stand in its statements. Throws an Error on a circle. */
function inOrderOfUse<T extends ObjectSource>(files: readonly T[]): T[] {
  const ordered: T[] = [];
  const visit = (file: T, path: readonly string[]) => {
    if (ordered.includes(file)) return;
    if (path.includes(file.name)) {
      throw new Error(`These files use each other: ${[...path, file.name].join(' -> ')}`);
    }
    for (const used of files.filter((other) => other !== file && uses(file, other))) {
      visit(used, [...path, file.name]);
    }
    ordered.push(file);
  };
  for (const file of files) visit(file, []);
  return ordered;
}

/** Whether the other's name stands in a statement of the file. */
function uses(file: ObjectSource, other: ObjectSource): boolean {
  const withoutComments = file.text.replace(/^\s*--.*$/gm, '');
  return new RegExp(`\\b${other.name}\\b`).test(withoutComments);
}

/** The views that our own routines and views read, as the definer. Others are for people: the caller reads them. */
export const usedViews = (objects: readonly ObjectSource[]) =>
  objects
    .filter((view) => view.kind === 'view')
    .filter((view) => objects.some((object) => object !== view && uses(object, view)))
    .map(({ name }) => name);

/** The statements of an object's file, its CREATE last. `definer`: what stands after DEFINER =. */
export function statementsOf({ kind, name, text }: ObjectSource, definer: string): string[] {
  const statements = splitStatements(text).map((sql) =>
    sql.replace(BEFORE_DEFINER, (create) => `${create} DEFINER = ${definer}`),
  );
  const create = statements.at(-1) ?? '';
  if (!create.includes(`DEFINER = ${definer}`) || !create.includes(name)) {
    throw new Error(`The file of ${kind} ${name} must end with its CREATE statement`);
  }
  return statements;
}

const BEFORE_DEFINER =
  /^CREATE( OR REPLACE)?(\s+ALGORITHM\s*=\s*\w+)?(?=(\s+SQL SECURITY DEFINER)?\s+(VIEW|PROCEDURE|FUNCTION|EVENT)\b)/i;

export const dropStatement = ({ kind, name }: Pick<ObjectSource, 'kind' | 'name'>) =>
  `DROP ${kind.toUpperCase()} IF EXISTS ${quoteName(name)}`;

/** The event as switched off: a changed event stays as the operator had it. */
export function disabled(createEvent: string): string {
  return createEvent.replace(/^(\s+)ENABLE$/m, '$1DISABLE');
}
