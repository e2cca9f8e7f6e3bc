import { mayWrite } from '../failover/role';
import type { Topology, TopologyUnreadable } from '../failover/topology';
import type { DatabaseState } from '../migrate/state';

/** What a server is to the sweep. */
export interface Place {
  /** The sweep may run here. */
  readonly isOpen: boolean;
  readonly hasSeveralPrimaries: boolean;
}

export function placeOf(topology: Topology | TopologyUnreadable, { server }: DatabaseState): Place {
  if (topology instanceof Error) {
    const isOn = (name: string) => server.variables.get(name) === 'ON';
    return { isOpen: !isOn('read_only') && !isOn('super_read_only'), hasSeveralPrimaries: false };
  }
  return {
    isOpen: mayWrite(topology),
    hasSeveralPrimaries: topology.group?.isSinglePrimary === false,
  };
}
