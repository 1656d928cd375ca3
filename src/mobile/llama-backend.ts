/**
 * The `Backend` contract over `llama.rn`: llama.cpp inside an application for Android or iOS. One request at a time: a
 * context of `llama.rn` computes one.
 *
 * Not verified on a phone; see docs/react-native.md.
 */
import type { Backend, BackendHealth, ModelCapabilities, StreamOptions } from '../core/backend.ts';
import type { ContentPart, EmbeddingRequest, EmbeddingResult, GenerationRequest } from '../core/chat.ts';
import { makeError } from '../core/errors.ts';
import { EventQueue } from '../core/event-queue.ts';
import type { FinishReason, StreamEvent } from '../core/events.ts';
import { InOrder, orAborted } from '../core/in-order.ts';
import type { LlamaCompletionParams, LlamaCompletionResult, LlamaContextLike, LlamaToken } from './native-types.ts';

export type LlamaBackendOptions = {
  /** Id of the model in the context, for requests and receipts. */
  model: string;
  /** As given to `initLlama`. */
  contextTokens: number;
  /** Loads the model at the first request, such as `() => initLlama({ model: path, n_ctx: 4096 })`. */
  open(): Promise<LlamaContextLike>;
  /** The context was opened with `embedding: true`. Default false. */
  embeddings?: boolean;
};

const advice = 'Ask the server for it.';

export class LlamaBackend implements Backend {
  readonly id = 'react-native';
  readonly #options: LlamaBackendOptions;
  readonly #turns = new InOrder();
  #context: Promise<LlamaContextLike> | undefined;
  #isLoading = false;
  #disposed = false;

  constructor(options: LlamaBackendOptions) {
    this.#options = options;
  }

  capabilities(): ModelCapabilities[] {
    const { model, contextTokens, embeddings = false } = this.#options;
    return [{ id: model, contextTokens, modalities: ['text'], tools: false, reasoning: false, embeddings }];
  }

