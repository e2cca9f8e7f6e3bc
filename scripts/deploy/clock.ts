import type { Connection } from 'mysql2/promise';
import { offsetMs } from '../client/shop-time';
import { select } from './connection';
import { type Finding, mistake, remark } from './errors';
import type { Blueprint } from './shop';
import { DEFAULT_CLOCK } from './state';
import { quoteName } from './text';

const TOLERATED_SECONDS = 5 * 60;
const QUIET_SECONDS = 60 * 60;
const QUARTER_HOUR = 15 * 60;

interface GivenClock {
  readonly clock: string;
  /** The clock is being set now. */
  readonly isNew: boolean;
  /** The operator vouches for it. */
  readonly isRight: boolean;
}

/** In seconds; null: there are no orders. */
export interface ClockFacts {
  /** Age of the newest of the last 100 orders under the clock; negative: in the future. */
  readonly age: number | null;
  /** The usual time between two orders. */
  readonly gap: number | null;
  /** The age under UTC and under the server's own zone, for a person to compare. */
  readonly ageInUtc: number | null;
  readonly ageInServersZone: number | null;
}

/** Holds the clock against the newest orders. The session is in UTC. */
export async function checkClock(
  db: Connection,
  { file, tables, clock }: Blueprint,
  given: Omit<GivenClock, 'clock'>,
): Promise<Finding[]> {
  if (file === undefined) return [];
  const { table, id, created } = file.orders;
  const columns = tables.get(table)?.columns;
  const column = columns?.get(created.toLowerCase());
  // That one of them is missing another check says.
  if (column === undefined || !columns?.has(id.toLowerCase())) return [];
  // A TIMESTAMP is an instant under any clock.
  const isDatetime = column.type === 'datetime';
  const [facts] = await select<ClockFacts>(
    db,
    `SELECT TIMESTAMPDIFF(SECOND, MAX(created), CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', ?)) AS age,
            TIMESTAMPDIFF(SECOND, MAX(created), UTC_TIMESTAMP()) AS ageInUtc,
            TIMESTAMPDIFF(SECOND, MAX(created), CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', @@GLOBAL.time_zone)) AS ageInServersZone,
            TIMESTAMPDIFF(SECOND, MIN(created), MAX(created)) / NULLIF(COUNT(created) - 1, 0) + 0e0 AS gap
       FROM (SELECT ${quoteName(created)} AS created FROM ${quoteName(table)}
              ORDER BY ${quoteName(id)} DESC LIMIT 100) AS newest`,
    [isDatetime ? clock : DEFAULT_CLOCK],
  );
  return facts === undefined ? [] : [...judgeClock(facts, isDatetime, { clock, ...given })];
}

/** An order from the future means a wrong clock. An old one may mean that nobody has ordered since. */
export function* judgeClock(
  { age, gap, ageInUtc, ageInServersZone }: ClockFacts,
  isDatetime: boolean,
  { clock, isNew, isRight }: GivenClock,
): Generator<Finding> {
  if (age === null) return;
  const likely = offsetOf(clock, -age);
  const newest = `The newest order is ${sayTime(age)} old under the clock ${clock}`;
  if (age < -TOLERATED_SECONDS) {
    yield (isRight ? remark : mistake)(
      'clock',
      `The newest order was created ${sayTime(-age)} in the future under the clock ${clock}`,
      isDatetime && likely !== undefined
        ? `the shop's clock is not ${clock}. Give its UTC offset, probably --clock ${likely}`
        : "the server's clock is wrong, or the orders are; if only some orders: --clock-is-right",
    );
  } else if (!isNew || !isDatetime) {
    return;
  } else if (!isRight && likely !== undefined && gap !== null && stopsAtQuarterHour(age, gap)) {
    yield mistake(
      'clock',
      `${newest}, in a shop with an order every ${sayTime(gap)}`,
      `the clock is most likely wrong. Give its UTC offset, probably --clock ${likely}; ` +
        'if the shop has really been quiet: --clock-is-right',
    );
  } else if (age > QUIET_SECONDS) {
    const ages = Object.entries({ UTC: ageInUtc, "the server's own zone": ageInServersZone })
      .filter((zone): zone is [string, number] => zone[1] !== null)
      .map(([zone, seconds]) => `${sayTime(seconds)} under ${zone}`);
    yield remark(
      'clock',
      `${newest} (${ages.join(', ')})`,
      'if the shop has been quiet, that is right; if not, give its UTC offset with --clock',
    );
  }
}

/** In a busy shop that has gone silent just a whole number of quarter hours ago, the silence is the clock's. */
function stopsAtQuarterHour(age: number, gap: number): boolean {
  const usual = Math.max(gap, 1);
  return age >= QUARTER_HOUR && age > 20 * usual && age % QUARTER_HOUR <= 3 * usual;
}

/** The offset, in quarters of an hour, under which an order that is so far ahead is of now; undefined: no clock has it. */
function offsetOf(clock: string, ahead: number): string | undefined {
  const total = offsetMs(clock) / 60_000 + Math.round(ahead / QUARTER_HOUR) * 15;
  if (total < -825 || total > 840) return undefined;
  const size = Math.abs(total);
  const pad = (value: number) => String(value).padStart(2, '0');
  return `${total < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

function sayTime(seconds: number): string {
  const units = [
    [86_400, 'days'],
    [3600, 'hours'],
    [60, 'minutes'],
  ] as const;
  const [size, unit] = units.find(([length]) => Math.abs(seconds) >= 2 * length) ?? [1, 'seconds'];
  return `${Math.round(seconds / size)} ${unit}`;
}
