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

/**
 * Core metrics on prom-client. A metric is registered when its name is first used, with the label names of that use; a
 * later use with other label names is dropped rather than thrown: measuring must never break what it measures.
 */
export function createMetrics(options: MetricsOptions = {}): PrometheusMetrics {
  const registry = new Registry();
  if (options.processMetrics === true) collectDefaultMetrics({ register: registry });
  const metrics = new Map<string, { metric: Metric; labelNames: string; series: Set<string> }>();
  const dropped = new Counter({
    name: 'duanyun_metrics_dropped_total',
    help: 'Observations that did not fit their metric, by metric.',
    labelNames: ['metric'],
    registers: [registry],
  });

  const find = <Kind extends Metric>(
    name: string,
    labels: MetricLabels,
    kind: new (configuration: never) => Kind,
    make: (labelNames: string[]) => Kind,
  ): Kind | undefined => {
    const names = Object.keys(labels);
    let known = metrics.get(name);
    if (known === undefined) {
      known = { metric: make(names), labelNames: names.toSorted().join(','), series: new Set() };
      metrics.set(name, known);
    }
    const key = JSON.stringify(labels);
    if (!known.series.has(key)) {
      const fits = known.labelNames === names.toSorted().join(',') && known.metric instanceof kind;
      if (!fits || known.series.size >= maxSeries) {
        dropped.inc({ metric: name });
        return undefined;
      }
      known.series.add(key);
    }
    return known.metric instanceof kind ? known.metric : undefined;
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
      find(name, labels, Counter, (names) => new Counter(base(name, names)))?.inc(labels, by);
    },
    gauge(name, value, labels = {}) {
      find(name, labels, Gauge, (names) => new Gauge(base(name, names)))?.set(labels, value);
    },
    observe(name, value, labels = {}) {
      if (!Number.isFinite(value)) return;
      const make = (names: string[]): Histogram => new Histogram({ ...base(name, names), buckets: bucketsFor(name) });
      find(name, labels, Histogram, make)?.observe(labels, value);
    },
    async render() {
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}
