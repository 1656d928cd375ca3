import { useEffect, useRef } from 'react';
import Plot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export type ChartLine = { label: string; values: readonly (number | null)[] };
type ChartProps = { title: string; unit: string; times: readonly number[]; lines: readonly ChartLine[] };

const heightPx = 140;
const colourNames = ['--chart-1', '--chart-2', '--chart-3'];

/** One quantity over the last minutes. Its newest values stand in words beside it, for those who do not see the drawing. */
export function TimeChart({ title, unit, times, lines }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot>(undefined);
  const newest = useRef(dataOf(times, lines));
  newest.current = dataOf(times, lines);
  const labels = lines.map(({ label }) => label).join('\n');

  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new Plot(optionsOf(element, labels.split('\n')), newest.current, element);
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: heightPx }));
    resized.observe(element);
    // Its colours are of the theme.
    const theme = matchMedia('(prefers-color-scheme: dark)');
    theme.addEventListener('change', draw);
    return () => {
      theme.removeEventListener('change', draw);
      resized.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [labels]);
  useEffect(() => plot.current?.setData(newest.current), [times]);

  return (
    <figure className="chart">
      <figcaption>
        <strong>{title}</strong>
        {lines.map(({ label, values }, index) => (
          <span key={label}>
            <i className={`swatch swatch-${index + 1}`} /> {label}: {shown(values.at(-1))} {unit}
          </span>
        ))}
      </figcaption>
      <div ref={place} aria-hidden="true" />
    </figure>
  );
}

/** In 24 hours, as logs have it. */
function clockText(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toTimeString().slice(0, 8);
}

function shown(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  return value >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1);
}

function dataOf(times: readonly number[], lines: readonly ChartLine[]): Plot.AlignedData {
  return [[...times], ...lines.map(({ values }) => [...values])] as Plot.AlignedData;
}

function optionsOf(element: HTMLElement, labels: readonly string[]): Plot.Options {
  const style = getComputedStyle(element);
  // Canvas knows nothing of `light-dark()`, so the colour is taken from an element that has it.
  const colour = (name: string): string => {
    const probe = document.createElement('span');
    probe.style.color = `var(${name})`;
    element.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  };
  const axis = { stroke: colour('--soft'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
  return {
    width: Math.max(120, element.clientWidth),
    height: heightPx,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: true }, y: { range: (_, low, high) => [Math.min(0, low), high <= 0 ? 1 : high * 1.1] } },
    axes: [
      {
        ...axis,
        font: `11px ${style.fontFamily}`,
        space: 80,
        size: 26,
        values: (_, seconds) => seconds.map((each) => clockText(each)),
      },
      { ...axis, font: `11px ${style.fontFamily}`, size: 46 },
    ],
    series: [
      {},
      ...labels.map((label, index) => ({
        label,
        stroke: colour(colourNames[index] ?? '--text'),
        width: 2,
        points: { show: false },
      })),
    ],
  };
}
