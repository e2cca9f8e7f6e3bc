import { init } from 'echarts';
import { figures, type Report } from './report';

const PANEL = { width: 460, height: 300 };
const MARGIN = { left: 64, right: 24, top: 52, bottom: 48 };
const HEADER = 64;
const COLOUR = '#2f6fb3';

/** The chart of the README, as SVG text: a panel of bars for each section that has some. */
export function toChart({ sections, surroundings, startedAt }: Report): string {
  const panels = sections.flatMap(({ title, bars }) =>
    bars === undefined ? [] : [{ title, ...bars }],
  );
  const places = panels.map((_, index) => ({
    left: (index % 2) * PANEL.width,
    top: HEADER + Math.floor(index / 2) * PANEL.height,
  }));
  const chart = init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: 2 * PANEL.width,
    height: HEADER + Math.ceil(panels.length / 2) * PANEL.height,
  });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      textStyle: { fontFamily: 'system-ui, sans-serif' },
      title: [
        {
          text: 'order-timeout, measured',
          subtext: `MySQL ${surroundings.version ?? ''}, default durability; ${surroundings.cpu ?? ''}; ${startedAt.slice(0, 10)}`,
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
      xAxis: panels.map(({ values }, index) => ({
        type: 'category' as const,
        gridIndex: index,
        data: values.map(([name]) => name),
        axisTick: { show: false },
        axisLabel: { interval: 0, fontSize: 10 },
      })),
      yAxis: panels.map(({ unit }, index) => ({
        type: 'value' as const,
        gridIndex: index,
        name: unit,
        nameTextStyle: { fontSize: 10 },
        axisLabel: { fontSize: 10 },
      })),
      series: panels.map(({ values }, index) => ({
        type: 'bar' as const,
        xAxisIndex: index,
        yAxisIndex: index,
        barMaxWidth: 44,
        itemStyle: { color: COLOUR },
        data: values.map(([, value]) => value),
        label: {
          show: true,
          position: 'top' as const,
          fontSize: 10,
          formatter: ({ value }: { value: unknown }) => figures(Number(value)),
        },
      })),
    });
    return chart.renderToSVGString();
  } finally {
    // It keeps the process alive otherwise.
    chart.dispose();
  }
}