  health(): BackendHealth {
    if (this.#disposed) return { status: 'unavailable', reason: 'the engine has ended' };
    return this.#isLoading ? { status: 'loading', reason: `loading ${this.#options.model}` } : { status: 'ready' };
  }

  async *stream(request: GenerationRequest, { signal }: StreamOptions): AsyncGenerator<StreamEvent> {
    signal.throwIfAborted();
    this.#check(request.model);
    const params = completionParams(request, this.#options.model);
    const leave = await this.#turns.enter(signal);
    let isDone: Promise<unknown> = Promise.resolve();
    try {
      const context = await orAborted(this.#open(), signal);
      if (this.#disposed) throw ended();
      yield { type: 'response-start', model: this.#options.model, backend: this.id };
      const run = runCompletion(context, params, request.reasoning.return, signal);
      isDone = run.isDone;
      yield* run.events;
    } finally {
      void isDone.then(leave);
    }
  }

  async embed({ model, inputs }: EmbeddingRequest, { signal }: StreamOptions): Promise<EmbeddingResult> {
    signal.throwIfAborted();
    this.#check(model);
    if (this.#options.embeddings !== true) {
      throw makeError('unsupported_feature', { model, feature: 'embeddings', advice });
    }
    const leave = await this.#turns.enter(signal);
    try {
      const context = await orAborted(this.#open(), signal);
      const vectors: Float32Array[] = [];
      let promptTokens = 0;
      for (const input of inputs) {
        signal.throwIfAborted();
        if (typeof input !== 'string') throw makeError('unsupported_feature', { model, feature: 'token ids', advice });
        vectors.push(unitVector((await context.embedding(input)).embedding));
        promptTokens += (await context.tokenize(input)).tokens.length;
      }
      return { model, vectors, promptTokens };
    } finally {
      leave();
    }
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    const context = this.#context;
    this.#context = undefined;
    const opened = await context?.catch(() => undefined);
    await opened?.stopCompletion();
    await this.#turns.idle;
    await opened?.release();
  }

  #check(model: string): void {
    if (this.#disposed) throw ended();
    const { model: own } = this.#options;
    if (model !== own) throw makeError('model_not_found', { model, available: own }, { param: 'model' });
  }

  /** Once for all that wait; what failed is tried again by the next request. */
  #open(): Promise<LlamaContextLike> {
    this.#context ??= this.#openNow();
    return this.#context;
  }

  async #openNow(): Promise<LlamaContextLike> {
    this.#isLoading = true;
    try {
      return await this.#options.open();
    } catch (error) {
      this.#context = undefined;
      const reason = `${this.#options.model} could not be loaded`;
      throw makeError('engine_unavailable', { reason }, { cause: error, detail: String(error) });
    } finally {
      this.#isLoading = false;
    }
  }
}

function ended(): Error {
  return makeError('engine_unavailable', { reason: 'the engine has ended' });
}

/** @throws `unsupported_modality`, `unsupported_feature` before anything is computed */
function completionParams(request: GenerationRequest, model: string): LlamaCompletionParams {
  const refuse = (feature: string): Error => makeError('unsupported_feature', { model, feature, advice });
  if (request.logprobs !== undefined) throw refuse('log probabilities');
  const { input, sampling, responseFormat } = request;
  const shared: LlamaCompletionParams = {
    n_predict: request.maxTokens ?? -1,
    temperature: sampling.temperature ?? 0.7,
    top_p: sampling.topP ?? 1,
    top_k: sampling.topK ?? 0,
    min_p: sampling.minP ?? 0,
    penalty_repeat: sampling.repeatPenalty ?? 1,
    penalty_freq: sampling.frequencyPenalty ?? 0,
    penalty_present: sampling.presencePenalty ?? 0,
    ...(sampling.seed === undefined ? {} : { seed: sampling.seed }),
    ...(sampling.logitBias === undefined ? {} : { logit_bias: [...sampling.logitBias] }),
    ...(request.stop.length === 0 ? {} : { stop: request.stop }),
  };
  if (input.kind === 'completion') {
    if (typeof input.prompt !== 'string') throw refuse('token ids');
    if (input.echo) throw refuse('echo');
    return { ...shared, prompt: input.prompt };
  }
  if (input.tools.length > 0) throw refuse('tools');
  const messages = input.messages.map((message) => {
    if (message.role === 'tool') throw refuse('tools');
    return { role: message.role, content: textOf(message.content, model) };
  });
  return {
    ...shared,
    messages,
    jinja: true,
    reasoning_format: 'auto',
    ...(request.reasoning.enable === undefined ? {} : { enable_thinking: request.reasoning.enable }),
    ...(responseFormat.type === 'text' ? {} : { response_format: formatOf(responseFormat) }),
  };
}

function formatOf(
  format: Exclude<GenerationRequest['responseFormat'], { type: 'text' }>,
): NonNullable<LlamaCompletionParams['response_format']> {
  if (format.type === 'json-object') return { type: 'json_object' };
  const schema = typeof format.schema === 'boolean' ? {} : format.schema;
  return { type: 'json_schema', json_schema: { strict: format.strict, schema } };
}

function textOf(parts: readonly ContentPart[], model: string): string {
  return parts
    .map((part) => {
      if (part.type === 'text') return part.text;
      throw makeError('unsupported_modality', {
        model,
        modality: part.type === 'image' ? 'pictures' : 'sound',
        advice,
      });
    })
    .join('\n');
}

type Run = { events: AsyncGenerator<StreamEvent>; isDone: Promise<void> };

/** `isDone` resolves when the context is free again: after an abort that is a token later. */
function runCompletion(
  context: LlamaContextLike,
  params: LlamaCompletionParams,
  returnsReasoning: boolean,
  signal: AbortSignal,
): Run {
  const queue = new EventQueue<StreamEvent>();
  let isOver = false;
  let reasoningTokens = 0;
  const pieces = new WholePieces();
  const onToken = ({ token, content, reasoning_content: reasoning }: LlamaToken): void => {
    // Where a template was applied the parsed text is there, all of it so far; a raw prompt gives the token alone.
    const text = content === undefined ? pieces.addToken(token) : pieces.addContent(content);
    const thought = reasoning === undefined ? '' : pieces.addReasoning(reasoning);
    if (thought !== '') {
      reasoningTokens += 1;
      if (returnsReasoning) queue.push({ type: 'reasoning-delta', text: thought });
    }
    if (text !== '') queue.push({ type: 'text-delta', text });
  };
  const work = async (): Promise<void> => {
    try {
      const result = await context.completion(params, onToken);
      for (const event of endOf(result, reasoningTokens, params.n_predict ?? -1)) queue.push(event);
    } catch (error) {
      const reason = error instanceof Error ? error.message.slice(0, 200) : 'it stopped';
      const { code, message, retryable } = makeError('engine_failed', { reason });
      queue.push({ type: 'error', code, message, retryable });
    } finally {
      isOver = true;
      queue.end();
    }
  };
  const onAbort = (): void => void context.stopCompletion();
  signal.addEventListener('abort', onAbort, { once: true });
  const isDone = work();
  async function* events(): AsyncGenerator<StreamEvent> {
    try {
      yield* queue.until(signal);
    } finally {
      signal.removeEventListener('abort', onAbort);
      if (!isOver) void context.stopCompletion();
    }
  }
  return { events: events(), isDone };
}

/** `content` and `reasoning_content` hold everything so far; a character may come in two tokens. */
class WholePieces {
  #content = '';
  #reasoning = '';
  #held = '';

  addContent(content: string): string {
    const fresh = withoutHalf(content.slice(this.#content.length));
    this.#content += fresh;
    return fresh;
  }

  addReasoning(reasoning: string): string {
    const fresh = withoutHalf(reasoning.slice(this.#reasoning.length));
    this.#reasoning += fresh;
    return fresh;
  }

  addToken(token: string): string {
    const all = this.#held + token;
    const whole = withoutHalf(all);
    this.#held = all.slice(whole.length);
    return whole;
  }
}

/** Without the half of a character at its end: a lone surrogate, or the mark of bytes that are no text yet. */
function withoutHalf(text: string): string {
  return text.replace(/[\uD800-\uDBFF\uFFFD]+$/, '');
}

function endOf(result: LlamaCompletionResult, reasoningTokens: number, limit: number): StreamEvent[] {
  const { timings } = result;
  return [
    {
      type: 'usage',
      usage: {
        promptTokens: timings.prompt_n + timings.cache_n,
        cachedTokens: timings.cache_n,
        completionTokens: result.tokens_predicted,
        reasoningTokens,
      },
      timings: { prefillMs: timings.prompt_ms, decodeMs: timings.predicted_ms },
    },
    { type: 'finish', reason: reasonOf(result, limit) },
  ];
}

function reasonOf(result: LlamaCompletionResult, limit: number): FinishReason {
  if (result.stopped_eos) return { unified: 'stop', raw: 'stopped_eos' };
  if (result.stopped_word !== '') return { unified: 'stop', raw: 'stopped_word' };
  if (result.context_full) return { unified: 'length', raw: 'context_full' };
  if (limit >= 0 && result.tokens_predicted >= limit) return { unified: 'length', raw: 'stopped_limit' };
  return { unified: 'stop', raw: result.interrupted ? 'interrupted' : 'stop' };
}

function unitVector(values: readonly number[]): Float32Array {
  const length = Math.hypot(...values);
  return Float32Array.from(values, (value) => (length === 0 ? 0 : value / length));
}
