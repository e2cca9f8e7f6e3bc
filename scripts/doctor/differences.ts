import { EVENT } from '../failover/event';
import { DEFINER_ACCOUNT } from '../migrate/definer';

/** The lines of a comparison with this version's files, by what they are about. */
export interface SortedDifferences {
  readonly event: readonly string[];
  readonly definer: readonly string[];
  readonly indexes: readonly string[];
  readonly objects: readonly string[];
}

export function sortDifferences(lines: readonly string[]): SortedDifferences {
  const isEvent = (line: string) => line.startsWith(`The event ${EVENT} `);
  const isDefiner = (line: string) => line.startsWith(`The account ${DEFINER_ACCOUNT} `);
  const isIndex = (line: string) => line.includes(' has no visible index ');
  return {
    event: lines.filter(isEvent),
    definer: lines.filter(isDefiner),
    indexes: lines.filter(isIndex),
    objects: lines.filter((line) => !isEvent(line) && !isDefiner(line) && !isIndex(line)),
  };
}
