import { fail, type Finding, ok, warn } from '../finding';
import type { Place } from '../place';

const CHECK = 'objects';
const SHOWN = 5;

/** `differences`: of tables, views and procedures from this version's files. */
export function checkObjects(
  differences: readonly string[],
  { version, hasOtherDefiner }: { version: string; hasOtherDefiner: boolean },
  place: Place,
): Finding {
  if (hasOtherDefiner) {
    return warn(
      CHECK,
      'Not compared with the files of this version.',
      'That takes an account that may deploy, see order-timeout verify.',
    );
  }
  if (differences.length === 0) {
    return ok(CHECK, `Tables, views and procedures are those of version ${version}.`);
  }
  const more = differences.length - SHOWN;
  return fail(
    CHECK,
    `${differences.slice(0, SHOWN).join('. ')}${more > 0 ? `, and ${more} more` : ''}.`,
    `${place.isOpen ? '' : 'On the primary: '}order-timeout plan shows, order-timeout up makes it that of ${version}.`,
  );
}
