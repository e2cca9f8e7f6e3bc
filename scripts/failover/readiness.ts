import { enableEvent, type EventState } from './event';
import { roleOf } from './role';
import type { Topology } from './topology';

/** Whether a server would carry on by itself after its promotion. */
export type Readiness =
  | { readonly verdict: 'ready' }
  /** It would not, and these statements change that. */
  | { readonly verdict: 'not_ready'; readonly statements: readonly string[] }
  /** It would not, and something else has to be done first. */
  | { readonly verdict: 'refused'; readonly reason: string };

/** For a secondary or a replica. */
export function judgeReadiness(topology: Topology, event: EventState | undefined): Readiness {
  const reason = reasonToRefuse(topology, event);
  if (reason !== undefined || event === undefined) {
    return { verdict: 'refused', reason: reason ?? 'there is no event' };
  }
  return event.status === 'ENABLED' && topology.superReadOnly
    ? { verdict: 'ready' }
    : { verdict: 'not_ready', statements: statementsFor(event.definer) };
}

/**
 * As they run, in one session. read_only stays on all the while, under which the sweep refuses;
 * nothing is written to the binary log.
 */
export function statementsFor(definer: string): string[] {
  return [
    'SET GLOBAL super_read_only = OFF',
    'SET SESSION sql_log_bin = 0',
    enableEvent(definer),
    'SET SESSION sql_log_bin = 1',
    'SET GLOBAL super_read_only = ON',
  ];
}

function reasonToRefuse(topology: Topology, event: EventState | undefined): string | undefined {
  const role = roleOf(topology);
  if (role !== 'secondary' && role !== 'replica') return reasonOfRole(role);
  if (!topology.readOnly) {
    return 'it takes writes, and an enabled event would sweep there: SET PERSIST super_read_only = ON first';
  }
  // After a restart the event would run there, unless something keeps it away.
  if (role === 'replica' && !topology.startsReadOnly) {
    return (
      'whether it is read-only after a restart can not be seen, and if not, its enabled event would sweep then: ' +
      'SET PERSIST_ONLY super_read_only = ON first'
    );
  }
  if (role === 'secondary' && topology.group?.survivesRestart === false && !topology.startsReadOnly)
    return (
      'whether it knows its group after a restart can not be seen, and if not, its enabled event would sweep then: ' +
      'SET PERSIST_ONLY group_replication_group_name, or SET PERSIST_ONLY super_read_only = ON first'
    );
  if (event === undefined) {
    return 'the event order_timeout_tick is missing there: let it catch up, or deploy on the primary';
  }
  if (event.status === 'DISABLED') {
    return 'the event was switched off on the primary: order-timeout doctor --fix there first';
  }
  return undefined;
}

function reasonOfRole(role: 'standalone' | 'source' | 'primary' | 'joining' | 'outside'): string {
  switch (role) {
    case 'joining':
      return 'it is still joining its group: try again when it is ONLINE';
    case 'outside':
      return 'it is outside its group: START GROUP_REPLICATION first';
    case 'primary':
      return 'it is the primary';
    default:
      return 'it replicates from nobody';
  }
}
