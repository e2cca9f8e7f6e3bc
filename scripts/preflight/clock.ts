import type { Connection } from 'mysql2/promise';
import { select } from '../migrate/connection';
import { errnoOf } from '../migrate/errors';
import type { DatabaseState } from '../migrate/state';

/** The clock of a new deployment; order_timeout_setting's default. */
const DEFAULT_CLOCK = '+00:00';
const TOLERATED_SECONDS = 5 * 60;
const QUIET_SECONDS = 60 * 60;

interface Verdict {
  readonly findings: string[];
  readonly remarks: string[];
}

/** Holds the clock that is wished for, or set, or preset against the newest order. */
export async function checkClock(
  db: Connection,
  state: DatabaseState,
  wished: string | undefined,
): Promise<Verdict> {
  const clock = wished ?? state.setting?.clock ?? DEFAULT_CLOCK;
  const isDatetime = state.tables.get('orders')?.columns.get('created_at')?.type === 'datetime';
  const ahead = await secondsAhead(db, isDatetime ? clock : '+00:00');
  const isNew = state.setting === undefined || wished !== undefined;
  return judgeClock({ clock, ahead, isDatetime, isNew });
}

interface ClockFacts {
  readonly clock: string;
  /** How far in the future the newest order is under this clock; null: there are no orders. */
  readonly ahead: number | null;
  /** False: a TIMESTAMP, which is an instant under any clock. */
  readonly isDatetime: boolean;
  /** The clock is being set now. */
  readonly isNew: boolean;
}

/** An order from the future means a wrong clock. An old one may mean that nobody has ordered since. */
export function judgeClock({ clock, ahead, isDatetime, isNew }: ClockFacts): Verdict {
  if (ahead !== null && ahead > TOLERATED_SECONDS) {
    const advice = isDatetime
      ? `the shop's clock is not ${clock}. Give its UTC offset, probably --clock ${offsetOf(clock, ahead)}`
      : "the server's clock is wrong, or the orders are";
    return {
      findings: [
        `The newest order was created ${describeSpan(ahead)} in the future under the clock ${clock}: ${advice}`,
      ],
      remarks: [],
    };
  }
  if (isNew && isDatetime && ahead !== null && ahead < -QUIET_SECONDS) {
    return {
      findings: [],
      remarks: [
        `The newest order is ${describeSpan(-ahead)} old under the clock ${clock}. If the shop has been quiet, ` +
          'that is right; if not, give its UTC offset with --clock',
      ],
    };
  }
  return { findings: [], remarks: [] };
}

/** The offset, in quarters of an hour, under which the newest order is of now. */
function offsetOf(clock: string, ahead: number): string {
  const [, sign = '+', hours = '0', minutes = '0'] = /^([+-])(\d\d):(\d\d)$/.exec(clock) ?? [];
  const current = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  const total = current + Math.round(ahead / 60 / 15) * 15;
  const size = Math.abs(total);
  const pad = (value: number) => String(value).padStart(2, '0');
  return `${total < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

function describeSpan(seconds: number): string {
  const units = [
    [86_400, 'days'],
    [3600, 'hours'],
    [60, 'minutes'],
  ] as const;
  const [size, unit] = units.find(([length]) => seconds >= 2 * length) ?? [60, 'minutes'];
  return `${Math.round(seconds / size)} ${unit}`;
}

const TIMED_OUT = 3024;

/** The session is in UTC. Looks at every order if that is quick, else at the thousand with the highest ids. */
async function secondsAhead(db: Connection, clock: string): Promise<number | null> {
  const ask = async (hint: string, from: string) => {
    const [row] = await select<{ ahead: number | null }>(
      db,
      `SELECT ${hint} TIMESTAMPDIFF(SECOND, CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', ?), MAX(created_at)) AS ahead
         FROM ${from}`,
      [clock],
    );
    return row?.ahead ?? null;
  };
  try {
    return await ask('/*+ MAX_EXECUTION_TIME(5000) */', 'orders');
  } catch (error) {
    if (errnoOf(error) !== TIMED_OUT) throw error;
    return ask('', '(SELECT created_at FROM orders ORDER BY id DESC LIMIT 1000) AS newest');
  }
}
