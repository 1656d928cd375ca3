/** The chunks of an OpenAI-compatible stream as core events. Lenient in what servers add, strict in what ends an answer. */
import * as z from 'zod';
import type { FinishReason, StreamEvent, TokenLogprob, TokenUsage } from '../core/events.ts';
import { UpstreamFault } from './upstream-fault.ts';
import { WholeCharacters } from './whole-characters.ts';

const text = z.string().nullish();
const logprob = z.object({
  token: z.string(),
  logprob: z.number().nullish(),
  bytes: z.array(z.number()).nullish(),
});
const delta = z.object({
  content: text,
  /** vLLM before 0.11 and DeepSeek. */
  reasoning_content: text,
  /** vLLM since 0.11 and OpenRouter. */
  reasoning: text,
  refusal: text,
  tool_calls: z
    .array(
      z.object({
        index: z.number().nullish(),
        id: text,
        function: z.object({ name: text, arguments: text }).nullish(),
      }),
    )
    .nullish(),
});
const chunkSchema = z.object({
  model: text,
  error: z.unknown().optional(),
  object: text,
  choices: z
    .array(
      z.object({
        index: z.number().nullish(),
        delta: delta.nullish(),
        text,
        finish_reason: text,
        logprobs: z
          .object({ content: z.array(logprob.extend({ top_logprobs: z.array(logprob).nullish() })).nullish() })
          .nullish(),
      }),
    )
    .nullish(),
  usage: z
    .object({
      prompt_tokens: z.number().nullish(),
      completion_tokens: z.number().nullish(),
      prompt_tokens_details: z.object({ cached_tokens: z.number().nullish() }).nullish(),
      completion_tokens_details: z.object({ reasoning_tokens: z.number().nullish() }).nullish(),
    })
    .nullish(),
});
type Chunk = z.output<typeof chunkSchema>;
type Choice = NonNullable<Chunk['choices']>[number];

export type AnswerReaderOptions = {
  /** Whether the client wants `reasoning-delta`. */
  returnReasoning: boolean;
  /** For a server that sends no usage. */
  estimatedPromptTokens: number;
};

export class AnswerReader {
  readonly #options: AnswerReaderOptions;
  /** As the upstream names it; may differ from what was asked. */
  model: string | undefined;
  /** Deltas so far, hidden reasoning included: what a client would see as progress. */
  deltas = 0;
  #reason: FinishReason | undefined;
  #usage: Chunk['usage'];
  #reasoningDeltas = 0;
  #text = new WholeCharacters();
  #reasoning = new WholeCharacters();
  #calls = new Map<number, WholeCharacters>();

  constructor(options: AnswerReaderOptions) {
    this.#options = options;
  }

  /** @throws UpstreamFault for what is no chunk, and for an error that the upstream sent in its stream */
  push(data: string): StreamEvent[] {
    let json: unknown;
    try {
      json = JSON.parse(data);
    } catch (cause) {
      throw new UpstreamFault('garbage', 'the upstream sent something that is no JSON', { cause });
    }
    const parsed = chunkSchema.safeParse(json);
    if (!parsed.success) {
      throw new UpstreamFault('garbage', 'the upstream sent an event of another form', { cause: parsed.error });
    }
    const chunk = parsed.data;
    if ((chunk.error !== undefined && chunk.error !== null) || chunk.object === 'error') {
      throw new UpstreamFault('upstream-error', 'the upstream reported an error in its answer');
    }
    if (typeof chunk.model === 'string' && chunk.model !== '') this.model ??= chunk.model;
    if (chunk.usage !== null && chunk.usage !== undefined) this.#usage = chunk.usage;
    const choice = chunk.choices?.find(({ index }) => (index ?? 0) === 0);
    return choice === undefined ? [] : this.#choice(choice);
  }

  /**
   * The end of the stream: usage, then finish. Without a finish reason the answer was cut, whatever else was said; with
   * one it is whole, also where a server forgets `[DONE]`.
   *
   * @throws UpstreamFault
   */
  end(): StreamEvent[] {
    if (this.#reason === undefined) throw new UpstreamFault('half-stream', 'the answer broke off before its end');
    return [
      { type: 'usage', usage: this.#tokenUsage(), timings: {} },
      { type: 'finish', reason: this.#reason },
    ];
  }

  #choice(choice: Choice): StreamEvent[] {
    const events: StreamEvent[] = [];
    const hidden = choice.delta?.reasoning_content || choice.delta?.reasoning || '';
    if (hidden !== '') {
      this.deltas++;
      this.#reasoningDeltas++;
      const shown = this.#reasoning.take(hidden);
      if (this.#options.returnReasoning && shown !== '') events.push({ type: 'reasoning-delta', text: shown });
    }
    const content = choice.delta?.content || choice.delta?.refusal || choice.text || '';
    if (content !== '') {
      this.deltas++;
      const shown = this.#text.take(content);
      const logprobs = (choice.logprobs?.content ?? []).map(toLogprob);
      if (shown !== '') events.push({ type: 'text-delta', text: shown, ...(logprobs.length > 0 ? { logprobs } : {}) });
    }
    for (const call of choice.delta?.tool_calls ?? []) {
      this.deltas++;
      const index = call.index ?? 0;
      const known = this.#calls.get(index);
      const whole = known ?? new WholeCharacters();
      this.#calls.set(index, whole);
      const part = whole.take(call.function?.arguments ?? '');
      if (known !== undefined) {
        if (part !== '') events.push({ type: 'tool-call-delta', index, arguments: part });
        continue;
      }
      const id = call.id || `call_${index}`;
      events.push({ type: 'tool-call-delta', index, id, name: call.function?.name ?? '', arguments: part });
    }
    const raw = choice.finish_reason;
    if (typeof raw === 'string' && raw !== '') this.#reason = toReason(raw);
    return events;
  }

  #tokenUsage(): TokenUsage {
    const usage = this.#usage;
    return {
      promptTokens: usage?.prompt_tokens ?? this.#options.estimatedPromptTokens,
      cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
      // One delta is one token in vLLM's stream; only a server without usage is counted so.
      completionTokens: usage?.completion_tokens ?? this.deltas,
      reasoningTokens: usage?.completion_tokens_details?.reasoning_tokens ?? this.#reasoningDeltas,
    };
  }
}

/** @throws UpstreamFault for reasons that mean the answer is not whole */
function toReason(raw: string): FinishReason {
  switch (raw) {
    case 'length':
      return { unified: 'length', raw };
    case 'tool_calls':
    case 'function_call':
      return { unified: 'tool-calls', raw };
    case 'content_filter':
      return { unified: 'content-filter', raw };
    case 'abort':
    case 'error':
      throw new UpstreamFault('half-stream', 'the upstream gave the answer up');
    default:
      return { unified: 'stop', raw };
  }
}

function toLogprob(
  entry: z.output<typeof logprob> & { top_logprobs?: z.output<typeof logprob>[] | null | undefined },
): TokenLogprob {
  return { ...toToken(entry), top: (entry.top_logprobs ?? []).map(toToken) };
}

function toToken(entry: z.output<typeof logprob>): { token: string; bytes: number[]; logprob: number } {
  // JSON has no −∞; vLLM writes null or −9999 for it.
  return {
    token: entry.token,
    bytes: entry.bytes ?? [...Buffer.from(entry.token)],
    logprob: entry.logprob ?? -9999,
  };
}
