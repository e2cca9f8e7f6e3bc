import type { Source } from '../migrate/source';
import type { DatabaseState } from '../migrate/state';

/** Objects under our names that no deployment of ours has made must not be overwritten. */
export function checkNames(source: Source, { objects, registry, tables }: DatabaseState): string[] {
  const ours = new Set(registry?.objects.map(({ kind, name }) => `${kind} ${name}`));
  const foreign = objects
    .filter(({ kind, name }) => !ours.has(`${kind} ${name}`))
    .map(
      ({ kind, name }) =>
        `There is a ${kind} ${name} already that order-timeout has not made: rename or drop it`,
    );
  const inTheWay = source.objects
    .filter(({ kind, name }) => kind === 'view' && tables.get(name)?.type === 'BASE TABLE')
    .map(
      ({ name }) => `There is a table ${name}, where order-timeout needs a view: rename or drop it`,
    );
  return [...foreign, ...inTheWay];
}
