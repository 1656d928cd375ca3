/** Speed against divergence, as an SVG that opens everywhere. */
import * as echarts from 'echarts';
import { overallSpeed, paretoFront } from '../../engine/optimize/choose-recipe.ts';
import type { OptimizeResult } from '../../engine/optimize/optimizer.ts';

const size = { width: 1100, height: 620 };
/** Where the names stand, right of the plot. */
const names = { left: 700, top: 96, lineHeight: 22 };

export function speedPlot(title: string, { candidates, tuned }: OptimizeResult): string {
  const measured = candidates
    .flatMap(({ measured: each }) => each ?? [])
    .toSorted((a, b) => a.quality.kl - b.quality.kl);
  const valueOf = ({ quality, speed }: (typeof measured)[number]) => [quality.kl, overallSpeed(speed)];
  const front = paretoFront(measured).map(valueOf);
  // Near points have no room for names: they bear numbers, in turns above and below.
  const points = measured.map((each, index) => ({
    name: String(index + 1),
    value: valueOf(each),
    symbolSize: each.id === tuned?.recipe.id ? 18 : 11,
    label: { position: index % 2 === 0 ? 'top' : 'bottom' } as const,
  }));
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
      grid: { left: 80, right: size.width - names.left + 30, top: 90, bottom: 70 },
      xAxis: { type: 'value', name: 'mean KL divergence, nats a token', nameLocation: 'middle', nameGap: 36, min: 0 },
      yAxis: { type: 'value', name: 'times as fast', nameLocation: 'middle', nameGap: 48, scale: true },
      series: [
        { type: 'line', data: [[0, 1], ...front], showSymbol: false, lineStyle: { type: 'dashed' } },
        {
          type: 'scatter',
          data: [
            { name: 'published', value: [0, 1], symbolSize: 11, label: { position: 'right', offset: [4, -10] } },
            ...points,
          ],
          label: { show: true, formatter: '{b}', fontSize: 12 },
        },
      ],
      graphic: measured.map(({ id }, index) => ({
        type: 'text',
        left: names.left,
        top: names.top + index * names.lineHeight,
        style: { text: `${index + 1}  ${id}`, fontSize: 12, fill: '#333333' },
      })),
    });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}
