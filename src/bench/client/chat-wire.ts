/** What the load client reads of an answer: lenient, because any OpenAI-compatible server may be measured. */
import { z } from 'zod';

const timingSchema = z.looseObject({
  queued_ms: z.number().optional(),
  prefill_ms: z.number().optional(),
  decode_ms: z.number().optional(),
});
const usageSchema = z.looseObject({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  prompt_tokens_details: z.looseObject({ cached_tokens: z.int().nullish() }).nullish(),
  completion_tokens_details: z.looseObject({ reasoning_tokens: z.int().nullish() }).nullish(),
});
const saidSchema = z.looseObject({
  content: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  reasoning: z.string().nullish(),
  tool_calls: z.array(z.unknown()).nullish(),
});
const bodySchema = z.looseObject({
  model: z.string().optional(),
  choices: z
    .array(
      z.looseObject({
        delta: saidSchema.nullish(),
        message: saidSchema.nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: usageSchema.nullish().catch(undefined),
  timings: timingSchema.nullish().catch(undefined),
  error: z.unknown().optional(),
});

export type WirePiece = {
  model?: string;
  text: string;
  /** What a person would see arrive; absent for a piece that only opens or closes the answer. */
  kind?: 'text' | 'reasoning' | 'tool-call';
  finishReason?: string;
  usage?: { promptTokens: number; completionTokens: number; cachedTokens?: number; reasoningTokens?: number };
  serverTimings?: { queuedMs?: number; prefillMs?: number; decodeMs?: number };
  error?: string;
};

/** One chunk or one whole body. Throws a SyntaxError for text that is no JSON object. */
export function readWirePiece(json: string): WirePiece {
  const parsed = bodySchema.safeParse(JSON.parse(json));
  if (!parsed.success) throw new SyntaxError('the answer has an unknown form');
  const { model, choices, usage, timings, error } = parsed.data;
  const choice = choices?.[0];
  const said = choice?.delta ?? choice?.message;
  const text = said?.content ?? '';
  const reasoning = said?.reasoning_content ?? said?.reasoning ?? '';
  const hasCalls = (said?.tool_calls?.length ?? 0) > 0;
  const kind = text !== '' ? 'text' : hasCalls ? 'tool-call' : reasoning !== '' ? 'reasoning' : undefined;
  const cachedTokens = usage?.prompt_tokens_details?.cached_tokens;
  const reasoningTokens = usage?.completion_tokens_details?.reasoning_tokens;
  return {
    text,
    ...(kind === undefined ? {} : { kind }),
    ...(model === undefined ? {} : { model }),
    ...(typeof choice?.finish_reason !== 'string' ? {} : { finishReason: choice.finish_reason }),
    ...(!usage
      ? {}
      : {
          usage: {
            promptTokens: usage.prompt_tokens,
            completionTokens: usage.completion_tokens,
            ...(typeof cachedTokens !== 'number' ? {} : { cachedTokens }),
            ...(typeof reasoningTokens !== 'number' ? {} : { reasoningTokens }),
          },
        }),
    ...(!timings
      ? {}
      : {
          serverTimings: {
            ...(timings.queued_ms === undefined ? {} : { queuedMs: timings.queued_ms }),
            ...(timings.prefill_ms === undefined ? {} : { prefillMs: timings.prefill_ms }),
            ...(timings.decode_ms === undefined ? {} : { decodeMs: timings.decode_ms }),
          },
        }),
    ...(error === undefined || error === null ? {} : { error: JSON.stringify(error).slice(0, 300) }),
  };
}
