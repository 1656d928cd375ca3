/**
 * The page's own engine: llama.cpp compiled to WebAssembly by `@wllama/wllama`, which runs it in workers of its own. It
 * answers one request at a time: a page has one user, and a second stream would only halve the speed of the first.
 */
import { LoggerWithoutDebug, Wllama, WllamaError } from '@wllama/wllama/esm/index.js';
import type { Backend, BackendHealth, ModelCapabilities, StreamOptions } from '../../../../src/core/backend.ts';
import type { EmbeddingRequest, EmbeddingResult, GenerationRequest } from '../../../../src/core/chat.ts';
import { type DuanyunError, makeError, toDuanyunError } from '../../../../src/core/errors.ts';
import { EventQueue } from '../../../../src/core/event-queue.ts';
import type { StreamEvent } from '../../../../src/core/events.ts';
import { InOrder, orAborted } from '../../../../src/core/in-order.ts';
import { ChunkReader, type EngineChunk } from './chunk-reader.ts';
import { pageContextTokens } from './memory-need.ts';
import type { PageModel } from './page-model.ts';
import { type EngineCall, engineCall } from './request-body.ts';

export type WllamaBackendOptions = {
  /** Address of `wllama.wasm`. */
  wasmUrl: string;
  /** More than one needs a page that is isolated from others. */
  threads: number;
  /** Opens the checked file of a model. @throws DuanyunError */
  openWeights(model: PageModel): Promise<Blob>;
  /** Called after each change of `health()`. */
  onChange?(): void;
};

/** `lost` rejects when the engine's own worker has ended by an error: the library only logs that. */
type Loaded = { model: PageModel; wllama: Wllama; contextTokens: number; lost: Promise<never> };

/** Prompt tokens a step: an abort waits for the end of a step. */
const stepTokens = 32;

export class WllamaBackend implements Backend {
  readonly id = 'page';
  readonly #options: WllamaBackendOptions;
  #model: PageModel | undefined;
  #loaded: Promise<Loaded> | undefined;
  #loadedModel: PageModel | undefined;
  #isLoading = false;
  #failure: DuanyunError | undefined;
  #disposed = false;
  /** The engine that is in memory. */
  #running: Wllama | undefined;
  readonly #turns = new InOrder();

  constructor(options: WllamaBackendOptions) {
    this.#options = options;
  }

