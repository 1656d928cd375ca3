/** The course of a training as a picture, and as a page that opens from disk. */
import * as echarts from 'echarts';
import type { Progress } from '../../engine/finetune/trainer.ts';

const size = { width: 960, height: 480 };
/** Single examples jump about; their average over so many shows where it goes. */
const smoothedOver = 10;

export function lossCurve(name: string, { losses, checks, best }: Progress): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...size });
  try {
    chart.setOption({
      backgroundColor: '#ffffff',
      animation: false,
      title: { text: `${name}: loss while it was trained`, left: 'center' },
      legend: { bottom: 8, data: ['examples it learns from', 'examples kept apart'] },
      grid: { left: 80, right: 40, top: 60, bottom: 90 },
      xAxis: { type: 'value', name: 'step', nameLocation: 'middle', nameGap: 28, min: 0 },
      yAxis: { type: 'value', name: 'nats a token of the answers', nameLocation: 'middle', nameGap: 48, min: 0 },
      series: [
        { name: 'examples it learns from', type: 'line', showSymbol: false, data: smoothed(losses) },
        {
          name: 'examples kept apart',
          type: 'line',
          symbolSize: 9,
          data: checks.map(({ step, loss }) => [step, loss]),
          ...(best === undefined
            ? {}
            : {
                markPoint: {
                  data: [{ coord: [best.step, best.loss], value: best.loss.toFixed(3) }],
                  symbol: 'pin',
                  symbolSize: 56,
                },
              }),
        },
      ],
    });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

export function lossPage(name: string, progress: Progress, svg: string): string {
  const rows = progress.checks
    .map(({ epoch, step, loss }) => `<tr><td>${epoch}</td><td>${step}</td><td>${loss.toFixed(4)}</td></tr>`)
    .join('\n');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${name}: training</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}svg{max-width:100%;height:auto}td,th{padding:.2rem 1.2rem .2rem 0;text-align:right}</style>
<h1>${name}</h1>
${svg}
<table>
<tr><th>epoch</th><th>step</th><th>loss, examples kept apart</th></tr>
${rows}
</table>
</html>
`;
}

function smoothed(losses: Progress['losses']): [number, number][] {
  return losses.map(({ step }, index) => {
    const window = losses.slice(Math.max(0, index + 1 - smoothedOver), index + 1);
    return [step, window.reduce((sum, { loss }) => sum + loss, 0) / window.length];
  });
}
