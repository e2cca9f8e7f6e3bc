export type Section = 'what happened' | 'faults';

/** How often what happened. */
export interface Counters {
  add(name: string, section?: Section, by?: number): void;
  of(section: Section): readonly (readonly [string, number])[];
}

export function makeCounters(): Counters {
  const counts: Record<Section, Map<string, number>> = {
    'what happened': new Map(),
    faults: new Map(),
  };
  return {
    add: (name, section = 'what happened', by = 1) => {
      counts[section].set(name, (counts[section].get(name) ?? 0) + by);
    },
    of: (section) => [...counts[section]].sort(([one], [other]) => (one < other ? -1 : 1)),
  };
}