  /** The model that answers; it is loaded by the first request. `undefined`: none, and the one before is unloaded. */
  async use(model: PageModel | undefined): Promise<void> {
    if (model?.id === this.#model?.id) return;
    this.#model = model;
    this.#failure = undefined;
    this.#options.onChange?.();
    await this.unload();
  }

  /** Gives the memory back after the running answer; the next request loads again. */
  async unload(): Promise<void> {
    await this.#turns.idle;
    const loaded = this.#loaded;
    this.#loaded = undefined;
    this.#loadedModel = undefined;
    await (await loaded?.catch(() => undefined))?.wllama.exit();
    this.#options.onChange?.();
  }

  /** The model whose weights are in memory. */
  get loadedModel(): PageModel | undefined {
    return this.#loadedModel;
  }

  capabilities(): ModelCapabilities[] {
    const model = this.#model;
    if (model === undefined) return [];
    return [
      {
        id: model.id,
        contextTokens: Math.min(model.contextTokens, pageContextTokens),
        modalities: ['text'],
        tools: false,
        reasoning: false,
        embeddings: false,
        weights: { files: [{ name: model.displayName, sizeBytes: model.sizeBytes }] },
      },
    ];
  }

  health(): BackendHealth {
    if (this.#disposed) return { status: 'unavailable', reason: 'the engine of the page has ended' };
    if (this.#model === undefined) return { status: 'unavailable', reason: 'no model is chosen in this page' };
    if (this.#failure !== undefined) return { status: 'unavailable', reason: this.#failure.message };
    return this.#isLoading ? { status: 'loading', reason: `loading ${this.#model.displayName}` } : { status: 'ready' };
  }

  async *stream(request: GenerationRequest, { signal }: StreamOptions): AsyncGenerator<StreamEvent> {
    signal.throwIfAborted();
    const model = this.#named(request.model);
    const call = engineCall(request, model);
    const leave = await this.#turns.enter(signal);
    let isDone: Promise<void> = Promise.resolve();
    try {
      const loaded = await orAborted(this.#load(model), signal);
      yield { type: 'response-start', model: model.id, backend: this.id };
      const reader = new ChunkReader(request.reasoning.return);
      const run = this.#run(loaded, call, reader, signal);
      isDone = run.isDone;
      yield* run.events;
    } finally {
      // The place is free when the engine has let go of the request, which after an abort takes the rest of a step.
      void isDone.then(leave);
    }
  }

  embed({ model }: EmbeddingRequest, { signal }: StreamOptions): Promise<EmbeddingResult> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    const advice = 'Ask the server for embeddings.';
    return Promise.reject(makeError('unsupported_feature', { model, feature: 'embeddings', advice }));
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    const loaded = this.#loaded;
    this.#loaded = undefined;
    this.#loadedModel = undefined;
    await (await loaded?.catch(() => undefined))?.wllama.exit();
  }

  #named(name: string): PageModel {
    if (this.#disposed) throw makeError('engine_unavailable', { reason: 'the engine of the page has ended' });
    const model = this.#model;
    if (model === undefined) throw makeError('engine_unavailable', { reason: 'no model is chosen in this page' });
    if (name !== model.id) throw makeError('model_not_found', { model: name, available: model.id }, { param: 'model' });
    return model;
  }

  /** Loads once for all that wait. What failed is tried again by the next request. */
  #load(model: PageModel): Promise<Loaded> {
    if (this.#loaded !== undefined && this.#loadedModel?.id === model.id) return this.#loaded;
    this.#loadedModel = model;
    this.#loaded = this.#loadNow(model);
    return this.#loaded;
  }

  async #loadNow(model: PageModel): Promise<Loaded> {
    this.#isLoading = true;
    this.#failure = undefined;
    this.#options.onChange?.();
    const { wasmUrl, threads } = this.#options;
    this.#running = undefined;
    const { logger, lost } = watchingLogger();
    const wllama = new Wllama({ default: wasmUrl }, { suppressNativeLog: true, logger });
    // The other build would come from somebody else's server.
    wllama.setCompat(null);
    try {
      const weights = await this.#options.openWeights(model);
      const contextTokens = Math.min(model.contextTokens, pageContextTokens);
      const isLoaded = wllama.loadModel([weights], {
        n_ctx: contextTokens,
        n_batch: stepTokens,
        n_ubatch: stepTokens,
        n_threads: threads,
        n_parallel: 1,
        ...('gpu' in navigator && navigator.gpu !== undefined ? {} : { n_gpu_layers: 0 }),
      });
      await Promise.race([isLoaded, lost]);
      // The library does not throw for a file that llama.cpp refuses.
      if (!(wllama.getLoadedContextInfo().n_vocab > 0)) throw new Error('the file is no model that llama.cpp loads');
      this.#running = wllama;
      // Also when nothing runs: the next request starts another.
      lost.catch(() => this.#drop(wllama));
      return { model, wllama, contextTokens, lost };
    } catch (error) {
      await ended(wllama);
      this.#loaded = undefined;
      this.#loadedModel = undefined;
      throw loadError(error, model);
    } finally {
      this.#isLoading = false;
      this.#options.onChange?.();
    }
  }

  /** `isDone` resolves when the engine has nothing of the request any more. */
  #run(
    loaded: Loaded,
    call: EngineCall,
    reader: ChunkReader,
    signal: AbortSignal,
  ): { events: AsyncGenerator<StreamEvent>; isDone: Promise<void> } {
    const queue = new EventQueue<StreamEvent>();
    const stop = new AbortController();
    const onData = (chunk: EngineChunk): void => {
      for (const event of reader.read(chunk)) queue.push(event);
    };
    const shared = { stream: true as const, onData, abortSignal: stop.signal, stream_options: { include_usage: true } };
    const work = async (): Promise<void> => {
      try {
        const isComplete =
          call.kind === 'chat'
            ? loaded.wllama.createChatCompletion({ ...call.params, ...shared })
            : loaded.wllama.createCompletion({ ...call.params, ...shared });
        await Promise.race([isComplete, loaded.lost]);
        for (const event of reader.end()) queue.push(event);
      } catch (error) {
        if (!stop.signal.aborted) queue.push(await this.#broken(error, loaded));
      } finally {
        queue.end();
      }
    };
    const isDone = work();
    async function* events(): AsyncGenerator<StreamEvent> {
      try {
        yield* queue.until(signal);
      } finally {
        stop.abort();
      }
    }
    return { events: events(), isDone };
  }

  /** A refusal of the request leaves the engine as it is; anything else has ended it, and the next request starts another. */
  async #broken(error: unknown, { model, wllama, contextTokens }: Loaded): Promise<StreamEvent> {
    const said = error instanceof Error ? error.message : String(error);
    const tokens = /(\d+) tokens/.exec(said)?.[1];
    if (error instanceof WllamaError && /context/i.test(said)) {
      return errorEvent(
        makeError('context_length_exceeded', {
          promptTokens: tokens ?? `more than ${contextTokens}`,
          model: model.id,
          contextTokens,
        }),
      );
    }
    if (error instanceof WllamaError && error.type === 'inference_error') {
      return errorEvent(makeError('engine_failed', { reason: said.slice(0, 200) }));
    }
    await this.#drop(wllama);
    return errorEvent(makeError('engine_crashed', {}, { detail: said }));
  }

  async #drop(wllama: Wllama): Promise<void> {
    if (this.#running !== wllama) return;
    this.#running = undefined;
    this.#loaded = undefined;
    this.#loadedModel = undefined;
    await ended(wllama);
    this.#options.onChange?.();
  }
}

/** The library speaks through the console; a page's console is for its own errors. What breaks its worker it says nowhere else. */
function watchingLogger(): { logger: typeof LoggerWithoutDebug; lost: Promise<never> } {
  let lose: (reason: Error) => void = () => {};
  const lost = new Promise<never>((_, reject) => {
    lose = reject;
  });
  // Nobody may be waiting when it happens.
  lost.catch(() => {});
  const error = (said: unknown): void => {
    if (said instanceof Event && said.type === 'error') {
      lose(new Error(said instanceof ErrorEvent ? said.message : 'the worker ended'));
    }
  };
  return { logger: { ...LoggerWithoutDebug, log: () => {}, warn: () => {}, error }, lost };
}

/** Also one that has broken: what it throws then says nothing new. */
async function ended(wllama: Wllama): Promise<void> {
  try {
    await wllama.exit();
  } catch {
    // It was ended already.
  }
}

function errorEvent({ code, message, retryable }: DuanyunError): StreamEvent {
  return { type: 'error', code, message, retryable };
}

function loadError(error: unknown, model: PageModel): DuanyunError {
  const said = error instanceof Error ? error.message : String(error);
  if (/memory|allocate|\bOOM\b/i.test(said)) {
    const reason = 'the browser gave it too little memory; close other tabs, or choose a smaller model';
    return makeError(
      'engine_unavailable',
      { reason: `${model.displayName} could not be loaded: ${reason}` },
      { detail: said },
    );
  }
  const own = toDuanyunError(error);
  if (own.code !== 'internal') return own;
  return makeError('engine_unavailable', { reason: `${model.displayName} could not be loaded` }, { detail: said });
}
