/** Prometheus' text form, as far as the page needs it. */
export type Metrics = Map<string, number>;

/** Values by name with its labels as they stand, such as `duanyun_engine_limited{reason="cpu"}`. */
export function readMetrics(text: string): Metrics {
  const metrics: Metrics = new Map();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-z_][\w:]*(?:\{[^}]*\})?) (\S+)/i.exec(line) ?? [];
    if (name !== undefined && value !== undefined) metrics.set(name, Number(value));
  }
  return metrics;
}
