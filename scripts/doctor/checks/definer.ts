import { DEFINER_ACCOUNT } from '../../migrate/definer';
import { enumerate } from '../../migrate/quote';
import { fail, type Finding, ok, warn } from '../finding';
import type { Place } from '../place';

const CHECK = 'definer';

export interface DefinerFacts {
  /** The accounts that the deployed objects run as. */
  readonly accounts: readonly string[];
  /** Those of them that do not exist; undefined: not to be seen. */
  readonly lost: readonly string[] | undefined;
  /** In which ways the dedicated account is not as it must be. */
  readonly differences: readonly string[];
}

export function checkDefiner({ accounts, lost, differences }: DefinerFacts, place: Place): Finding {
  const where = place.isOpen ? '' : 'On the primary: ';
  if (lost === undefined) {
    return warn(
      CHECK,
      `The event and the procedures run as ${enumerate(accounts)}; not looked at.`,
      'This account may not read mysql.user: use another one.',
    );
  }
  if (lost.length > 0 || differences.length > 0) {
    const found = [
      ...lost.map((account) => `The account ${account} that objects run as does not exist`),
      ...(lost.includes(DEFINER_ACCOUNT) ? [] : differences),
    ];
    return fail(
      CHECK,
      `${found.join('. ')}.`,
      lost.every((account) => account === DEFINER_ACCOUNT)
        ? `Every call fails, or does in part. ${where}order-timeout doctor --fix.`
        : `Every call fails. ${where}create it again with its privileges, or order-timeout up with an account that may have objects run as ${DEFINER_ACCOUNT}.`,
    );
  }
  return ok(CHECK, `Exists and has its grants: ${enumerate(accounts)}.`);
}
