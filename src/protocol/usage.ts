import type { GenerationTimings, TokenUsage } from '../core/events.ts';

const noUsage: TokenUsage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 };

/** Adds up the choices of one request; choices of one prompt share its tokens, which count once. */
export function totalUsage(usages: (TokenUsage | undefined)[], choicesPerPrompt: number): TokenUsage {
  const total = { ...noUsage };
  for (const [index, usage] of usages.entries()) {
    if (usage === undefined) continue;
    total.completionTokens += usage.completionTokens;
    total.reasoningTokens += usage.reasoningTokens;
    if (index % choicesPerPrompt !== 0) continue;
    total.promptTokens += usage.promptTokens;
    total.cachedTokens += usage.cachedTokens;
  }
  return total;
}

export function usageBody(usage: TokenUsage): object {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  };
}

/** The `timings` extension: milliseconds by the engine's clock, and the two speeds that follow from them. */
export function timingsBody(usage: TokenUsage, timings: GenerationTimings): object {
  const prefilled = usage.promptTokens - usage.cachedTokens;
  return {
    queued_ms: timings.queuedMs,
    prefill_ms: timings.prefillMs,
    decode_ms: timings.decodeMs,
    prefill_tokens: prefilled,
    prefill_tokens_per_second: perSecond(prefilled, timings.prefillMs),
    decode_tokens: usage.completionTokens,
    decode_tokens_per_second: perSecond(usage.completionTokens, timings.decodeMs),
  };
}

function perSecond(tokens: number, elapsedMs: number | undefined): number | undefined {
  return elapsedMs === undefined || elapsedMs <= 0 ? undefined : Math.round((tokens / elapsedMs) * 100_000) / 100;
}
