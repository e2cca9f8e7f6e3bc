import type { EChartsOption } from 'echarts';
import type { History, Span } from './history';

/** A chart as data: what `draw()` makes SVG of. */
export interface Chart {
  readonly title: string;
  /** What is to be seen, in a sentence. */
  readonly caption: string;
  readonly spans: readonly string[];
  readonly series: readonly Series[];
  /** Of the second axis, at the right; the first one counts. */
  readonly rightAxis?: string;
  readonly leftAxis: string;
}

export interface Series {
  readonly name: string;
  readonly color: string;
  readonly values: readonly number[];
  /** Bars are stacked; a line belongs to the right axis, where there is one. */
  readonly as: 'bar' | 'line';
}

const COLOR = {
  good: '#4b9b62',
  blue: '#2f6fb3',
  orange: '#e08a2e',
  violet: '#8a6bb8',
  bad: '#c8443c',
};

/** The charts of a report, in the order of the page. */
export function chartsOf({ spans, unit }: History): Chart[] {
  const names = spans.map(({ name }) => (unit === 'day' ? name.slice(5) : name.slice(5, 16)));
  const values = (of: (span: Span) => number | bigint) => spans.map((span) => Number(of(span)));
  const bar = (name: string, color: string, of: (span: Span) => number | bigint): Series => ({
    name,
    color,
    values: values(of),
    as: 'bar',
  });
  const line = (name: string, color: string, of: (span: Span) => number): Series => ({
    name,
    color,
    values: values(of),
    as: 'line',
  });
  return [
    {
      title: 'Orders cancelled',
      caption: `Per ${unit}, by who cancelled them.`,
      spans: names,
      leftAxis: 'orders',
      series: [
        bar('by timeout', COLOR.blue, ({ cancelled }) => cancelled.timeout),
        bar('by their user', COLOR.orange, ({ cancelled }) => cancelled.user),
        bar('by an admin', COLOR.violet, ({ cancelled }) => cancelled.admin),
      ],
    },
    {
      title: 'Coupon money returned',
      caption: `Per ${unit}, in minor units: 1,000 is 10 yuan. Repairs gave back what an earlier cancellation had lost.`,
      spans: names,
      leftAxis: 'minor units',
      series: [
        bar('by cancellations', COLOR.good, ({ couponRefunded }) => couponRefunded),
        bar('by repairs', COLOR.orange, ({ couponRepaired }) => couponRepaired),
      ],
    },
    {
      title: 'Points returned',
      caption: `Per ${unit}.`,
      spans: names,
      leftAxis: 'points',
      series: [
        bar('by cancellations', COLOR.good, ({ pointsRefunded }) => pointsRefunded),
        bar('by repairs', COLOR.orange, ({ pointsRepaired }) => pointsRepaired),
      ],
    },
    {
      title: 'Oldest overdue order',
      caption:
        'How long the oldest order that the sweep cancelled was past its time. About a minute is as it should be; ' +
        'a peak is an outage, a pause, or an order that somebody kept locked.',
      spans: names,
      leftAxis: 'minutes',
      series: [
        bar('minutes past its time', COLOR.violet, ({ oldestOverdueSeconds }) =>
          round(oldestOverdueSeconds / 60),
        ),
      ],
    },
    {
      title: 'Runs',
      caption: `Sweeps per ${unit} that did something, and how long the longest took. Idle sweeps leave no row.`,
      spans: names,
      leftAxis: 'runs',
      rightAxis: 'seconds',
      series: [
        bar('completed', COLOR.good, ({ runs }) => runs.completed),
        bar('out of time', COLOR.orange, ({ runs }) => runs.outOfTime),
        bar('failed or killed', COLOR.bad, ({ runs }) => runs.failed),
        line('longest, seconds', COLOR.blue, ({ longestRunMs }) => round(longestRunMs / 1000)),
      ],
    },
    {
      title: 'Failures',
      caption:
        'Times that an order could not be cancelled by a sweep. It is tried again, then set aside.',
      spans: names,
      leftAxis: 'failures',
      series: [bar('orders that failed', COLOR.bad, ({ failures }) => failures)],
    },
  ];
}

const round = (value: number) => Math.round(value * 10) / 10;

const SIZE = { width: 560, height: 260 };

/** The option of the charting library for a chart. */
export function toOption({ spans, series, leftAxis, rightAxis }: Chart): EChartsOption {
  const axis = (name: string, isRight: boolean) => ({
    type: 'value' as const,
    name,
    minInterval: isRight ? 0 : 1,
    splitLine: { show: !isRight },
    nameTextStyle: { align: isRight ? ('right' as const) : ('left' as const) },
    axisLabel: { formatter: (value: number) => value.toLocaleString('en') },
  });
  return {
    animation: false,
    textStyle: { fontFamily: 'system-ui, sans-serif' },
    // Wide gaps, as a reader's font may be wider than what is measured here.
    legend: {
      show: series.length > 1,
      top: 0,
      right: 24,
      itemWidth: 12,
      itemHeight: 8,
      itemGap: 28,
      selectedMode: false,
    },
    grid: { left: 8, right: 8, top: 48, bottom: 8, containLabel: true },
    xAxis: { type: 'category', data: [...spans], axisTick: { alignWithLabel: true } },
    yAxis: [axis(leftAxis, false), ...(rightAxis === undefined ? [] : [axis(rightAxis, true)])],
    series: series.map(({ name, color, values, as }) =>
      as === 'bar'
        ? {
            type: 'bar' as const,
            name,
            stack: 'all',
            silent: true,
            data: [...values],
            itemStyle: { color },
            barCategoryGap: '25%',
          }
        : {
            type: 'line' as const,
            name,
            yAxisIndex: rightAxis === undefined ? 0 : 1,
            silent: true,
            data: [...values],
            lineStyle: { color, width: 1.5 },
            itemStyle: { color },
            showSymbol: false,
          },
    ),
  };
}

/** Draws on this side: the page needs no script. */
export async function draw(chart: Chart): Promise<string> {
  // Large, and needed by nobody but a report.
  const { init } = await import('echarts');
  const instance = init(null, null, { renderer: 'svg', ssr: true, ...SIZE });
  try {
    instance.setOption(toOption(chart));
    return instance.renderToSVGString();
  } finally {
    // It keeps the process alive otherwise.
    instance.dispose();
  }
}
