import type { FailoverPlan } from '../../failover';
import { judgeReadiness } from '../../failover/readiness';
import type { EventState } from '../../failover/event';
import { roleOf } from '../../failover/role';
import type { Topology } from '../../failover/topology';
import { type Finding, ok, warn } from '../finding';

const CHECK = 'failover';
const MAKE_READY =
  'order-timeout failover-ready makes it so; to be run again after each deployment that changed the event.';

/** Of a server that may be promoted: whether the sweep would go on here. Undefined: it is none. */
export function checkOwnReadiness(
  topology: Topology,
  event: EventState | undefined,
): Finding | undefined {
  const role = roleOf(topology);
  if (role !== 'secondary' && role !== 'replica') return undefined;
  if (role === 'replica' && !topology.readOnly) return undefined;
  const readiness = judgeReadiness(topology, event);
  switch (readiness.verdict) {
    case 'ready':
      return ok(CHECK, 'Ready: after a promotion the sweep goes on here by itself.');
    case 'not_ready':
      return warn(
        CHECK,
        `Not ready: the event is ${event?.status ?? 'missing'}, and after a promotion no sweep would run.`,
        MAKE_READY,
      );
    case 'refused':
      return warn(CHECK, 'Not ready to carry on after a promotion.', `${readiness.reason}.`);
  }
}

/** Of a primary: whether the others would carry on. */
export function checkOthersReadiness(plan: FailoverPlan): Finding {
  if (plan.candidates.length === 0) {
    return warn(CHECK, 'There is no other member to carry on.', 'Add members to the group.');
  }
  const lines = plan.candidates.map(({ address, readiness }) =>
    'reason' in readiness
      ? `${address} ${readiness.verdict === 'unreachable' ? 'could not be looked at' : 'is not ready'}: ${readiness.reason}`
      : `${address} is ${readiness.verdict === 'ready' ? 'ready' : 'not ready: its event is off'}`,
  );
  const isReady = plan.candidates.every(({ readiness }) => readiness.verdict === 'ready');
  return isReady
    ? ok(CHECK, `${lines.join('. ')}.`)
    : warn(
        CHECK,
        `${lines.join('. ')}.`,
        `After a failover to one that is not ready, no sweep would run. ${MAKE_READY}`,
      );
}
