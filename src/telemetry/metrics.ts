import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MetricLabels, Metrics } from '../core/metrics.ts';
import { bucketsFor, metricTable } from './metric-table.ts';

export type PrometheusMetrics = Metrics & {
  /** The exposition text. */
  render(): Promise<{ contentType: string; text: string }>;
};

export type MetricsOptions = {
  /** Memory, CPU and event loop of this process too. Default false. */
  processMetrics?: boolean;
};

/** Label sets of one metric. More than this is a defect of the caller: they are dropped, and counted. */
const maxSeries = 1000;

type Metric = Counter | Gauge | Histogram;
/** One label set of a metric, found once: looking it up again in prom-client would cost more than counting. */
type Series = { inc?(by: number): void; set?(value: number): void; observe?(value: number): void };
type Family = { metric: Metric; labelNames: string; series: Map<string, Series> };

/**
 * Core metrics on prom-client. A metric is registered when its name is first used, with the label names of that use; a
 * later use with other label names is dropped rather than thrown: measuring must never break what it measures.
 */
export function createMetrics(options: MetricsOptions = {}): PrometheusMetrics {
  const registry = new Registry();
  if (options.processMetrics === true) collectDefaultMetrics({ register: registry });
  const metrics = new Map<string, Family>();
  const dropped = new Counter({
    name: 'duanyun_metrics_dropped_total',
    help: 'Observations that did not fit their metric, by metric.',
    labelNames: ['metric'],
    registers: [registry],
  });

  const find = (
    name: string,
    labels: MetricLabels,
    kind: new (configuration: never) => Metric,
    make: (labelNames: string[]) => Metric,
  ): Series | undefined => {
    let family = metrics.get(name);
    if (family === undefined) {
      const names = Object.keys(labels);
      family = { metric: make(names), labelNames: names.toSorted().join(','), series: new Map() };
      metrics.set(name, family);
    }
    const key = seriesKey(labels);
    let series = family.series.get(key);
    if (series === undefined) {
      const fits = family.labelNames === Object.keys(labels).toSorted().join(',');
      if (fits && family.series.size < maxSeries) {
        series = family.metric.labels(labels);
        family.series.set(key, series);
      }
    }
    if (series !== undefined && family.metric instanceof kind) return series;
    dropped.inc({ metric: name });
    return undefined;
  };
  const base = (name: string, labelNames: string[]) => ({
    name,
    help: metricTable[name]?.help ?? name,
    labelNames,
    registers: [registry],
  });

  return {
    count(name, labels = {}, by = 1) {
      if (!(by >= 0)) return; // Counters never go down; NaN would poison them.
      find(name, labels, Counter, (names) => new Counter(base(name, names)))?.inc?.(by);
    },
    gauge(name, value, labels = {}) {
      find(name, labels, Gauge, (names) => new Gauge(base(name, names)))?.set?.(value);
    },
    observe(name, value, labels = {}) {
      if (!Number.isFinite(value)) return;
      const make = (names: string[]): Histogram => new Histogram({ ...base(name, names), buckets: bucketsFor(name) });
      find(name, labels, Histogram, make)?.observe?.(value);
    },
    async render() {
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

/** The labels in the order in which the caller wrote them; another order is only another way to the same series. */
function seriesKey(labels: MetricLabels): string {
  let key = '';
  for (const name in labels) key += `${name}\n${labels[name]}\n`;
  return key;
}
