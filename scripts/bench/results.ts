import type { NeighboursResult } from './parts/neighbours';
import type { SingleCallResult } from './parts/single-call';
import type { StatementsResult } from './parts/statements';
import type { Throughput, ThroughputResult } from './parts/throughput';
import type { Tick } from './parts/ticks';
import type { Surroundings } from './surroundings';

/** All that was measured; a part that did not run is missing. */
export interface Results {
  readonly throughput?: ThroughputResult;
  readonly growth?: readonly Throughput[];
  /** Of the parts idle and growth. */
  readonly ticks?: readonly Tick[];
  readonly single?: SingleCallResult;
  readonly neighbours?: NeighboursResult;
  readonly statements?: StatementsResult;
}

export interface Report {
  readonly startedAt: string;
  readonly durationSeconds: number;
  readonly surroundings: Surroundings;
  readonly results: Results;
  readonly ratios: readonly Ratio[];
}

/** A number that must be reached, whatever the machine. */
export interface Ratio {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly direction: 'at least' | 'at most';
  readonly unit: '×' | 'rows' | 'payments';
  readonly verdict: 'reached' | 'missed' | 'missed by far';
}
