/** The figures of many requests. */
import type { Outcome, RequestRecord } from '../record.ts';
import { isWithin, metricsOf, type Limits } from './request-metrics.ts';
import { mean, meanInterval, percentile, type Interval } from './statistics.ts';

export type Distribution = {
  count: number;
  mean: number;
  p50: number;
  p90: number;
  p99: number;
  interval?: Interval;
  values: number[];
};

export type Summary = {
  requests: number;
  outcomes: Partial<Record<Outcome, number>>;
  /** From the first sending to the last end. */
  durationSeconds: number;
  requestsPerSecond: number;
  /** Requests within the limits, a second. */
  goodput: number;
  withinLimits: number;
  outputTokens: number;
  /** Of all requests together. */
  outputTokensPerSecond: number;
  /** Requests whose tokens were counted by chunks because the server sent no usage. */
  withoutUsage: number;
  ttftMs?: Distribution;
  firstAnswerMs?: Distribution;
  tpotMs?: Distribution;
  itlMs?: Distribution;
  e2elMs?: Distribution;
  /** Decode speed of one request. */
  tokensPerSecond?: Distribution;
};

export function distribution(values: readonly number[]): Distribution | undefined {
  const average = mean(values);
  if (average === undefined) return undefined;
  const interval = meanInterval(values);
  const at = (percent: number): number => percentile(values, percent) ?? average;
  return {
    count: values.length,
    mean: average,
    p50: at(50),
    p90: at(90),
    p99: at(99),
    values: [...values],
    ...(interval === undefined ? {} : { interval }),
  };
}

/** Warm-ups are left out. Latencies are those of answers in full; every outcome is counted. */
export function summarise(records: readonly RequestRecord[], limits: Limits = {}): Summary {
  const counted = records.filter(({ warmup }) => !warmup);
  const good = counted.filter(({ outcome }) => outcome === 'ok');
  const outcomes: Partial<Record<Outcome, number>> = {};
  for (const { outcome } of counted) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  const metrics = good.map(metricsOf);
  const begin = Math.min(...counted.map(({ startedMs }) => startedMs));
  const end = Math.max(...counted.map(({ startedMs, endMs }) => startedMs + endMs));
  const durationSeconds = counted.length === 0 ? 0 : (end - begin) / 1000;
  const perSecond = (count: number): number => (durationSeconds > 0 ? count / durationSeconds : 0);
  const withinLimits = counted.filter((record) => isWithin(record, limits)).length;
  const outputTokens = metrics.reduce((sum, each) => sum + each.outputTokens, 0);
  const of = (name: keyof Summary, values: (number | undefined)[]): object => {
    const found = distribution(values.filter((value) => value !== undefined));
    return found === undefined ? {} : { [name]: found };
  };
  return {
    requests: counted.length,
    outcomes,
    durationSeconds,
    requestsPerSecond: perSecond(good.length),
    goodput: perSecond(withinLimits),
    withinLimits,
    outputTokens,
    outputTokensPerSecond: perSecond(outputTokens),
    withoutUsage: metrics.filter(({ tokensFrom }) => tokensFrom === 'chunks').length,
    ...of(
      'ttftMs',
      metrics.map(({ ttftMs }) => ttftMs),
    ),
    ...of(
      'firstAnswerMs',
      metrics.map(({ firstAnswerMs }) => firstAnswerMs),
    ),
    ...of(
      'tpotMs',
      metrics.map(({ tpotMs }) => tpotMs),
    ),
    ...of(
      'itlMs',
      metrics.flatMap(({ itlMs }) => itlMs),
    ),
    ...of(
      'e2elMs',
      metrics.map(({ e2elMs }) => e2elMs),
    ),
    ...of(
      'tokensPerSecond',
      metrics.map(({ tokensPerSecond }) => tokensPerSecond),
    ),
  };
}
