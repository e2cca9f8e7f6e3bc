import { DEFINER_ACCOUNT } from '../migrate/definer';
import type { DatabaseState } from '../migrate/state';

/** The account that the event ought to run as; undefined: whoever deployed it. */
export function intendedDefiner({ registry }: DatabaseState): string | undefined {
  const hasOwnAccount = registry?.objects.some(({ kind }) => kind === 'grants') === true;
  return hasOwnAccount ? DEFINER_ACCOUNT : undefined;
}
