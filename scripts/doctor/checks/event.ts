import type { EventState } from '../../failover/event';
import { EVENT } from '../../failover/event';
import { fail, type Finding, ok, warn } from '../finding';
import type { Place } from '../place';

const CHECK = 'event';

/** `differences`: what of the event is not as this version's file says. */
export function checkEvent(
  event: EventState | undefined,
  differences: readonly string[],
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
  if (differences.length > 0) {
    return fail(
      CHECK,
      `${differences.join('. ')}.`,
      `${place.isOpen ? '' : 'On the primary: '}order-timeout up brings it back to this version's file.`,
    );
  }
  if (!place.isOpen) {
    return ok(CHECK, `As deployed, ${event.status} on this server; it does not run here now.`);
  }
  if (event.status === 'ENABLED') {
    return ok(CHECK, `Enabled, as deployed; it runs as ${event.definer}.`);
  }
  if (place.hasSeveralPrimaries) {
    return warn(
      CHECK,
      `${event.status} here.`,
      'In a group with several primaries it runs on one of them. If on none: order-timeout doctor --fix here.',
    );
  }
  return fail(
    CHECK,
    event.status === 'DISABLED'
      ? 'DISABLED: somebody switched it off, and no order times out.'
      : `${event.status}: MySQL leaves the event off on a server that was promoted, and no order times out.`,
    'order-timeout doctor --fix enables it. (To halt the sweep on purpose use order-timeout pause.)',
  );
}
