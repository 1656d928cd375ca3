/** The last minutes of the engine, from `/metrics` once a second while somebody looks. */
import { fetchMetricsText } from '../api/administration.ts';
import { readMetrics, type Metrics } from '../api/read-metrics.ts';

export type EngineSample = {
  /** Unix seconds. */
  atSeconds: number;
  decodePerSecond: number | null;
  prefillPerSecond: number | null;
  running: number | null;
  mostRunning: number | null;
  queued: number | null;
  cellsUsed: number | null;
  cells: number | null;
  keptPrefixes: number | null;
  tokenBudget: number | null;
  threads: number | null;
  stepMs: number | null;
  limitedBy: string[];
};

const kept = 180;
const everyMs = 1000;

class EngineSamples {
  #samples: readonly EngineSample[] = [];
  #before: { atMs: number; metrics: Metrics } | undefined;
  #watchers = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) void this.#look();
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) clearTimeout(this.#timer);
    };
  };

  readonly snapshot = (): readonly EngineSample[] => this.#samples;

  async #look(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const metrics = readMetrics(await fetchMetricsText(AbortSignal.timeout(10 * everyMs)));
      const now = { atMs: performance.now(), metrics };
      this.#samples = [...this.#samples.slice(1 - kept), sampleOf(now, this.#before)];
      this.#before = now;
      for (const watcher of this.#watchers) watcher();
    } catch {
      // The page says elsewhere that the server is away; the line has a gap.
      this.#before = undefined;
    }
    if (this.#watchers.size > 0) this.#timer = setTimeout(() => void this.#look(), everyMs);
  }
}

export const engineSamples = new EngineSamples();

type Look = { atMs: number; metrics: Metrics };

function sampleOf({ atMs, metrics }: Look, before: Look | undefined): EngineSample {
  const gauge = (name: string): number | null => metrics.get(`duanyun_engine_${name}`) ?? null;
  const rate = (name: string): number | null => {
    const value = metrics.get(`duanyun_engine_${name}`);
    if (value === undefined || before === undefined) return null;
    // An engine that was started again counts from nothing.
    const last = before.metrics.get(`duanyun_engine_${name}`) ?? 0;
    return (1000 * Math.max(0, value - last)) / (atMs - before.atMs);
  };
  const stepSeconds = gauge('last_step_seconds');
  const limited = [...metrics].flatMap(([name, value]) => {
    const [, reason] = /^duanyun_engine_limited\{reason="([^"]*)"\}$/.exec(name) ?? [];
    return reason !== undefined && value === 1 ? [reason] : [];
  });
  return {
    atSeconds: Date.now() / 1000,
    decodePerSecond: rate('decode_tokens_total'),
    prefillPerSecond: rate('prefill_tokens_total'),
    running: gauge('running'),
    mostRunning: gauge('max_running'),
    queued: gauge('queued'),
    cellsUsed: gauge('cells_used'),
    cells: gauge('cells'),
    keptPrefixes: gauge('cached_sequences'),
    tokenBudget: gauge('token_budget'),
    threads: gauge('threads'),
    stepMs: stepSeconds === null ? null : stepSeconds * 1000,
    limitedBy: limited,
  };
}
