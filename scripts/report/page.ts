import { describeDuration, describeInstant } from '../cli/values';
import { type Chart, chartsOf, draw } from './charts';
import type { History, Span } from './history';
import { STYLE } from './style';

/** One page with everything in it: no script, nothing to load. */
export async function toPage(history: History): Promise<string> {
  const figures: string[] = [];
  for (const chart of chartsOf(history)) figures.push(figure(chart, await draw(chart)));
  const { database, clock, since, until, madeAt } = history;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>order-timeout: ${escaped(database)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>order-timeout <span>${escaped(database)}</span></h1>
<p>${escaped(describeInstant(since, clock))} to ${escaped(describeInstant(until, clock))}; made at ${escaped(describeInstant(madeAt, clock))}</p>
</header>
<section class="tiles">
${tilesOf(history).map(tile).join('\n')}
</section>
<section class="charts">
${figures.join('\n')}
</section>
${failedOrders(history)}
${failedRuns(history)}
</body>
</html>
`;
}

interface Tile {
  readonly label: string;
  readonly value: string;
  readonly note?: string;
  readonly isBad?: boolean;
}

/** What somebody in a hurry looks at. */
export function tilesOf({ spans, numbers, madeAt }: History): Tile[] {
  const sum = (of: (span: Span) => number | bigint) =>
    spans.reduce((total, span) => total + BigInt(of(span)), 0n);
  const runs = sum(({ runs: one }) => one.completed + one.outOfTime + one.failed);
  const failedRunCount = sum(({ runs: one }) => one.failed);
  const silentSeconds =
    numbers.lastSweepAt === null
      ? Infinity
      : Math.max(0, Math.round((madeAt.getTime() - numbers.lastSweepAt.getTime()) / 1000));
  return [
    {
      label: 'Orders cancelled',
      value: figures(sum(({ cancelled }) => cancelled.timeout + cancelled.user + cancelled.admin)),
    },
    {
      label: 'Coupon money returned',
      value: figures(sum((span) => span.couponRefunded + span.couponRepaired)),
      note: 'minor units',
    },
    {
      label: 'Points returned',
      value: figures(sum((span) => span.pointsRefunded + span.pointsRepaired)),
    },
    {
      label: 'Runs',
      value: figures(runs),
      note: `${figures(failedRunCount)} failed or killed`,
      isBad: failedRunCount > 0n,
    },
    {
      label: 'Due now',
      value: figures(BigInt(numbers.dueOrders)),
      note:
        numbers.dueOrders === 0
          ? 'nothing waits'
          : `oldest ${describeDuration(numbers.overdueSeconds)} past its time`,
      isBad: numbers.overdueSeconds > 600,
    },
    {
      label: 'Set aside',
      value: figures(BigInt(numbers.quarantinedOrders)),
      note: 'failed again and again',
      isBad: numbers.quarantinedOrders > 0,
    },
    {
      label: 'Last sweep',
      value: numbers.lastSweepAt === null ? 'never' : `${describeDuration(silentSeconds)} ago`,
      note: stateOf(numbers),
      isBad: numbers.takesWrites && (silentSeconds > 300 || !numbers.eventEnabled),
    },
  ];
}

function stateOf({ paused, takesWrites, eventEnabled, schedulerOn }: History['numbers']): string {
  if (!takesWrites) return 'this server takes no writes';
  if (paused) return 'paused';
  return eventEnabled && schedulerOn ? 'event enabled' : 'event off';
}

const figures = (value: bigint) => value.toLocaleString('en');

function tile({ label, value, note = '', isBad = false }: Tile): string {
  return (
    `<div class="tile${isBad ? ' bad' : ''}"><h2>${escaped(label)}</h2>` +
    `<strong>${escaped(value)}</strong><p>${escaped(note)}</p></div>`
  );
}

function figure({ title, caption }: Chart, svg: string): string {
  return `<figure><h2>${escaped(title)}</h2>${svg}<figcaption>${escaped(caption)}</figcaption></figure>`;
}

function failedOrders({ failedOrders: orders }: History): string {
  return table(
    'Orders that could not be cancelled',
    'None now.',
    ['order', 'attempts', 'last failed at', 'next try', 'error'],
    orders.map(({ orderId, attempts, lastFailedAt, retryAt, error }) => [
      String(orderId),
      String(attempts),
      lastFailedAt,
      retryAt ?? 'set aside',
      error,
    ]),
  );
}

function failedRuns({ failedRuns: runs }: History): string {
  return table(
    'Runs that failed or were killed',
    'None in this time.',
    ['run', 'began at', 'outcome', 'error'],
    runs.map(({ runId, startedAt, outcome, error }) => [String(runId), startedAt, outcome, error]),
  );
}

function table(
  title: string,
  nothing: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const row = (tag: string, cells: readonly string[]) =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  const body =
    rows.length === 0
      ? `<p>${nothing}</p>`
      : `<table><thead>${row('th', head)}</thead><tbody>${rows.map((cells) => row('td', cells)).join('\n')}</tbody></table>`;
  return `<section class="list"><h2>${escaped(title)}</h2>${body}</section>`;
}

/** Errors and names come from the database. */
export function escaped(text: string): string {
  const ENTITIES: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
