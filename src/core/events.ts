import type { ErrorCode } from './errors.ts';

/** `raw` is what the model or the upstream really said. */
export type FinishReason = {
  unified: 'stop' | 'length' | 'tool-calls' | 'content-filter';
  raw: string;
};

export type TokenUsage = {
  promptTokens: number;
  /** Prompt tokens that came from the prefix cache. */
  cachedTokens: number;
  /** Everything generated, reasoning included. */
  completionTokens: number;
  reasoningTokens: number;
};

/** Natural-log probability of one token; `bytes` is its exact UTF-8, which may be part of a character. */
export type TokenLogprob = {
  token: string;
  bytes: number[];
  logprob: number;
  top: { token: string; bytes: number[]; logprob: number }[];
};

/** Milliseconds by the engine's own clock; absent where a backend does not know. */
export type GenerationTimings = {
  queuedMs?: number;
  prefillMs?: number;
  decodeMs?: number;
};

/** What the response headers say of the route; the whole receipt is kept by `hybrid`. */
export type ReceiptSummary = { id: string; target: string; reasons: string[] };

/**
 * What was read from pictures and heard in recordings before the answer was written. It is content: it goes to the client
 * who sent them, and never into a receipt or a log. `message` and `part` are indices of the request.
 */
export type ReadContent = {
  pictures: {
    message: number;
    part: number;
    text: string;
    /** Id of the model that read it. */
    model: string;
    /** What the answering model was given: the text in place of the picture, or the picture itself. */
    given: 'text' | 'picture';
  }[];
  recordings: {
    message: number;
    part: number;
    text: string;
    model: string;
    /** ISO 639-1. */
    language: string;
    durationSeconds: number;
    given: 'text' | 'sound';
  }[];
};

/**
 * What a backend says while it answers. Order: `response-start` once, then deltas, then `usage`, then exactly one of
 * `finish` or `error`, and nothing after it. Every string is whole UTF-8: a character is never split over two events.
 */
export type StreamEvent =
  | { type: 'response-start'; model: string; backend: string; receipt?: ReceiptSummary; read?: ReadContent }
  | { type: 'text-delta'; text: string; logprobs?: TokenLogprob[] }
  | { type: 'reasoning-delta'; text: string }
  /** The first delta of a call carries `id` and `name`; the later ones add to `arguments`. */
  | { type: 'tool-call-delta'; index: number; id?: string; name?: string; arguments: string }
  | { type: 'usage'; usage: TokenUsage; timings: GenerationTimings }
  | { type: 'finish'; reason: FinishReason }
  | { type: 'error'; code: ErrorCode; message: string; retryable: boolean };
