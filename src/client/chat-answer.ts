/** Chunks of a streamed chat completion → events, and at the end the whole answer. Pure. */
import type { TokenUsage } from '../core/events.ts';
import type { AssistantMessage } from './chat-types.ts';
import { DuanyunClientError, type Route } from './errors.ts';

export type { TokenUsage } from '../core/events.ts';

export type ToolCall = {
  id: string;
  name: string;
  /** JSON, as the model wrote it. */
  arguments: string;
};

/** Natural-log probability of one token. */
export type TokenLogprob = {
  token: string;
  logprob: number;
  bytes: number[] | null;
  top_logprobs: { token: string; logprob: number; bytes: number[] | null }[];
};

/** By the clock of whoever computed it; absent where it does not know. */
export type AnswerTimings = {
  queuedMs?: number;
  prefillMs?: number;
  decodeMs?: number;
  prefillTokensPerSecond?: number;
  decodeTokensPerSecond?: number;
};

/** What was read in pictures and heard in recordings before the answer; `message` and `part` are indices of the request. */
export type ReadContent = {
  pictures: { message: number; part: number; text: string; model: string; given: 'text' | 'picture' }[];
  recordings: {
    message: number;
    part: number;
    text: string;
    model: string;
    language: string;
    /** Seconds. */
    duration: number;
    given: 'text' | 'sound';
  }[];
};

export type ChatAnswer = {
  id: string;
  /** The model that really answered. */
  model: string;
  text: string;
  /** Empty where the model did not reason, or it was not asked for. */
  reasoning: string;
  toolCalls: ToolCall[];
  /** `stop`, `length`, `tool_calls` or `content_filter`. */
  finishReason: string;
  usage?: TokenUsage;
  timings?: AnswerTimings;
  logprobs?: TokenLogprob[];
  read?: ReadContent;
  /** Where and why. Absent where the server did not say, as the gateway of the cloud side does. */
  route?: Route;
  /** To be added to the messages of the next request. */
  message: AssistantMessage;
};

export type ChatEvent =
  /** Comes first. Until it, and never after it, the library may send the request again. */
  | { type: 'start'; id: string; model: string; route?: Route }
  /** The server says why it takes so long. May come several times, before `start` only. */
  | { type: 'waiting'; reason: string }
  | { type: 'read'; read: ReadContent }
  | { type: 'text-delta'; text: string; logprobs?: TokenLogprob[] }
  | { type: 'reasoning-delta'; text: string }
  /** The first delta of a call has `id` and `name`; the later ones add to `arguments`. */
  | { type: 'tool-call-delta'; index: number; id?: string; name?: string; arguments: string }
  /** Comes last, and only after the server said that the answer is complete. */
  | { type: 'finish'; answer: ChatAnswer };

type WireDelta = {
  content?: string | null;
  refusal?: string | null;
  reasoning_content?: string | null;
  reasoning?: string | null;
  tool_calls?:
    | { index?: number; id?: string | null; function?: { name?: string | null; arguments?: string | null } }[]
    | null;
};
type WireChunk = {
  id?: string;
  model?: string;
  choices: {
    index?: number;
    delta?: WireDelta | null;
    logprobs?: { content?: TokenLogprob[] | null } | null;
    finish_reason?: string | null;
  }[];
  usage?: WireUsage | null;
  timings?: Record<string, number>;
  duanyun?: Partial<ReadContent>;
};
export type WireUsage = {
  prompt_tokens?: number;
  completion_tokens?: number;
  prompt_tokens_details?: { cached_tokens?: number } | null;
  completion_tokens_details?: { reasoning_tokens?: number } | null;
};

export class ChatAssembler {
  #start: { id: string; model: string; route?: Route } | undefined;
  #text = '';
  #reasoning = '';
  readonly #toolCalls: ToolCall[] = [];
  readonly #logprobs: TokenLogprob[] = [];
  #usage: TokenUsage | undefined;
  #timings: AnswerTimings | undefined;
  #read: ReadContent | undefined;
  #finishReason: string | undefined;

