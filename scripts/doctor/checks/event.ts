import type { EventState } from '../../failover/event';
import { EVENT } from '../../failover/event';
import { fail, type Finding, ok, warn } from '../finding';
import type { Place } from '../place';

const CHECK = 'event';

/**
 * `differences`: what of the event is not as this version's file says.
 * `definer`: the account that it ought to run as.
 */
export function checkEvent(
  event: EventState | undefined,
  { differences, definer }: { differences: readonly string[]; definer: string },
  place: Place,
): Finding {
  if (event === undefined) {
    return fail(
      CHECK,
      `The event ${EVENT} is missing: nothing calls the sweep.`,
      place.isOpen
        ? 'order-timeout doctor --fix creates it.'
        : 'On the primary: order-timeout doctor --fix.',
    );
  }
  const other =
    differences.length === 0
      ? undefined
      : {
          found: `${differences.join('. ')}.`,
          advice: `${place.isOpen ? '' : 'On the primary: '}order-timeout up brings it back to this version's file.`,
        };
  if (!place.isOpen) {
    return other === undefined
      ? ok(CHECK, `As deployed, ${event.status} on this server; it does not run here now.`)
      : fail(CHECK, other.found, other.advice);
  }
  const off = event.status === 'ENABLED' ? undefined : describeOff(event.status, place);
  const wrongs = [off, other].filter((wrong) => wrong !== undefined);
  if (wrongs.length === 0 && event.definer !== definer) {
    return warn(
      CHECK,
      `Enabled; it runs as ${event.definer} instead of ${definer}.`,
      'Should that account go or lose a privilege, no order times out: order-timeout doctor --fix.',
    );
  }
  if (wrongs.length === 0) return ok(CHECK, `Enabled, as deployed; it runs as ${event.definer}.`);
  const found = wrongs.map((wrong) => wrong.found).join(' ');
  const advice = wrongs.map((wrong) => wrong.advice).join(' Then: ');
  const mayRunElsewhere = place.hasSeveralPrimaries && other === undefined;
  return mayRunElsewhere ? warn(CHECK, found, advice) : fail(CHECK, found, advice);
}

function describeOff(
  status: 'DISABLED' | 'REPLICA_SIDE_DISABLED',
  { hasSeveralPrimaries }: Place,
): { found: string; advice: string } {
  if (hasSeveralPrimaries) {
    return {
      found: `${status} here.`,
      advice:
        'In a group with several primaries it runs on one of them. If on none: order-timeout doctor --fix here.',
    };
  }
  return {
    found:
      status === 'DISABLED'
        ? 'DISABLED: somebody switched it off, and no order times out.'
        : `${status}: MySQL leaves the event off on a server that was promoted, and no order times out.`,
    advice:
      'order-timeout doctor --fix enables it. (To halt the sweep on purpose use order-timeout pause.)',
  };
}
