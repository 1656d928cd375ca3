/** What the engine process reports once a second → metrics. */
import type { Metrics } from '../../core/metrics.ts';
import type { EngineStatistics } from '../../engine/host/messages.ts';

/** Running totals of one engine process. They start anew when it is restarted. */
const totals = {
  steps: 'duanyun_engine_steps_total',
  prefillTokens: 'duanyun_engine_prefill_tokens_total',
  decodeTokens: 'duanyun_engine_decode_tokens_total',
  prefixHits: 'duanyun_engine_prefix_hits_total',
  prefixTokens: 'duanyun_engine_prefix_tokens_total',
  preemptions: 'duanyun_engine_preemptions_total',
  evictedTokens: 'duanyun_engine_evicted_tokens_total',
  evictions: 'duanyun_engine_evictions_total',
  sessionsSaved: 'duanyun_engine_sessions_saved_total',
  sessionsRestored: 'duanyun_engine_sessions_restored_total',
  sessionsFailed: 'duanyun_engine_sessions_failed_total',
  draftFailures: 'duanyun_engine_draft_failures_total',
} as const satisfies Partial<Record<keyof EngineStatistics, string>>;

export function createEngineMetrics(metrics: Metrics): (statistics: EngineStatistics) => void {
  const last = new Map<string, number>();
  const reasonsSeen = new Set<string>();
  const counted = (name: string, value: number, labels: Record<string, string> = {}): void => {
    const key = [name, ...Object.values(labels)].join(' ');
    const before = last.get(key) ?? 0;
    metrics.count(name, labels, value >= before ? value - before : value);
    last.set(key, value);
  };
  return (statistics) => {
    metrics.gauge('duanyun_engine_running', statistics.running);
    metrics.gauge('duanyun_engine_queued', statistics.queued);
    metrics.gauge('duanyun_engine_cached_sequences', statistics.cachedSequences);
    metrics.gauge('duanyun_engine_cells_used', statistics.cellsUsed);
    metrics.gauge('duanyun_engine_cells', statistics.cells);
    metrics.gauge('duanyun_engine_cache_bytes', statistics.cacheBytes);
    metrics.gauge('duanyun_engine_token_budget', statistics.tokenBudget);
    metrics.gauge('duanyun_engine_max_running', statistics.maxRunning);
    metrics.gauge('duanyun_engine_threads', statistics.threads);
    metrics.gauge('duanyun_engine_last_step_seconds', statistics.lastStepMs / 1000);
    metrics.gauge('duanyun_engine_resident_bytes', statistics.residentBytes);
    for (const [key, name] of Object.entries(totals) as [keyof typeof totals, string][]) {
      counted(name, statistics[key]);
    }
    for (const [source, { checked, right }] of Object.entries(statistics.drafts)) {
      counted('duanyun_engine_draft_tokens_total', checked, { source });
      counted('duanyun_engine_accepted_tokens_total', right, { source });
    }
    counted('duanyun_engine_draft_seconds_total', statistics.draftMs / 1000);
    const { vision } = statistics;
    if (vision !== undefined) {
      metrics.gauge('duanyun_vision_cache_bytes', vision.cacheBytes);
      counted('duanyun_vision_pictures_encoded_total', vision.encoded);
      counted('duanyun_vision_pictures_from_cache_total', vision.fromCache);
    }
    // Why the scheduler holds back now; a reason that passed goes back to 0.
    for (const reason of statistics.limitReasons) reasonsSeen.add(reason);
    for (const reason of reasonsSeen) {
      metrics.gauge('duanyun_engine_limited', statistics.limitReasons.includes(reason) ? 1 : 0, { reason });
    }
  };
}
