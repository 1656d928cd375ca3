/** What is still found against what was removed, as an SVG that opens everywhere. */
import * as echarts from 'echarts';

const size = { width: 960, height: 560 };

export type Curve = { name: string; points: [removedPercent: number, score: number][] };

export function retrievalPlot(title: string, curves: readonly Curve[]): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...size });
  try {
    chart.setOption({
      backgroundColor: '#ffffff',
      animation: false,
      title: { text: title, subtext: 'needles, several keys and questions; the full cache = 1', left: 'center' },
      legend: { bottom: 8 },
      grid: { left: 80, right: 60, top: 90, bottom: 90 },
      xAxis: {
        type: 'value',
        name: 'percent of the tokens removed',
        nameLocation: 'middle',
        nameGap: 32,
        min: 0,
        max: 100,
      },
      yAxis: { type: 'value', name: 'score', nameLocation: 'middle', nameGap: 44, min: 0, max: 1.1 },
      series: curves.map(({ name, points }) => ({ type: 'line', name, data: points, symbolSize: 9 })),
    });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}
