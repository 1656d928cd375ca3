/** The on-device engine as a `Backend`. */
import { adapterModelId, adapterPrefix, type Adapter, type DeviceAdapters } from '../core/adapters.ts';
import type { Backend, BackendHealth, ModelCapabilities, StreamOptions } from '../core/backend.ts';
import type { EmbeddingRequest, EmbeddingResult, GenerationRequest } from '../core/chat.ts';
import { DuanyunError, makeError } from '../core/errors.ts';
import type { StreamEvent } from '../core/events.ts';
import type { ManagedModule, ModuleName, ModuleUse } from '../core/modules.ts';
import type { DecodedPicture, PictureDecoder } from '../core/perception.ts';
import { EventQueue } from '../core/event-queue.ts';
import { EngineProcess, type EngineProcessOptions } from './host/engine-process.ts';
import type { AdapterUse, EngineInfo } from './host/messages.ts';
import { fromWireError } from './host/wire-error.ts';
import { LanguageProcessModule } from './modules/language-process-module.ts';
import { VisionProcessModule } from './modules/vision-process-module.ts';
import { PictureIntake } from './modules/vision/picture-intake.ts';

/** A request that comes while the model loads waits this long, then gets `engine_unavailable`. */
const loadWaitMs = 60_000;
const defaultPictureCacheBytes = 256 * 1024 * 1024;

export type EngineBackendOptions = EngineProcessOptions & {
  /** Loads what a request needs and keeps it meanwhile. Absent: the process is started by hand and stays. */
  modules?: ModuleUse;
  /** Estimate of all that the language model takes, in bytes. */
  neededBytes?: number;
  /** Reads picture files. Without it the device reads no pictures, whatever its model can. */
  decoder?: PictureDecoder;
  /** Estimate of what the projector takes, in bytes. */
  visionNeededBytes?: number;
  /** Adapters that requests may name. Default none. */
  adapters?: DeviceAdapters;
  /** Idle time alone does not unload the language model. Default true. */
  languageStaysLoaded?: boolean;
};

export class EngineBackend implements Backend {
  readonly id = 'device';
  readonly #process: EngineProcess;
  readonly #options: EngineBackendOptions;
  readonly #language: LanguageProcessModule;
  readonly #vision: VisionProcessModule;
  readonly #pictures: PictureIntake;

