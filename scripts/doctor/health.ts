import type { Connection, RowDataPacket } from 'mysql2/promise';
import { errnoOf } from '../migrate/errors';
import { fail, type Finding, warn } from './finding';

interface HealthRow {
  readonly check_name: string;
  readonly status: Finding['status'];
  readonly detail: string;
}

/** Of these the doctor sees more by itself. */
const SEEN_BY_DOCTOR = ['server', 'scheduler', 'event', 'index'];

const NO_SUCH_PROCEDURE = 1305;
const NO_EXECUTE = 1370;

/** What the database says of itself: CALL order_timeout_health(). */
export async function readHealth(db: Connection): Promise<Finding[]> {
  try {
    const [result] = await db.query<
      [HealthRow[] & RowDataPacket[], ...unknown[]] & RowDataPacket[]
    >('CALL order_timeout_health()');
    return result[0]
      .filter(({ check_name }) => !SEEN_BY_DOCTOR.includes(check_name))
      .map(fromHealth);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    return [unhealthy(errno, (error as Error).message)];
  }
}

function fromHealth({ check_name, status, detail }: HealthRow): Finding {
  // The procedure says both in one text, what to do after a colon.
  return { check: check_name, status, found: detail, advice: '' };
}

function unhealthy(errno: number, message: string): Finding {
  if (errno === NO_EXECUTE) {
    return warn(
      'health',
      `order_timeout_health() was not called: ${message}`,
      'GRANT EXECUTE on it to this account, or use another one: backlog, failures and clock were not looked at.',
    );
  }
  return fail(
    'health',
    `order_timeout_health() failed: ${message}`,
    errno === NO_SUCH_PROCEDURE
      ? 'Deploy it: order-timeout up.'
      : 'The other procedures may fail the same way: mend what else is reported here, then look again.',
  );
}
