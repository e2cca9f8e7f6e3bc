import { type EChartsOption, init } from 'echarts';
import type { Report } from '../results';

export function toChart(report: Report): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 800, height: 400 });
  const option: EChartsOption = { title: { text: report.startedAt } };
  chart.setOption(option);
  return chart.renderToSVGString();
}
