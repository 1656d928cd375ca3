/** The figures of one request. `docs/metrics.md` gives the formulas and the names other tools use. */
import type { RequestRecord } from '../record.ts';

/** All in milliseconds unless named otherwise; absent where the request did not show it. */
export type RequestMetrics = {
  /** Time to first token: sending → first chunk with text, reasoning or a tool call. */
  ttftMs?: number;
  /** Sending → first chunk of the answer itself, reasoning excluded. */
  firstAnswerMs?: number;
  /** End-to-end latency: sending → last event of the answer. */
  e2elMs: number;
  /** Time per output token: (E2EL − TTFT) ÷ (output tokens − 1). */
  tpotMs?: number;
  /** Inter-token latencies: gaps between chunks with text. */
  itlMs: number[];
  outputTokens: number;
  /** `chunks`: the server gave no usage, so chunks were counted, which may hold several tokens each. */
  tokensFrom: 'usage' | 'chunks';
  /** Output tokens a second while decoding: 1000 ÷ TPOT. */
  tokensPerSecond?: number;
};

export function metricsOf(record: RequestRecord): RequestMetrics {
  const { chunks, usage, endMs } = record;
  const outputTokens = usage?.completionTokens ?? chunks.length;
  const metrics: RequestMetrics = {
    e2elMs: endMs,
    itlMs: chunks.slice(1).map(({ atMs }, index) => atMs - (chunks[index]?.atMs ?? atMs)),
    outputTokens,
    tokensFrom: usage === undefined ? 'chunks' : 'usage',
  };
  const first = chunks[0];
  const firstAnswer = chunks.find(({ kind }) => kind !== 'reasoning');
  if (first !== undefined) metrics.ttftMs = first.atMs;
  if (firstAnswer !== undefined) metrics.firstAnswerMs = firstAnswer.atMs;
  if (first !== undefined && outputTokens > 1 && chunks.length > 1) {
    metrics.tpotMs = (endMs - first.atMs) / (outputTokens - 1);
    if (metrics.tpotMs > 0) metrics.tokensPerSecond = 1000 / metrics.tpotMs;
  }
  return metrics;
}

/** Limits a request must keep to be good, as `vllm bench serve --goodput`. */
export type Limits = { ttftMs?: number; tpotMs?: number; e2elMs?: number };

/** Only an answer in full counts, and a figure that a limit needs and the request lacks fails it. */
export function isWithin(record: RequestRecord, limits: Limits): boolean {
  if (record.outcome !== 'ok') return false;
  const metrics = metricsOf(record);
  // One token has no time per output token; vLLM counts it as 0.
  const tpotMs = metrics.tpotMs ?? (metrics.outputTokens <= 1 ? 0 : Number.POSITIVE_INFINITY);
  return (
    (metrics.ttftMs ?? Number.POSITIVE_INFINITY) <= (limits.ttftMs ?? Number.POSITIVE_INFINITY) &&
    tpotMs <= (limits.tpotMs ?? Number.POSITIVE_INFINITY) &&
    metrics.e2elMs <= (limits.e2elMs ?? Number.POSITIVE_INFINITY)
  );
}
