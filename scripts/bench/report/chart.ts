import { type EChartsOption, init } from 'echarts';
import type { Report } from '../results';
import { axesOf, type Panel, panelsOf } from './panels';

const PANEL = { width: 460, height: 300 };
const MARGIN = { left: 64, right: 24, top: 52, bottom: 48 };
const HEADER = 64;
const COLUMNS = 2;
const FONT = 'system-ui, sans-serif';
const COLOURS = ['#2f6fb3', '#e08a2e', '#4b9b62', '#8a6bb8'];

/** The chart of the README, as SVG text. */
export function toChart(report: Report): string {
  const panels = panelsOf(report);
  const rows = Math.ceil(panels.length / COLUMNS);
  const width = PANEL.width * COLUMNS;
  const height = HEADER + PANEL.height * rows;
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption(toOption(report, panels));
    return chart.renderToSVGString();
  } finally {
    // It keeps the process alive otherwise.
    chart.dispose();
  }
}

function toOption(report: Report, panels: readonly Panel[]): EChartsOption {
  const { surroundings } = report;
  const places = panels.map((_, index) => ({
    left: (index % COLUMNS) * PANEL.width,
    top: HEADER + Math.floor(index / COLUMNS) * PANEL.height,
  }));
  return {
    animation: false,
    backgroundColor: '#ffffff',
    color: COLOURS,
    textStyle: { fontFamily: FONT },
    title: [
      {
        text: 'order-timeout, measured',
        subtext:
          `MySQL ${surroundings.settings.version ?? ''}, default durability; ${surroundings.cpu}, ` +
          `${surroundings.cores} cores; ${report.startedAt.slice(0, 10)}`,
        left: 16,
        top: 8,
      },
      ...panels.map(({ title }, index) => ({
        text: title,
        left: (places[index]?.left ?? 0) + 16,
        top: (places[index]?.top ?? 0) + 10,
        textStyle: { fontSize: 13 },
      })),
    ],
    grid: places.map(({ left, top }) => ({
      left: left + MARGIN.left,
      top: top + MARGIN.top,
      width: PANEL.width - MARGIN.left - MARGIN.right,
      height: PANEL.height - MARGIN.top - MARGIN.bottom,
    })),
    ...axesOf(panels),
    series: panels.flatMap(({ series }, index) =>
      series.map(({ name, values }, nth) => ({
        type: 'bar' as const,
        name,
        xAxisIndex: index,
        yAxisIndex: index,
        barMaxWidth: 44,
        itemStyle: { color: COLOURS[nth] ?? 'grey' },
        data: [...values],
        label: {
          show: true,
          position: 'top' as const,
          fontSize: 10,
          formatter: ({ value }: { value: unknown }) => labelOf(Number(value), name),
        },
      })),
    ),
  };
}

function labelOf(value: number, series: string): string {
  const figures = Number(value.toPrecision(value >= 1000 ? 3 : 2)).toLocaleString('en');
  return series === '' ? figures : `${series}\n${figures}`;
}
