/** Counters, gauges and histograms by name; `telemetry` backs them with prom-client. Names follow Prometheus style. */
export type MetricLabels = Record<string, string>;

export interface Metrics {
  /** Adds to a counter, by 1 unless told. */
  count(name: string, labels?: MetricLabels, by?: number): void;
  gauge(name: string, value: number, labels?: MetricLabels): void;
  /** Records one observation (seconds, bytes or a plain count, as the name's suffix says). */
  observe(name: string, value: number, labels?: MetricLabels): void;
}

export const noMetrics: Metrics = { count() {}, gauge() {}, observe() {} };