  /** What has come so far; of an answer that broke off it is all there is. */
  get partial(): { text: string; reasoning: string; toolCalls: ToolCall[] } {
    return { text: this.#text, reasoning: this.#reasoning, toolCalls: this.#toolCalls.map((call) => ({ ...call })) };
  }

  /** @throws `response_invalid` for what is no chunk of a chat completion */
  push(value: unknown, route: Route | undefined): ChatEvent[] {
    const chunk = asChunk(value);
    const events: ChatEvent[] = [];
    if (this.#start === undefined) {
      this.#start = { id: chunk.id ?? '', model: chunk.model ?? '', ...(route === undefined ? {} : { route }) };
      events.push({ type: 'start', ...this.#start });
    }
    if (chunk.duanyun !== undefined) {
      this.#read = { pictures: chunk.duanyun.pictures ?? [], recordings: chunk.duanyun.recordings ?? [] };
      events.push({ type: 'read', read: this.#read });
    }
    if (chunk.usage) this.#usage = usageFrom(chunk.usage);
    if (chunk.timings !== undefined) this.#timings = timingsFrom(chunk.timings);
    const choice = chunk.choices.find(({ index }) => (index ?? 0) === 0);
    if (choice === undefined) return events;
    this.#pushDelta(choice.delta ?? {}, choice.logprobs?.content ?? undefined, events);
    this.#finishReason = choice.finish_reason ?? this.#finishReason;
    return events;
  }

  /** @throws `stream_broken` where the answer has no end */
  finish(): ChatAnswer {
    const start = this.#start;
    const finishReason = this.#finishReason;
    if (start === undefined || finishReason === undefined) {
      throw new DuanyunClientError('stream_broken', 'The answer ended without a reason to finish.', {
        route: start?.route,
      });
    }
    const { text, reasoning, toolCalls } = this.partial;
    return {
      ...start,
      text,
      reasoning,
      toolCalls,
      finishReason,
      ...(this.#usage === undefined ? {} : { usage: this.#usage }),
      ...(this.#timings === undefined ? {} : { timings: this.#timings }),
      ...(this.#logprobs.length === 0 ? {} : { logprobs: this.#logprobs }),
      ...(this.#read === undefined ? {} : { read: this.#read }),
      message: assistantMessage(text, toolCalls),
    };
  }

  #pushDelta(delta: WireDelta, logprobs: TokenLogprob[] | undefined, events: ChatEvent[]): void {
    const reasoning = delta.reasoning_content ?? delta.reasoning ?? '';
    if (reasoning !== '') {
      this.#reasoning += reasoning;
      events.push({ type: 'reasoning-delta', text: reasoning });
    }
    const text = (delta.content ?? '') + (delta.refusal ?? '');
    if (logprobs !== undefined) this.#logprobs.push(...logprobs);
    if (text !== '') {
      this.#text += text;
      events.push({ type: 'text-delta', text, ...(logprobs === undefined ? {} : { logprobs }) });
    }
    for (const call of delta.tool_calls ?? []) {
      const index = call.index ?? 0;
      const known = (this.#toolCalls[index] ??= { id: '', name: '', arguments: '' });
      const id = call.id ?? undefined;
      const name = call.function?.name ?? undefined;
      const more = call.function?.arguments ?? '';
      if (id !== undefined) known.id = id;
      if (name !== undefined) known.name = name;
      known.arguments += more;
      events.push({
        type: 'tool-call-delta',
        index,
        ...(id === undefined ? {} : { id }),
        ...(name === undefined ? {} : { name }),
        arguments: more,
      });
    }
  }
}

function asChunk(value: unknown): WireChunk {
  const chunk = value as Partial<WireChunk> | null;
  if (typeof chunk === 'object' && chunk !== null && Array.isArray(chunk.choices)) return chunk as WireChunk;
  throw new DuanyunClientError('response_invalid', 'The server sent an event that is no part of a chat answer.');
}

/** Reasoning is left out: models are not given their earlier thoughts again. */
function assistantMessage(text: string, toolCalls: ToolCall[]): AssistantMessage {
  if (toolCalls.length === 0) return { role: 'assistant', content: text };
  return {
    role: 'assistant',
    content: text === '' ? null : text,
    tool_calls: toolCalls.map(({ id, name, arguments: given }) => ({
      id,
      type: 'function',
      function: { name, arguments: given },
    })),
  };
}

export function usageFrom(usage: WireUsage): TokenUsage {
  return {
    promptTokens: usage.prompt_tokens ?? 0,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    completionTokens: usage.completion_tokens ?? 0,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens ?? 0,
  };
}

const timingNames = {
  queued_ms: 'queuedMs',
  prefill_ms: 'prefillMs',
  decode_ms: 'decodeMs',
  prefill_tokens_per_second: 'prefillTokensPerSecond',
  decode_tokens_per_second: 'decodeTokensPerSecond',
} as const;

function timingsFrom(wire: Record<string, number>): AnswerTimings {
  const timings: AnswerTimings = {};
  for (const [name, own] of Object.entries(timingNames)) {
    const value = wire[name];
    if (typeof value === 'number') timings[own] = value;
  }
  return timings;
}