  constructor(options: EngineBackendOptions) {
    this.#options = options;
    this.#process = new EngineProcess({ ...options, onLifeChange: (change) => this.#language.report(change) });
    this.#language = new LanguageProcessModule(this.#process, {
      modelId: options.engine.entry.id,
      neededBytes: options.neededBytes ?? 0,
      staysLoaded: options.languageStaysLoaded ?? true,
    });
    const { entry, projectorPath, threads, pictureCacheBytes = defaultPictureCacheBytes } = options.engine;
    this.#vision = new VisionProcessModule(this.#process, {
      modelId: entry.id,
      projectorPath,
      neededBytes: options.visionNeededBytes ?? 0,
      threads,
      cacheBytes: pictureCacheBytes,
    });
    this.#pictures = new PictureIntake(options.engine, options.decoder);
  }

  /** What of it the module manager looks after. */
  managedModules(): ManagedModule[] {
    return [this.#language, this.#vision];
  }

  /** Loads the model; resolves when it can answer. Throws `model_too_large`, `model_file_invalid`, `engine_unavailable`. */
  async start(signal: AbortSignal): Promise<void> {
    const { modules } = this.#options;
    if (modules === undefined) await this.#process.start(signal);
    else (await modules.hold('language', signal))();
  }

  /** Known once the model is loaded. */
  get info(): EngineInfo | undefined {
    return this.#process.info;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  capabilities(): ModelCapabilities[] {
    const { entry, contextTokens } = this.#options.engine;
    const own: ModelCapabilities = {
      id: entry.id,
      contextTokens: this.info?.contextTokens ?? contextTokens,
      modalities: this.#pictures.canRead ? ['text', 'image'] : ['text'],
      tools: entry.tools,
      reasoning: entry.reasoning !== 'none',
      embeddings: true,
      weights: {
        files: entry.files.map(({ name, sizeBytes }) => ({ name, sizeBytes })),
        ...(this.info === undefined ? {} : { loadMs: Math.round(this.info.loadMs) }),
      },
    };
    return [own, ...(this.#options.adapters?.usable() ?? []).map((adapter) => withAdapter(own, adapter))];
  }

  health(): BackendHealth {
    return this.#process.health();
  }

  async *stream(request: GenerationRequest, { signal }: StreamOptions): AsyncGenerator<StreamEvent> {
    const adapter = await this.#adapterOf(request.model);
    try {
      yield* this.#streamOnce(request, adapter, signal);
    } catch (error) {
      if (!isCrash(error) || signal.aborted) throw error;
      // The process died before it said anything to this request. Once more, with the next process; a request that
      // kills that one too is not tried again.
      yield* this.#streamOnce(request, adapter, signal);
    }
  }

  async *#streamOnce(
    request: GenerationRequest,
    adapter: Adapter | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<StreamEvent> {
    // Decoded before anything is loaded: a picture that is none should not cost a load.
    const { stripped, pictures } = await this.#pictures.take(request, signal);
    const release = await this.#hold(pictures.length === 0 ? 'language' : 'vision', signal);
    try {
      yield* this.#streamLoaded(stripped, pictures, adapter, signal);
    } finally {
      release();
    }
  }

  async *#streamLoaded(
    request: GenerationRequest,
    pictures: DecodedPicture[],
    adapter: Adapter | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<StreamEvent> {
    const queue = new EventQueue<StreamEvent>();
    let started = false;
    this.#process.listen(request.id, {
      onMessage: (message) => {
        if (message.type === 'refused') queue.end(fromWireError(message.error));
        else if (message.type === 'events') for (const { event } of message.items) queue.push(event);
      },
      onLost: (error) => {
        if (started) queue.push(errorEvent(error));
        queue.end(started ? undefined : error);
      },
    });
    const onAbort = () => queue.end(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    let finished = false;
    try {
      this.#process.send({
        type: 'generate',
        request,
        ...(pictures.length === 0 ? {} : { pictures }),
        ...(adapter === undefined ? {} : { adapter: useOf(adapter) }),
      });
      for (;;) {
        const event = await queue.next();
        if (event === undefined) break;
        started = true;
        finished = event.type === 'finish' || event.type === 'error';
        yield event;
        if (finished) break;
      }
      signal.throwIfAborted();
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#process.unlisten(request.id);
      if (!finished) this.#cancel(request.id);
    }
  }

  async embed(request: EmbeddingRequest, { signal }: StreamOptions): Promise<EmbeddingResult> {
    if ((await this.#adapterOf(request.model)) !== undefined) {
      const advice = `Ask ${this.#options.engine.entry.id} itself for embeddings.`;
      throw makeError('unsupported_feature', { model: request.model, feature: 'embeddings', advice });
    }
    const release = await this.#hold('language', signal);
    try {
      return await new Promise<EmbeddingResult>((resolve, reject) => {
        this.#process.listen(request.id, {
          onMessage: (message) => {
            if (message.type === 'embedded') resolve(message.result);
            else if (message.type === 'refused') reject(fromWireError(message.error));
          },
          onLost: reject,
        });
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        this.#process.send({ type: 'embed', request });
      });
    } finally {
      this.#process.unlisten(request.id);
      if (signal.aborted) this.#cancel(request.id);
      release();
    }
  }

  dispose(): Promise<void> {
    return this.#process.dispose();
  }

  /** Throws `model_not_found`, `adapter_mismatch`, `adapter_invalid`. */
  async #adapterOf(model: string): Promise<Adapter | undefined> {
    const { id } = this.#options.engine.entry;
    if (model === id) return undefined;
    const { adapters } = this.#options;
    if (adapters !== undefined && model.startsWith(adapterPrefix)) {
      return adapters.require(model.slice(adapterPrefix.length));
    }
    throw makeError('model_not_found', { model, available: id }, { param: 'model' });
  }

  #cancel(id: string): void {
    if (this.#process.isReady) this.#process.send({ type: 'cancel', id });
  }

  /** Resolves when the module can be used; call the result when it no longer is. */
  async #hold(name: ModuleName, signal: AbortSignal): Promise<() => void> {
    const held = this.#holdAtLast(name, signal);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), loadWaitMs);
    });
    try {
      const release = await Promise.race([held, late]);
      if (release !== 'late') return release;
    } finally {
      clearTimeout(timer);
    }
    // The load goes on for those who come later.
    held.then(
      (release) => release(),
      () => {},
    );
    throw makeError('engine_unavailable', { reason: 'the model is still loading' }, { retryAfterSeconds: 10 });
  }

  async #holdAtLast(name: ModuleName, signal: AbortSignal): Promise<() => void> {
    const { modules } = this.#options;
    if (modules !== undefined) return modules.hold(name, signal);
    await this.#process.whenReady(signal);
    if (name === 'vision' && this.#vision.residentBytes() === 0) await this.#vision.load(signal);
    return () => {};
  }
}

/** A model with an adapter is a model of its own in lists and requests. */
function withAdapter(own: ModelCapabilities, adapter: Adapter): ModelCapabilities {
  const files = [...(own.weights?.files ?? []), { name: `${adapter.name}.gguf`, sizeBytes: adapter.sizeBytes }];
  return { ...own, id: adapterModelId(adapter.name), embeddings: false, weights: { ...own.weights, files } };
}

function useOf({ name, path, sha256 }: Adapter): AdapterUse {
  return { name, path, sha256 };
}

function isCrash(error: unknown): boolean {
  return error instanceof DuanyunError && error.code === 'engine_crashed';
}

function errorEvent(error: DuanyunError): StreamEvent {
  return { type: 'error', code: error.code, message: error.message, retryable: error.retryable };
}
