import type { History, Span } from './history';

/** A chart as data: what `draw()` makes SVG of. */
interface Chart {
  readonly title: string;
  /** What is to be seen, in a sentence. */
  readonly caption: string;
  readonly spans: readonly string[];
  /** What the bars count, at the left. */
  readonly unit: string;
  /** One on top of the other. */
  readonly bars: readonly Series[];
  /** With an axis of its own, at the right. */
  readonly line?: Series & { readonly unit: string };
}

interface Series {
  readonly name: string;
  readonly color: string;
  readonly values: readonly number[];
}

const GREEN = '#4b9b62';
const BLUE = '#2f6fb3';
const ORANGE = '#e08a2e';
const VIOLET = '#8a6bb8';
const RED = '#c8443c';

/** What a kind is counted in, where it isn't pieces. */
export const UNITS: Readonly<Record<string, string>> = { coupon: 'minor units', points: 'points' };

/** The charts of a report, in the order of the page. */
export function chartsOf({ spans, kinds, unit: step }: History): Chart[] {
  const names = spans.map(({ name }) => (step === 'day' ? name.slice(5) : name.slice(5, 16)));
  const series = (name: string, color: string, of: (span: Span) => number | bigint): Series => ({
    name,
    color,
    values: spans.map((span) => Number(of(span))),
  });
  const chart = (title: string, unit: string, caption: string, ...bars: Series[]): Chart => ({
    title,
    caption,
    spans: names,
    unit,
    bars,
  });
  return [
    chart(
      'Orders cancelled',
      'orders',
      `Per ${step}, by who cancelled them.`,
      series('by timeout', BLUE, ({ cancelled }) => cancelled.timeout),
      series('by their user', ORANGE, ({ cancelled }) => cancelled.user),
      series('by an admin', VIOLET, ({ cancelled }) => cancelled.admin),
    ),
    ...kinds.map((kind) =>
      chart(
        `Returned: ${kind}`,
        UNITS[kind] ?? 'pieces',
        `Per ${step}, in ${UNITS[kind] ?? 'pieces'}. Repairs gave back what an earlier cancellation had lost.`,
        series('by cancellations', GREEN, ({ returned }) => returned[kind] ?? 0n),
        series('by repairs', ORANGE, ({ repaired }) => repaired[kind] ?? 0n),
      ),
    ),
    chart(
      'Oldest overdue order',
      'minutes',
      'How long the oldest order that the sweep cancelled was past its time. About a minute is as it should be; ' +
        'a peak is an outage, a pause, or an order that somebody kept locked.',
      series(
        'minutes past its time',
        VIOLET,
        ({ oldestOverdueSeconds }) => oldestOverdueSeconds / 60,
      ),
    ),
    {
      ...chart(
        'Runs',
        'runs',
        `Sweeps per ${step} that did something, and how long the longest took. Idle sweeps leave no row.`,
        series('completed', GREEN, ({ runs }) => runs.completed),
        series('out of time', ORANGE, ({ runs }) => runs.outOfTime),
        series('failed or killed', RED, ({ runs }) => runs.failed),
      ),
      line: {
        ...series('longest, seconds', BLUE, ({ longestRunMs }) => longestRunMs / 1000),
        unit: 'seconds',
      },
    },
    chart(
      'Failures',
      'failures',
      'Times that an order could not be cancelled by a sweep. It is tried again, then set aside.',
      series('orders that failed', RED, ({ failures }) => failures),
    ),
  ];
}

const WIDTH = 560;
const HEIGHT = 260;
const AREA = { left: 64, right: 512, top: 40, bottom: 226 };
const MOST_NAMES = 8;

/** An SVG that needs nothing else: the page has no script. All texts in it are ours. */
export function draw({ spans, unit, bars, line }: Chart): string {
  const sums = spans.map((_, index) =>
    bars.reduce((sum, { values }) => sum + (values[index] ?? 0), 0),
  );
  const ticks = ticksTo(Math.max(0, ...sums));
  const step = (AREA.right - AREA.left) / Math.max(1, spans.length);
  const middleOf = (index: number) => AREA.left + step * (index + 0.5);
  const each = Math.ceil(spans.length / MOST_NAMES);
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="11" fill="#66707d">`,
    ...(bars.length > 1 || line ? legend([...bars, ...(line ? [line] : [])]) : []),
    text(AREA.left, AREA.top - 10, unit, 'end'),
    ...ticks.map((tick) => {
      const y = heightOf(tick, ticks);
      return (
        `<path d="M${AREA.left} ${y}H${AREA.right}" stroke="#e1e5ea"/>` +
        text(AREA.left - 6, y + 4, tick.toLocaleString('en'), 'end')
      );
    }),
    ...spans.flatMap((name, index) =>
      index % each === 0 ? [text(middleOf(index), AREA.bottom + 16, name, 'middle')] : [],
    ),
    ...stacked(bars, ticks, middleOf, step * 0.75),
    ...(line === undefined ? [] : drawLine(line, middleOf)),
    '</svg>',
  ].join('');
}

const text = (x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end') =>
  `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${words}</text>`;

function legend(series: readonly Series[]): string[] {
  return series.map(({ name, color }, index) => {
    const x = AREA.right - 112 * (series.length - index) + 24;
    return `<path d="M${x} 8h10v8h-10z" fill="${color}"/>${text(x + 15, 16, name, 'start')}`;
  });
}

function stacked(
  bars: readonly Series[],
  ticks: readonly number[],
  middleOf: (index: number) => number,
  width: number,
): string[] {
  const below = new Map<number, number>();
  return bars.map(({ color, values }) => {
    const boxes = values.map((value, index) => {
      const from = below.get(index) ?? 0;
      below.set(index, from + value);
      const [bottom, top] = [heightOf(from, ticks), heightOf(from + value, ticks)];
      return value === 0
        ? ''
        : `M${round(middleOf(index) - width / 2)} ${bottom}V${top}h${round(width)}V${bottom}z`;
    });
    return `<path d="${boxes.join('')}" fill="${color}"/>`;
  });
}

function drawLine(
  { color, values, unit }: Series & { unit: string },
  middleOf: (index: number) => number,
): string[] {
  const ticks = ticksTo(Math.max(0, ...values));
  const points = values.map(
    (value, index) => `${round(middleOf(index))} ${heightOf(value, ticks)}`,
  );
  return [
    `<path d="M${points.join('L')}" fill="none" stroke="${color}" stroke-width="1.5"/>`,
    text(AREA.right, AREA.top - 10, unit, 'start'),
    ...ticks.map((tick) =>
      text(AREA.right + 6, heightOf(tick, ticks) + 4, tick.toLocaleString('en'), 'start'),
    ),
  ];
}

const round = (value: number) => Math.round(value * 10) / 10;

function heightOf(value: number, ticks: readonly number[]): number {
  const most = ticks.at(-1) ?? 1;
  return round(AREA.bottom - ((AREA.bottom - AREA.top) * value) / most);
}

/** From 0 to at least this, in 2 to 5 round steps: 0, 20, 40, 60. */
function ticksTo(most: number): number[] {
  const step = [1, 2, 5, 10]
    .map((factor) => factor * 10 ** Math.floor(Math.log10(Math.max(most, 1) / 5)))
    .find((size) => size * 5 >= most && size >= 1);
  const size = step ?? 1;
  const count = Math.max(1, Math.ceil(most / size));
  return Array.from({ length: count + 1 }, (_, index) => index * size);
}
