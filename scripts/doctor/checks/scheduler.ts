import { fail, type Finding, ok, warn } from '../finding';
import type { Place } from '../place';

const CHECK = 'scheduler';

/** `setting`: event_scheduler; `hasThread` undefined: this account may not see it. */
export function checkScheduler(
  setting: string,
  hasThread: boolean | undefined,
  { isOpen }: Place,
): Finding {
  if (setting !== 'ON') {
    const advice =
      setting === 'DISABLED'
        ? 'Set event_scheduler = ON in the configuration and restart the server.'
        : 'SET PERSIST event_scheduler = ON.';
    return isOpen
      ? fail(CHECK, `event_scheduler is ${setting}: no event runs.`, advice)
      : warn(CHECK, `event_scheduler is ${setting}: no event would run after a promotion.`, advice);
  }
  if (!isOpen) return ok(CHECK, 'event_scheduler is ON, for when this server takes writes.');
  if (hasThread === undefined) {
    return warn(
      CHECK,
      'event_scheduler is ON; whether its thread is alive was not looked at.',
      'GRANT SELECT ON performance_schema.* to this account, or use another one.',
    );
  }
  return hasThread
    ? ok(CHECK, 'event_scheduler is ON and its thread is alive.')
    : fail(
        CHECK,
        'event_scheduler is ON, but its thread is gone: no event runs.',
        "SET GLOBAL event_scheduler = OFF, then ON; the server's error log says why it ended.",
      );
}
