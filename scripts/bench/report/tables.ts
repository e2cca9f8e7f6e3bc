import Table from 'cli-table3';
import pc from 'picocolors';
import type { Latency } from '../statistics';
import type { Report, Results } from '../results';
import { VARIANTS } from '../variants';
import { figures, ms, whole } from './numbers';

/** The whole report for a terminal. */
export function toTables(report: Report): string {
  return [
    ...surroundings(report),
    ...throughput(report.results),
    ...growth(report.results),
    ...ticks(report.results),
    ...single(report.results),
    ...neighbours(report.results),
    ...statements(report.results),
    ...ratios(report),
  ].join('\n');
}

type Row = readonly (string | number)[];

function table(title: string, head: readonly string[], rows: readonly Row[]): string[] {
  const made = new Table({
    head: [...head],
    style: { head: [], border: [] },
    colAligns: head.map((_, index) => (index === 0 ? 'left' : 'right')),
  });
  made.push(...rows.map((row) => row.map(String)));
  return ['', pc.bold(title), made.toString()];
}

function surroundings({ surroundings: found, startedAt, durationSeconds }: Report): string[] {
  return [
    `${found.server}; ${found.cpu}, ${found.cores} cores, ${found.memoryGib} GiB; Node ${found.node}`,
    Object.entries(found.settings)
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
    `${startedAt}, ${whole(durationSeconds)} seconds`,
  ];
}

const LETTERS = { application: 'a', cursor: 'b', engine: 'c', floor: 'd' };

function throughput({ throughput: measured }: Results): string[] {
  if (measured === undefined) return [];
  const { rows, commit, sameState } = measured;
  return [
    ...table(
      'Throughput',
      ['', 'orders', 'orders/s', 'rounds'],
      rows.map((row) => [
        `(${LETTERS[row.variant]}) ${VARIANTS[row.variant].label}`,
        whole(row.backlog),
        whole(row.perSecond),
        row.rounds.map(whole).join(' '),
      ]),
    ),
    `A commit takes ${ms(commit.commitMs)} here, a round trip ${ms(commit.roundTripMs)}, a sync of 4 KiB ${ms(commit.syncMs)}.`,
    'Same end state:',
    ...sameState.map((line) => `  ${line}`),
  ];
}

function growth({ growth: measured }: Results): string[] {
  if (measured === undefined) return [];
  return table(
    'Throughput as the backlog grows',
    ['orders due', 'orders/s', 'rounds'],
    measured.map(({ backlog, perSecond, rounds }) => [
      whole(backlog),
      whole(perSecond),
      rounds.map(whole).join(' '),
    ]),
  );
}

function ticks({ ticks: measured }: Results): string[] {
  if (measured === undefined) return [];
  return table(
    'A sweep that finds nothing',
    [
      'orders in the shop',
      'pending, excluded',
      'pending, young',
      'rows read',
      'pushdown',
      'p50',
      'p99',
    ],
    measured.map((tick) => [
      whole(tick.orders),
      whole(tick.excluded),
      whole(tick.young),
      tick.rowsRead,
      tick.pushdownReads,
      ms(tick.time.p50),
      ms(tick.time.p99),
    ]),
  );
}

const LATENCY_HEAD = ['', 'times', 'p50', 'p99', 'max'];
const latencyRow = (name: string, { count, p50, p99, max }: Latency): Row => [
  name,
  whole(count),
  ms(p50),
  ms(p99),
  ms(max),
];

function single({ single: measured }: Results): string[] {
  if (measured === undefined) return [];
  return table('One order, one call', LATENCY_HEAD, [
    latencyRow('CALL cancel_expired_order(?)', measured.engine),
    latencyRow("(b)'s body for one order", measured.handWritten),
  ]);
}

function neighbours({ neighbours: measured }: Results): string[] {
  if (measured === undefined) return [];
  const { alone, draining, backlog, drainPerSecond, ratios: perRound } = measured;
  const counts = ({ failedPayments, deadlocks, lockTimeouts, lockWaits }: typeof alone) =>
    `${failedPayments} payments failed, ${deadlocks} deadlocks, ${lockTimeouts} lock timeouts, ${lockWaits} lock waits`;
  return [
    ...table(`Neighbours of a drain of ${whole(backlog)} orders`, LATENCY_HEAD, [
      latencyRow('payments, alone', alone.payments),
      latencyRow('payments, during the drain', draining.payments),
      latencyRow('new orders with a coupon, alone', alone.creations),
      latencyRow('new orders with a coupon, during the drain', draining.creations),
    ]),
    `Alone: ${counts(alone)}. During the drain, at ${whole(drainPerSecond)} orders/s: ${counts(draining)}.`,
    `Payments' p99 in each round: ${perRound.map(figures).join(' ')} times that alone.`,
    ...[...new Set([...alone.failures, ...draining.failures])].map(
      (failure) => `What failed, failed with ${failure}.`,
    ),
  ];
}

function statements({ statements: measured }: Results): string[] {
  if (measured === undefined) return [];
  const watched = measured.statements.filter(({ share }) => share >= 0.002);
  const rest = 1 - watched.reduce((sum, { share }) => sum + share, 0);
  return table(
    `Where the time of a sweep of ${whole(measured.orders)} orders goes (${whole(measured.ms)} ms, watched)`,
    ['statement', 'times', 'ms', 'share', 'written per order'],
    [
      ...watched.map((one): Row => [
        `${one.procedure.replace('order_timeout_', '')}: ${one.text.slice(0, 60)}`,
        one.executions,
        whole(one.ms),
        `${(one.share * 100).toFixed(1)} %`,
        figures(one.rowsWritten / measured.orders),
      ]),
      [
        'all others, and between the statements',
        '',
        whole(rest * measured.ms),
        `${(rest * 100).toFixed(1)} %`,
        '',
      ],
    ],
  );
}

function ratios({ ratios: measured }: Report): string[] {
  if (measured.length === 0) return [];
  const colours = { reached: pc.green, missed: pc.yellow, 'missed by far': pc.red };
  return table(
    'Ratios',
    ['', 'measured', 'must be', ''],
    measured.map(({ name, value, limit, direction, unit, verdict }) => [
      name,
      `${figures(value)} ${unit}`,
      `${direction} ${limit}`,
      colours[verdict](verdict),
    ]),
  );
}
