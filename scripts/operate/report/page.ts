import Mustache from 'mustache';
import { describeDuration, describeInstant } from '../words';
import { chartsOf, draw, UNITS } from './charts';
import { type History, type List, ROWS_AT_MOST, type Span } from './history';

/** One page with everything in it: no script, nothing to load. */
export function toPage(history: History): string {
  const { clock } = history;
  const list = (title: string, nothing: string, rows: List) => ({
    title: rows.length < ROWS_AT_MOST ? title : `${title}: only ${ROWS_AT_MOST} are shown`,
    nothing,
    head: Object.keys(rows[0] ?? {}),
    rows: rows.map((row) => ({ cells: Object.values(row).map(String) })),
  });
  return Mustache.render(PAGE, {
    database: history.database,
    since: describeInstant(history.since, clock),
    until: describeInstant(history.until, clock),
    madeAt: describeInstant(history.madeAt, clock),
    tiles: tilesOf(history),
    charts: chartsOf(history).map((chart) => ({ ...chart, svg: draw(chart) })),
    lists: [
      list('What a person has to look at', 'Nothing now.', history.findings),
      list('Orders that could not be cancelled', 'None now.', history.failedOrders),
      list('Runs that failed or were killed', 'None in this time.', history.failedRuns),
    ],
  });
}

/** What somebody in a hurry looks at. */
function tilesOf({ spans, kinds, numbers, madeAt }: History) {
  const sum = (of: (span: Span) => number | bigint) =>
    spans.reduce((total, span) => total + BigInt(of(span)), 0n);
  const tile = (label: string, value: bigint | number | string, note = '', isBad = false) => ({
    label,
    value: figures(value),
    note,
    isBad,
  });
  const failedRuns = sum(({ runs }) => runs.failed);
  const { dueOrders, overdueSeconds, quarantinedOrders, openFindings, latePayments } = numbers;
  const silentSeconds =
    numbers.lastSweepAt === null
      ? Infinity
      : Math.max(0, Math.round((madeAt.getTime() - numbers.lastSweepAt.getTime()) / 1000));
  return [
    tile(
      'Orders cancelled',
      sum(({ cancelled }) => cancelled.timeout + cancelled.user + cancelled.admin),
    ),
    ...kinds.map((kind) =>
      tile(
        `Returned: ${kind}`,
        sum(({ returned, repaired }) => (returned[kind] ?? 0n) + (repaired[kind] ?? 0n)),
        UNITS[kind] ?? 'pieces',
      ),
    ),
    tile(
      'Runs',
      sum(({ runs }) => runs.completed + runs.outOfTime + runs.failed),
      `${figures(failedRuns)} failed or killed`,
      failedRuns > 0n,
    ),
    tile(
      'Due now',
      dueOrders,
      dueOrders === 0
        ? 'nothing waits'
        : `oldest ${describeDuration(overdueSeconds)} past its time`,
      overdueSeconds > 600,
    ),
    tile('Set aside', quarantinedOrders, 'failed again and again', quarantinedOrders > 0),
    tile(
      'To look at',
      openFindings,
      `${latePayments} payments to send back`,
      openFindings + latePayments > 0,
    ),
    tile(
      'Last sweep',
      numbers.lastSweepAt === null ? 'never' : `${describeDuration(silentSeconds)} ago`,
      stateOf(numbers),
      numbers.takesWrites && (silentSeconds > 300 || !numbers.eventEnabled),
    ),
  ];
}

function stateOf({ paused, takesWrites, eventEnabled, schedulerOn }: History['numbers']): string {
  if (!takesWrites) return 'this server takes no writes';
  if (paused) return 'paused';
  return eventEnabled && schedulerOn ? 'event enabled' : 'event off';
}

const figures = (value: bigint | number | string) =>
  typeof value === 'string' ? value : value.toLocaleString('en');

const STYLE = `
:root { color: #222b36; background: #f3f5f8; font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif; }
body { max-width: 1200px; margin: 0 auto; padding: 24px; }
h1 { margin: 0; font-size: 24px; }
h1 span { color: #2f6fb3; }
h2 { margin: 0; font-size: 15px; }
header p, figcaption, .tile p { margin: 4px 0 0; color: #66707d; font-size: 13px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(145px, 1fr)); gap: 12px; margin: 20px 0; }
.tile, figure, .list { background: #fff; border: 1px solid #dde2e9; border-radius: 8px; padding: 12px 14px; }
.tile h2 { color: #66707d; font-size: 12px; font-weight: 600; }
.tile strong { display: block; margin-top: 4px; font-size: 21px; }
.tile.bad { border-color: #c8443c; background: #fdf3f2; }
.tile.bad strong { color: #c8443c; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(480px, 100%), 1fr)); gap: 12px; }
figure { margin: 0; }
figure svg { width: 100%; height: auto; margin-top: 6px; }
.list { margin-top: 12px; overflow-x: auto; }
table { width: 100%; margin-top: 8px; border-collapse: collapse; font-size: 13px; }
th, td { padding: 5px 12px 5px 0; border-top: 1px solid #e8ecf1; text-align: left; vertical-align: top; }
th { border-top: 0; color: #66707d; }
td { font-variant-numeric: tabular-nums; }
`;

/** Two braces: errors and names come from the database, and are text. */
const PAGE = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>order-timeout: {{database}}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>order-timeout <span>{{database}}</span></h1>
<p>{{since}} to {{until}}; made at {{madeAt}}</p>
</header>
<section class="tiles">
{{#tiles}}
<div class="tile{{#isBad}} bad{{/isBad}}"><h2>{{label}}</h2><strong>{{value}}</strong><p>{{note}}</p></div>
{{/tiles}}
</section>
<section class="charts">
{{#charts}}
<figure><h2>{{title}}</h2>{{{svg}}}<figcaption>{{caption}}</figcaption></figure>
{{/charts}}
</section>
{{#lists}}
<section class="list"><h2>{{title}}</h2>
{{^rows}}<p>{{nothing}}</p>{{/rows}}
<table><thead><tr>{{#head}}<th>{{.}}</th>{{/head}}</tr></thead>
<tbody>
{{#rows}}
<tr>{{#cells}}<td>{{.}}</td>{{/cells}}</tr>
{{/rows}}
</tbody></table></section>
{{/lists}}
</body>
</html>
`;
