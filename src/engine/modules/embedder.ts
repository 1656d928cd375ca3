/**
 * Embeddings from a language model: the mean of the last hidden states, scaled to length 1. It has a small context of
 * its own, made on first use and freed when it has been idle.
 */
import type { EmbeddingRequest, EmbeddingResult } from '../../core/chat.ts';
import { makeError } from '../../core/errors.ts';
import { NativeContext, TokenBatch } from '../native/context.ts';
import type { NativeModel } from '../native/model.ts';
import { nextTurn, type Turnstile } from '../scheduler/turnstile.ts';

/** Tokens computed in one turn, so that running answers wait for no longer than this. */
const chunkTokens = 32;
const idleMs = 60_000;

export type EmbedderOptions = {
  model: NativeModel;
  modelId: string;
  threads: number;
  /** Longest input, in tokens. */
  maxTokens: number;
  turnstile: Turnstile;
};

export class Embedder {
  readonly #options: EmbedderOptions;
  readonly #batch = new TokenBatch(chunkTokens);
  readonly #oneAtATime: Turnstile;
  #context: NativeContext | undefined;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(options: EmbedderOptions, oneAtATime: Turnstile) {
    this.#options = options;
    this.#oneAtATime = oneAtATime;
  }

  /** Throws `context_length_exceeded` for an input longer than `maxTokens`, `invalid_request` for an empty one. */
  async embed(request: EmbeddingRequest, isCancelled: () => boolean): Promise<EmbeddingResult> {
    const inputs = request.inputs.map((input, index) => this.#tokensOf(input, index));
    const release = await this.#oneAtATime.enter();
    try {
      clearTimeout(this.#idleTimer);
      const vectors: Float32Array[] = [];
      for (const tokens of inputs) {
        if (isCancelled()) break;
        vectors.push(await this.#embedOne(tokens));
      }
      const promptTokens = inputs.reduce((sum, tokens) => sum + tokens.length, 0);
      return { model: this.#options.modelId, vectors, promptTokens };
    } finally {
      this.#idleTimer = setTimeout(() => this.#free(), idleMs).unref();
      release();
    }
  }

  dispose(): void {
    clearTimeout(this.#idleTimer);
    this.#free();
  }

  #free(): void {
    this.#context?.dispose();
    this.#context = undefined;
  }

  #tokensOf(input: string | number[], index: number): Int32Array {
    const { model, modelId, maxTokens } = this.#options;
    const tokens = typeof input === 'string' ? model.tokenize(input, true, false) : Int32Array.from(input);
    const param = `input[${index}]`;
    if (tokens.length === 0) throw makeError('invalid_request', { reason: `${param} is empty.` }, { param });
    if (tokens.some((token) => token < 0 || token >= model.vocabularySize)) {
      throw makeError('invalid_request', { reason: `${param} holds a token id outside the vocabulary.` }, { param });
    }
    if (tokens.length > maxTokens) {
      const lengths = { promptTokens: tokens.length, model: modelId, contextTokens: maxTokens };
      throw makeError('context_length_exceeded', lengths, { param });
    }
    return tokens;
  }

  async #embedOne(tokens: Int32Array): Promise<Float32Array> {
    const { model, turnstile, threads, maxTokens } = this.#options;
    this.#context ??= NativeContext.create(model, {
      cells: maxTokens,
      batchTokens: chunkTokens,
      maxSequences: 1,
      maxOutputs: chunkTokens,
      threads,
      keyCacheType: 'f16',
      valueCacheType: 'f16',
      flashAttention: 'auto',
      embeddings: true,
    });
    const context = this.#context;
    context.removeSequence(0);
    const sum = new Float64Array(model.embeddingSize);
    for (let start = 0; start < tokens.length; start += chunkTokens) {
      const release = await turnstile.enter();
      try {
        this.#batch.clear();
        const end = Math.min(tokens.length, start + chunkTokens);
        for (let position = start; position < end; position++) {
          this.#batch.add(tokens[position] as number, position, 0, true);
        }
        context.decode(this.#batch);
        for (let output = 0; output < this.#batch.length; output++) add(sum, context.embedding(output));
      } finally {
        release();
      }
      await nextTurn();
    }
    return toUnitLength(sum);
  }
}

function add(sum: Float64Array, vector: Float32Array): void {
  for (let index = 0; index < sum.length; index++) sum[index] = (sum[index] as number) + (vector[index] as number);
}

function toUnitLength(vector: Float64Array): Float32Array {
  const length = Math.hypot(...vector) || 1;
  return Float32Array.from(vector, (value) => value / length);
}
