/** Options of the report's charts, plain data: they are written into the page as JSON. */
import { metricsOf } from '../metrics/request-metrics.ts';
import { summarise } from '../metrics/summary.ts';
import type { Results } from '../results-file.ts';
import { scenarios } from '../suites/scenarios.ts';
import { limitsOf, requestsOf } from './cells.ts';
import { loadCases } from './users.ts';
import { both, type Text } from './texts.ts';

export type Chart = { title: Text; option: object };
type Point = [number, number];

export function chartsOf(results: Results): Chart[] {
  return [
    scenarioBars(results),
    sweep(results, both('并发与吞吐（tokens/s）', 'Concurrency and throughput (tokens/s)'), (name, level) => {
      return summarise(requestsOf(results, name, 'load', level), limitsOf(results)).outputTokensPerSecond;
    }),
    sweep(results, both('并发与 TTFT p50(ms)', 'Concurrency and TTFT p50 (ms)'), (name, level) => {
      return summarise(requestsOf(results, name, 'load', level)).ttftMs?.p50;
    }),
    sweep(results, both('并发与有效吞吐 goodput(req/s)', 'Concurrency and goodput (req/s)'), (name, level) => {
      return summarise(requestsOf(results, name, 'load', level), limitsOf(results)).goodput;
    }),
    gapDistribution(results),
    sustained(results),
    samples(results, both('内存（MiB）', 'Memory (MiB)'), (each) => (each.memoryBytes ?? Number.NaN) / 1024 ** 2),
    samples(results, both('功率（W）', 'Power (W)'), (each) => each.watts ?? Number.NaN),
    samples(results, both('温度（°C）', 'Temperature (°C)'), (each) => each.celsius ?? Number.NaN),
    timeline(results),
  ].filter((chart) => chart !== undefined);
}

function base(x: object, y: object, series: object[]): object {
  return {
    animation: false,
    tooltip: { trigger: 'axis' },
    legend: { top: 0 },
    grid: { left: 70, right: 24, top: 40, bottom: 44 },
    xAxis: x,
    yAxis: y,
    series,
  };
}

function scenarioBars(results: Results): Chart | undefined {
  const names = scenarios
    .map(({ name }) => name)
    .filter((name) =>
      results.requests.some((each) => each.suite === 'scenarios' && each.case === name && each.outcome === 'ok'),
    );
  if (names.length === 0) return undefined;
  const series = results.run.targets.map(({ name: target }) => ({
    name: target,
    type: 'bar',
    data: names.map((name) =>
      Math.round(
        summarise(requestsOf(results, target, 'scenarios', name).filter(({ cold }) => cold === false)).e2elMs?.mean ??
          0,
      ),
    ),
  }));
  const title = both('场景端到端耗时，热（ms）', 'Scenarios end to end, warm (ms)');
  return { title, option: base({ type: 'category', data: names }, { type: 'value', name: 'ms' }, series) };
}

function sweep(
  results: Results,
  title: Text,
  value: (target: string, level: string) => number | undefined,
): Chart | undefined {
  const series = results.run.targets.map(({ name }) => {
    const data: Point[] = [];
    for (const level of loadCases(results, name)) {
      const users = Number(level.split(' ')[1]);
      // A level that was cut before any request ended shows nothing of the server.
      const ended = requestsOf(results, name, 'load', level).some(
        ({ warmup, outcome }) => !warmup && outcome !== 'interrupted',
      );
      if (!ended) continue;
      const found = value(name, level);
      if (Number.isFinite(users) && found !== undefined) data.push([users, Number(found.toFixed(2))]);
    }
    return { name, type: 'line', data };
  });
  if (series.every(({ data }) => data.length === 0)) return undefined;
  const axis = { type: 'log', logBase: 2, name: 'users', min: 1 };
  return { title, option: base(axis, { type: 'value' }, series) };
}

/** Share of the gaps at or below a time. */
function gapDistribution(results: Results): Chart | undefined {
  const series = results.run.targets.map(({ name }) => {
    const gaps = results.requests
      .filter(({ target, outcome, warmup }) => target === name && outcome === 'ok' && !warmup)
      .flatMap((record) => metricsOf(record).itlMs)
      .toSorted((a, b) => a - b);
    const steps = Math.min(200, gaps.length);
    const data = Array.from({ length: steps }, (_, index): Point => {
      const rank = Math.floor((index / Math.max(1, steps - 1)) * (gaps.length - 1));
      return [Number((gaps[rank] ?? 0).toFixed(2)), Number(((rank + 1) / gaps.length).toFixed(4))];
    });
    return { name, type: 'line', showSymbol: false, step: 'end', data };
  });
  if (series.every(({ data }) => data.length === 0)) return undefined;
  const title = both('token 间隔的累积分布（ms）', 'Gaps between tokens, cumulative (ms)');
  return { title, option: base({ type: 'value', name: 'ms' }, { type: 'value', max: 1 }, series) };
}

function sustained(results: Results): Chart | undefined {
  const series = results.run.targets.map(({ name }) => ({
    name,
    type: 'line',
    data: requestsOf(results, name, 'sustained').flatMap((record): Point[] => {
      const speed = record.outcome === 'ok' ? metricsOf(record).tokensPerSecond : undefined;
      return speed === undefined ? [] : [[Number(record.case.split(' ')[1]), Number(speed.toFixed(2))]];
    }),
  }));
  if (series.every(({ data }) => data.length === 0)) return undefined;
  const title = both('连续运行的速度（tokens/s）', 'Speed of runs back to back (tokens/s)');
  return {
    title,
    option: base({ type: 'value', name: 'run', minInterval: 1 }, { type: 'value', scale: true }, series),
  };
}

function samples(
  results: Results,
  title: Text,
  value: (sample: Results['samples'][number]) => number,
): Chart | undefined {
  const series = results.run.targets.map(({ name }) => ({
    name,
    type: 'line',
    showSymbol: false,
    data: results.samples
      .filter((each) => each.target === name && Number.isFinite(value(each)))
      .map((each): Point => [each.atMs / 1000, Number(value(each).toFixed(2))]),
  }));
  if (series.every(({ data }) => data.length === 0)) return undefined;
  return { title, option: base({ type: 'value', name: 's' }, { type: 'value', scale: true }, series) };
}

/** One warm request of each target: every token where it arrived. */
function timeline(results: Results): Chart | undefined {
  const series = results.run.targets.map(({ name }) => {
    const record = results.requests.find(
      (each) => each.target === name && each.cold === false && each.outcome === 'ok',
    );
    const data = (record?.chunks ?? []).map(({ atMs }, index): Point => [Number(atMs.toFixed(1)), index + 1]);
    return { name: record === undefined ? name : `${name}: ${record.case}`, type: 'scatter', symbolSize: 6, data };
  });
  if (series.every(({ data }) => data.length === 0)) return undefined;
  const title = both(
    '一次请求的时间线：第几个数据块在何时到达（ms）',
    'Timeline of one request: which chunk came when (ms)',
  );
  return { title, option: base({ type: 'value', name: 'ms' }, { type: 'value', name: 'chunk' }, series) };
}
