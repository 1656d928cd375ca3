/** Speed against divergence, as an SVG that opens everywhere. */
import * as echarts from 'echarts';
import { overallSpeed, paretoFront } from '../../engine/optimize/choose-recipe.ts';
import type { OptimizeResult } from '../../engine/optimize/optimizer.ts';

const size = { width: 1100, height: 620 };

export function speedPlot(title: string, { candidates, tuned }: OptimizeResult): string {
  const measured = candidates.flatMap(({ measured: each }) => each ?? []);
  const front = paretoFront(measured);
  const point = (each: (typeof measured)[number]) => ({
    name: each.id,
    value: [each.quality.kl, overallSpeed(each.speed)],
    symbolSize: each.id === tuned?.recipe.id ? 18 : 11,
  });
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...size });
  try {
    chart.setOption({
      backgroundColor: '#ffffff',
      animation: false,
      title: {
        text: `${title}: speed against divergence`,
        subtext: 'published file = 1; the large point is in use',
        left: 'center',
      },
      grid: { left: 80, right: 250, top: 90, bottom: 70 },
      xAxis: { type: 'value', name: 'mean KL divergence, nats a token', nameLocation: 'middle', nameGap: 36, min: 0 },
      yAxis: { type: 'value', name: 'times as fast', nameLocation: 'middle', nameGap: 48, scale: true },
      series: [
        {
          type: 'line',
          data: [[0, 1], ...front.map((each) => point(each).value)],
          showSymbol: false,
          lineStyle: { type: 'dashed' },
        },
        {
          type: 'scatter',
          data: [{ name: 'published', value: [0, 1], symbolSize: 11 }, ...measured.map(point)],
          label: { show: true, position: 'right', formatter: '{b}', fontSize: 11 },
          labelLayout: { moveOverlap: 'shiftY' },
          labelLine: { show: true, lineStyle: { color: '#999999' } },
        },
      ],
    });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}
