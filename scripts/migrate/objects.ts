import { checksum } from './checksum';
import { COLLATION, SQL_MODE, TIME_ZONE } from './connection';
import { DEFINER_ACCOUNT, type Definer } from './definer';
import { differingAspects, readDefinition } from './definition';
import { renderTokens, withDefiner } from './render';
import type { ObjectKind, ObjectSource } from './source';
import { splitStatements } from './split';
import type { DatabaseState, DeployedObject } from './state';

/** An object as it goes to this shop. */
export interface RenderedObject {
  readonly kind: ObjectKind;
  readonly name: string;
  /** The statements of its file; the last one is the CREATE. */
  readonly statements: readonly string[];
  readonly create: string;
  /** Of the rendered text and the definer. */
  readonly checksum: string;
}

/** Fits a file to the shop. `definerSql`: what stands after DEFINER =. */
export function renderObject(
  { kind, name, text }: ObjectSource,
  state: DatabaseState,
  definerSql: string,
): RenderedObject {
  const rendered = renderTokens(text, state.tables);
  const statements = splitStatements(rendered).map(({ sql }) => withDefiner(sql, definerSql));
  const create = statements.at(-1) ?? '';
  if (!create.includes(`DEFINER = ${definerSql}`) || !create.includes(name)) {
    throw new Error(`The file of ${kind} ${name} must end with its CREATE statement`);
  }
  return { kind, name, statements, create, checksum: checksum(rendered, definerSql) };
}

/**
 * In which ways the database's object is not the file's: "is missing", "its body differs". Empty: it is the same.
 * An event's state is the operator's and does not count.
 */
export function differences(
  object: RenderedObject,
  state: DatabaseState,
  definer: Definer,
): string[] {
  const { kind, name } = object;
  const deployed = findDeployed(object, state);
  if (deployed === undefined) return ['is missing'];

  const registered = state.registry?.objects.find((row) => row.kind === kind && row.name === name);
  return [
    ...(definer === 'dedicated' && deployed.definer !== DEFINER_ACCOUNT
      ? [`runs as ${deployed.definer} instead of ${DEFINER_ACCOUNT}`]
      : []),
    ...(deployed.sqlMode !== null && !sameModes(deployed.sqlMode, SQL_MODE)
      ? [`was created under sql_mode '${deployed.sqlMode}' instead of '${SQL_MODE}'`]
      : []),
    ...(deployed.collation !== COLLATION
      ? [`was created with the collation ${deployed.collation} instead of ${COLLATION}`]
      : []),
    ...(deployed.timeZone !== null && deployed.timeZone !== TIME_ZONE
      ? [`was created in the time zone ${deployed.timeZone} instead of ${TIME_ZONE}`]
      : []),
    ...(kind === 'view'
      ? viewDifferences(name, registered?.definitionHash ?? null, state)
      : textDifferences(object, deployed)),
  ];
}

export function findDeployed(
  { kind, name }: { kind: ObjectKind; name: string },
  state: DatabaseState,
): DeployedObject | undefined {
  return state.objects.find((object) => object.kind === kind && object.name === name);
}

function viewDifferences(name: string, hash: string | null, state: DatabaseState): string[] {
  const found = state.hashes.get(name) ?? null;
  return found === null || hash === null || found === hash
    ? []
    : ['was changed since its deployment'];
}

function textDifferences(object: RenderedObject, { definition }: DeployedObject): string[] {
  if (definition === null) return ['can not be read by this account: it needs SHOW_ROUTINE'];
  return differingAspects(readDefinition(object.create), definition).map(
    (aspect) => `its ${aspect} is not that of this version's file`,
  );
}

function sameModes(a: string, b: string): boolean {
  return a.split(',').sort().join(',') === b.split(',').sort().join(',');
}
