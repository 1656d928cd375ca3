/** From the engine's chunks to events, in the order that `StreamEvent` promises. */
import type { FinishReason, StreamEvent } from '../../../../src/core/events.ts';

/** Chunks of chats and of raw completions, as far as they are read here. */
export type EngineChunk = {
  choices?: readonly {
    delta?: { content?: string | null; reasoning_content?: string | null };
    text?: string;
    finish_reason?: string | null;
  }[];
  usage?: {
    prompt_tokens: number;
    completion_tokens: number;
    prompt_tokens_details?: { cached_tokens: number };
  } | null;
  timings?: { prompt_ms: number; predicted_ms: number; predicted_n: number; prompt_n: number; cache_n?: number };
};

export class ChunkReader {
  readonly #returnsReasoning: boolean;
  #reason: FinishReason | undefined;
  #usage: EngineChunk['usage'];
  #timings: EngineChunk['timings'];
  #pieces = 0;
  #reasoningPieces = 0;

  constructor(returnsReasoning: boolean) {
    this.#returnsReasoning = returnsReasoning;
  }

  read(chunk: EngineChunk): StreamEvent[] {
    const events: StreamEvent[] = [];
    const [choice] = chunk.choices ?? [];
    const reasoning = choice?.delta?.reasoning_content ?? '';
    const text = choice?.delta?.content ?? choice?.text ?? '';
    if (reasoning !== '') {
      this.#reasoningPieces += 1;
      if (this.#returnsReasoning) events.push({ type: 'reasoning-delta', text: reasoning });
    }
    if (text !== '') {
      this.#pieces += 1;
      events.push({ type: 'text-delta', text });
    }
    const raw = choice?.finish_reason;
    if (typeof raw === 'string') this.#reason = { unified: raw === 'length' ? 'length' : 'stop', raw };
    this.#usage = chunk.usage ?? this.#usage;
    this.#timings = chunk.timings ?? this.#timings;
    return events;
  }

  /** To be called once, after the last chunk. */
  end(): StreamEvent[] {
    if (this.#reason === undefined) {
      return [
        { type: 'error', code: 'stream_broken', message: 'The answer broke off before its end.', retryable: true },
      ];
    }
    const usage = this.#usage;
    const timings = this.#timings;
    return [
      {
        type: 'usage',
        usage: {
          promptTokens: usage?.prompt_tokens ?? (timings?.prompt_n ?? 0) + (timings?.cache_n ?? 0),
          cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? timings?.cache_n ?? 0,
          completionTokens: usage?.completion_tokens ?? timings?.predicted_n ?? this.#pieces + this.#reasoningPieces,
          reasoningTokens: this.#reasoningPieces,
        },
        timings: timings === undefined ? {} : { prefillMs: timings.prompt_ms, decodeMs: timings.predicted_ms },
      },
      { type: 'finish', reason: this.#reason },
    ];
  }
}
