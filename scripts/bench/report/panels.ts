import type { EChartsOption } from 'echarts';
import type { Report, Results } from '../results';

/** A group of bars with one unit. */
export interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly categories: readonly string[];
  /** Each has a value for every category. The name of the only one is ''. */
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
}

/** What the report has figures for. */
export function panelsOf({ results }: Report): Panel[] {
  return [
    ...throughputPanel(results),
    ...growthPanel(results),
    ...tickPanel(results),
    ...neighboursPanel(results),
  ];
}

const NAMES = {
  application: 'loop in the\napplication',
  cursor: 'cursor, order\nby order',
  engine: 'this engine',
  floor: 'floor: bare\nwrites',
};

function throughputPanel({ throughput }: Results): Panel[] {
  if (throughput === undefined) return [];
  const first = throughput.rows.filter(
    ({ variant }, index, rows) => rows.findIndex((row) => row.variant === variant) === index,
  );
  const order = Object.keys(NAMES);
  first.sort((one, other) => order.indexOf(one.variant) - order.indexOf(other.variant));
  return [
    {
      title: 'Orders cancelled per second',
      unit: 'orders/s',
      categories: first.map(({ variant }) => NAMES[variant]),
      series: [{ name: '', values: first.map(({ perSecond }) => perSecond) }],
    },
  ];
}

function growthPanel({ growth }: Results): Panel[] {
  if (growth === undefined) return [];
  return [
    {
      title: 'The same as the backlog grows',
      unit: 'orders/s',
      categories: growth.map(({ backlog }) => `${backlog.toLocaleString('en')} due`),
      series: [{ name: '', values: growth.map(({ perSecond }) => perSecond) }],
    },
  ];
}

function tickPanel({ ticks }: Results): Panel[] {
  if (ticks === undefined) return [];
  return [
    {
      title: 'A sweep that finds nothing, by orders in the shop',
      unit: 'ms',
      categories: ticks.map(
        ({ orders, rowsRead }) => `${orders.toLocaleString('en')}\n${rowsRead} rows read`,
      ),
      series: [{ name: '', values: ticks.map(({ time }) => time.p50) }],
    },
  ];
}

function neighboursPanel({ neighbours }: Results): Panel[] {
  if (neighbours === undefined) return [];
  const { alone, draining, backlog } = neighbours;
  const row = (of: (one: typeof alone) => number) => [of(alone), of(draining)];
  return [
    {
      title: 'Payments, alone and during a drain',
      unit: 'ms',
      categories: ['alone', `${backlog.toLocaleString('en')} orders drain`],
      series: [
        { name: 'p50', values: row(({ payments }) => payments.p50) },
        { name: 'p99', values: row(({ payments }) => payments.p99) },
      ],
    },
  ];
}

/** A pair of axes for each panel. */
export function axesOf(panels: readonly Panel[]): Pick<EChartsOption, 'xAxis' | 'yAxis'> {
  return {
    xAxis: panels.map(({ categories }, index) => ({
      type: 'category',
      gridIndex: index,
      data: [...categories],
      axisTick: { show: false },
      axisLabel: { interval: 0, fontSize: 10 },
    })),
    yAxis: panels.map(({ unit }, index) => ({
      type: 'value',
      gridIndex: index,
      name: unit,
      nameTextStyle: { fontSize: 10 },
      axisLabel: { fontSize: 10 },
    })),
  };
}
