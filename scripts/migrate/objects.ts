import { checksum } from './checksum';
import { COLLATION, SQL_MODE } from './connection';
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
 * An event's state is the operator's and does not count; nor does what ALTER EVENT changes with it: an event
 * becomes that of the account, sql_mode and time zone that altered it last, and its one CALL cares for none.
 */
export function differences(
  object: RenderedObject,
  state: DatabaseState,
  definer: Definer,
): string[] {
  const { kind, name } = object;
  const deployed = findDeployed(object, state);
  if (deployed === undefined) return ['is missing'];

  if (kind === 'event') return textDifferences(object, deployed);
  const registered = state.registry?.objects.find((row) => row.kind === kind && row.name === name);
  return [
    ...contextDifferences(deployed, definer),
    ...(kind === 'view'
      ? viewDifferences(name, registered?.definitionHash ?? null, state)
      : textDifferences(object, deployed)),
  ];
}

/** What an object keeps of the session that made it. */
function contextDifferences(deployed: DeployedObject, definer: Definer): string[] {
  const { sqlMode, collation } = deployed;
  return [
    ...foreignDefiner(deployed, definer),
    ...(sqlMode !== null && !sameModes(sqlMode, SQL_MODE)
      ? [`was created under sql_mode '${sqlMode}' instead of '${SQL_MODE}'`]
      : []),
    ...(collation !== COLLATION
      ? [`was created with the collation ${collation} instead of ${COLLATION}`]
      : []),
  ];
}

/** Whether an object runs as another account than it was deployed for. */
export function foreignDefiner(deployed: DeployedObject, definer: Definer): string[] {
  return definer === 'dedicated' && deployed.definer !== DEFINER_ACCOUNT
    ? [`runs as ${deployed.definer} instead of ${DEFINER_ACCOUNT}`]
    : [];
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
    (aspect) => `differs in its ${aspect} from this version's file`,
  );
}

function sameModes(a: string, b: string): boolean {
  return a.split(',').sort().join(',') === b.split(',').sort().join(',');
}
