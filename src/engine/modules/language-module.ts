/** The language model: from a request to scheduled tokens, and from tokens to events. */
import type { EmbeddingRequest, EmbeddingResult, GenerationRequest } from '../../core/chat.ts';
import { systemClock, type Clock } from '../../core/clock.ts';
import { makeError, toDuanyunError } from '../../core/errors.ts';
import type { FinishReason, StreamEvent } from '../../core/events.ts';
import type { DecodedPicture } from '../../core/perception.ts';
import { adapterModelId } from '../../core/adapters.ts';
import type { CacheBudget } from '../cache/cache-budget.ts';
import type { AdapterUse, EngineInfo, EngineOptions, VisionOptions } from '../host/messages.ts';
import { NativeContext } from '../native/context.ts';
import { loadNative, nativeVersion } from '../native/library.ts';
import { NativeModel } from '../native/model.ts';
import { NativeProjector } from '../native/projector.ts';
import { LoadController, type DeviceLoad } from '../scheduler/controller.ts';
import { Sessions, weightsFingerprint, type SessionNote, type SessionStatistics } from '../sessions/sessions.ts';
import { NativeDraftRunner } from '../scheduler/native-draft-runner.ts';
import { createSampler, NativeStepRunner } from '../scheduler/native-runner.ts';
import { Scheduler, type SchedulerStatistics } from '../scheduler/scheduler.ts';
import { longestDraft, type DraftSource } from '../scheduler/speculation/draft-source.ts';
import { LookupSource } from '../scheduler/speculation/lookup-source.ts';
import { ModelSource } from '../scheduler/speculation/model-source.ts';
import { Turnstile } from '../scheduler/turnstile.ts';
import type { Job, JobOutcome, JobStatistics, KeptSequence, PictureSpan } from '../scheduler/types.ts';
import { AdapterShelf } from './language/adapter-shelf.ts';
import { AnswerText } from './answer-text.ts';
import { budgetOf } from './budget-of.ts';
import { Embedder } from './embedder.ts';
import { PromptBuilder, type BuiltPrompt } from './prompt-builder.ts';
import { SeededLane } from './seeded-lane.ts';
import { PictureEncoder, type EncoderStatistics } from './vision/picture-encoder.ts';
import { PictureNames } from './vision/picture-names.ts';
import { preparePictures } from './vision/prepare-pictures.ts';

/** Tokens in one native batch at most. */
const batchCapacity = 512;
const defaultFirstCells = 2_048;
/** Prefixes kept of finished requests, in tokens: enough for a long system prompt and a few conversations. */
const maxCachedTokens = 2_048;
const embeddingMaxTokens = 2_048;

export type LoadHooks = { clock?: Clock; onSession?: (note: SessionNote) => void };

export type GenerationSink = {
  onEvent(event: StreamEvent): void;
  /** Instead of any event. */
  onRefused: (error: unknown) => void;
};

export class LanguageModule {
  readonly info: EngineInfo;
  readonly #options: EngineOptions;
  readonly #model: NativeModel;
  readonly #context: NativeContext;
  readonly #runner: NativeStepRunner;
  readonly #draftRunner: NativeDraftRunner | undefined;
  readonly #scheduler: Scheduler;
  readonly #embedder: Embedder;
  readonly #prompts: PromptBuilder;
  readonly #seeded: SeededLane;
  readonly #adapters: AdapterShelf;
  readonly #names = new PictureNames();
  /** Requests whose pictures are being encoded, by id. */
  readonly #encoding = new Map<string, AbortController>();
  #vision: PictureEncoder | undefined;
  #sessions: Sessions | undefined;
  readonly #activeEmbeddings = new Set<string>();
  readonly #cancelledEmbeddings = new Set<string>();

  private constructor(
    options: EngineOptions,
    model: NativeModel,
    context: NativeContext,
    draftRunner: NativeDraftRunner | undefined,
    clock: Clock,
    loadMs: number,
  ) {
    this.#draftRunner = draftRunner;
    this.#options = options;
    this.#model = model;
    this.#context = context;
    this.#adapters = new AdapterShelf(model);
    this.#prompts = new PromptBuilder(model, options, this.#names);
    const turnstile = new Turnstile();
    const { maxRunning, threads, targetInterTokenMs, maxQueued, maxQueuedMs, maxCachedSequences } = options;
    this.#runner = new NativeStepRunner(context, maxRunning + maxCachedSequences, batchCapacity, options.cells);
    this.#scheduler = new Scheduler({
      runner: this.#runner,
      controller: new LoadController({ batchCapacity, maxRunning, threads, targetInterTokenMs }),
      clock,
      turnstile,
      maxQueued,
      maxQueuedMs,
      maxCachedSequences,
      maxCachedTokens,
      draftSources: draftSources(options, model, draftRunner, clock),
    });
    this.#seeded = new SeededLane(model, options, clock, turnstile);
    const maxTokens = Math.min(embeddingMaxTokens, options.contextTokens);
    this.#embedder = new Embedder({ model, modelId: options.entry.id, threads, maxTokens, turnstile }, new Turnstile());
    this.info = {
      modelId: options.entry.id,
      contextTokens: options.contextTokens,
      vocabularySize: model.vocabularySize,
      parameters: model.parameters,
      weightsBytes: model.sizeBytes,
      systemInfo: loadNative().systemInfo() as string,
      loadMs,
    };
  }

  /** Reads the weights and allocates the cache. Throws `model_file_invalid`, `engine_failed`, `native_mismatch`, `draft_mismatch`. */
  static async load(
    options: EngineOptions,
    { clock = systemClock, onSession }: LoadHooks = {},
  ): Promise<LanguageModule> {
    const startedAt = clock.now();
    const { weightsPath, gpuLayers, loadMode } = options;
    const model = await NativeModel.load({ path: weightsPath, gpuLayers, loadMode });
    let draftRunner: NativeDraftRunner | undefined;
    try {
      draftRunner = await loadDraft(options, model);
      const contextTokens = Math.min(options.contextTokens, model.trainedContextTokens || options.contextTokens);
      const context = NativeContext.create(model, {
        cells: Math.min(options.firstCells ?? defaultFirstCells, Math.max(options.cells, contextTokens)),
        batchTokens: batchCapacity,
        maxSequences: options.maxRunning + options.maxCachedSequences,
        // One answer alone can have its longest draft checked.
        maxOutputs: options.maxRunning + longestDraft,
        threads: options.threads,
        keyCacheType: options.keyCacheType,
        valueCacheType: options.valueCacheType,
        flashAttention: options.flashAttention,
      });
      const cells = Math.max(options.cells, contextTokens);
      const loadMs = clock.now() - startedAt;
      const module = new LanguageModule(
        { ...options, contextTokens, cells },
        model,
        context,
        draftRunner,
        clock,
        loadMs,
      );
      await module.#openSessions(onSession ?? (() => {}));
      return module;
    } catch (error) {
      draftRunner?.dispose();
      model.dispose();
      throw error;
    }
  }

  async #openSessions(onNote: (note: SessionNote) => void): Promise<void> {
    const { sessions, weightsPath, keyCacheType, valueCacheType, entry } = this.#options;
    if (sessions === undefined) return;
    const form = `${keyCacheType} ${valueCacheType} ${nativeVersion()}`;
    this.#sessions = new Sessions({
      ...sessions,
      model: entry.id,
      fingerprint: await weightsFingerprint(weightsPath, form),
      scheduler: this.#scheduler,
      onNote,
    });
  }

  /**
   * Queues a request. Throws what is wrong with it: `context_length_exceeded`, `invalid_request`, `kv_budget_too_small`,
   * `unsupported_schema`, `schema_too_complex`, `unsupported_modality`, `unsupported_feature`, `queue_full`, `adapter_invalid`.
   */
  generate(request: GenerationRequest, sink: GenerationSink, adapter?: AdapterUse): void {
    this.#submit(request, this.#prompts.build(request), [], sink, adapter);
  }

  /** As `generate`, for a request with a session: what is on the disk of it comes into the cache first. */
  async generateInSession(request: GenerationRequest, sink: GenerationSink, adapter?: AdapterUse): Promise<void> {
    const id = request.cache?.session ?? '';
    if (this.#sessions === undefined) {
      const advice = 'Leave duanyun.session out.';
      throw makeError('unsupported_feature', { model: this.#options.entry.id, feature: 'sessions', advice });
    }
    const prompt = this.#prompts.build(request);
    const budget = this.#budgetOf(request, { ...prompt, spans: [] });
    const taken = adapter === undefined ? undefined : this.#adapters.take(adapter);
    const controller = new AbortController();
    this.#encoding.set(request.id, controller);
    try {
      // Seeded requests are computed in an empty cache of their own.
      if (request.sampling.seed === undefined) {
        await this.#sessions.restore(id, {
          promptTokens: prompt.tokens,
          ...(budget === undefined ? {} : { budget }),
          ...(taken === undefined ? {} : { adapter: taken.adapter }),
        });
      }
      if (!controller.signal.aborted) this.#submit(request, prompt, [], sink, adapter);
    } finally {
      taken?.release();
      this.#encoding.delete(request.id);
    }
  }

  get sessionStatistics(): SessionStatistics {
    return this.#sessions?.statistics ?? { sessionsSaved: 0, sessionsRestored: 0, sessionsFailed: 0 };
  }

  /** As `generate`, for a request with these pictures in its image parts; they are encoded before it is queued. */
  async generateWithPictures(
    request: GenerationRequest,
    pictures: readonly DecodedPicture[],
    sink: GenerationSink,
    adapter?: AdapterUse,
  ): Promise<void> {
    const vision = this.#vision;
    if (vision === undefined) throw makeError('engine_unavailable', { reason: 'the vision module is not loaded' });
    const controller = new AbortController();
    this.#encoding.set(request.id, controller);
    try {
      const prepared = await preparePictures(vision, request, pictures, controller.signal);
      const prompt = this.#prompts.build(request, prepared.measured);
      const uncut = prompt.pictures.find(({ segment }) => !segment.isCausal && segment.count > batchCapacity);
      if (uncut !== undefined) {
        const reason = `a picture takes ${uncut.segment.count} tokens that must be computed at once`;
        throw makeError('engine_failed', { reason });
      }
      const spans = await prepared.encode(prompt.pictures);
      controller.signal.throwIfAborted();
      this.#submit(request, prompt, spans, sink, adapter);
    } catch (error) {
      // Nobody waits for a request that was cancelled.
      if (!controller.signal.aborted) throw error;
    } finally {
      this.#encoding.delete(request.id);
    }
  }

  /** Throws `model_file_invalid`. */
  async loadVision(options: VisionOptions): Promise<void> {
    if (this.#vision !== undefined) return;
    const { projectorPath: path, threads, cacheBytes } = options;
    const projector = await NativeProjector.load(this.#model, { path, threads });
    this.#vision = new PictureEncoder(projector, cacheBytes);
  }

  /** Frees the projector and the encoded pictures. */
  async unloadVision(): Promise<void> {
    const vision = this.#vision;
    this.#vision = undefined;
    await vision?.dispose();
  }

  get visionStatistics(): EncoderStatistics | undefined {
    return this.#vision?.statistics();
  }

  #submit(
    request: GenerationRequest,
    prompt: BuiltPrompt,
    spans: PictureSpan[],
    sink: GenerationSink,
    use: AdapterUse | undefined,
  ): void {
    const taken = use === undefined ? undefined : this.#adapters.take(use);
    const createJob = (context: NativeContext): Job => {
      const model = use === undefined ? this.#options.entry.id : adapterModelId(use.name);
      const job = this.#createJob(request, { ...prompt, spans, model }, sink, context);
      if (taken === undefined) return job;
      return {
        ...job,
        adapter: taken.adapter,
        onDone: (outcome, statistics) => {
          taken.release();
          job.onDone(outcome, statistics);
        },
      };
    };
    try {
      if (request.sampling.seed === undefined) this.#scheduler.submit(createJob(this.#context));
      else this.#seeded.submit(createJob);
    } catch (error) {
      taken?.release();
      throw error;
    }
  }

  #createJob(
    request: GenerationRequest,
    prompt: BuiltPrompt & { spans: PictureSpan[]; model: string },
    sink: GenerationSink,
    context: NativeContext,
  ): Job {
    const { entry, contextTokens } = this.#options;
    const answer = new AnswerText({
      parser: prompt.parser,
      stop: request.stop,
      returnReasoning: request.reasoning.return,
      bytesOf: (token) => this.#prompts.bytesOf(token),
      onEvent: (event) => sink.onEvent(event),
    });
    const room = contextTokens - prompt.tokens.length;
    const maxTokens = Math.min(request.maxTokens ?? room, room);
    const budget = this.#budgetOf(request, prompt);
    const sessions = request.sampling.seed === undefined ? this.#sessions : undefined;
    const session = request.cache?.session;
    let started = false;
    const start = () => {
      if (started) return;
      started = true;
      sink.onEvent({ type: 'response-start', model: prompt.model, backend: 'device' });
      if (request.input.kind === 'completion' && request.input.echo) {
        sink.onEvent({ type: 'text-delta', text: prompt.text });
      }
    };
    return {
      id: request.id,
      promptTokens: prompt.tokens,
      pictures: prompt.spans,
      maxTokens,
      ...(budget === undefined ? {} : { budget }),
      ...(session === undefined || sessions === undefined
        ? {}
        : { onKept: (sequence: KeptSequence) => sessions.keep(session, sequence) }),
      priority: request.priority,
      createSampler: () =>
        createSampler(this.#model, context, {
          sampling: { ...entry.sampling, ...request.sampling },
          randomSeed: Math.floor(Math.random() * 2 ** 32),
          ...(prompt.grammar === undefined ? {} : { grammar: prompt.grammar }),
          ...(request.logprobs === undefined ? {} : { logprobs: request.logprobs }),
        }),
      onToken: (token) => {
        start();
        return answer.push(token);
      },
      onDone: (outcome, statistics) => {
        if (outcome.kind === 'failed' && !started) sink.onRefused(outcome.error);
        else if (outcome.kind !== 'cancelled') {
          start();
          finish(request.id, outcome, statistics, answer, sink);
        }
      },
    };
  }

  #budgetOf(request: GenerationRequest, prompt: BuiltPrompt & { spans: PictureSpan[] }): CacheBudget | undefined {
    const room = this.#options.contextTokens - prompt.tokens.length;
    return budgetOf(request, prompt, {
      maxTokens: Math.min(request.maxTokens ?? room, room),
      engine: this.#options,
      canEvict: !this.#model.isRecurrent,
      isControl: (token) => this.#prompts.isControl(token),
    });
  }

  cancel(id: string): void {
    this.#encoding.get(id)?.abort(makeError('client_closed', {}));
    this.#scheduler.cancel(id);
    this.#seeded.cancel(id);
    if (this.#activeEmbeddings.has(id)) this.#cancelledEmbeddings.add(id);
  }

  async embed(request: EmbeddingRequest): Promise<EmbeddingResult> {
    this.#activeEmbeddings.add(request.id);
    try {
      return await this.#embedder.embed(request, () => this.#cancelledEmbeddings.has(request.id));
    } finally {
      this.#activeEmbeddings.delete(request.id);
      this.#cancelledEmbeddings.delete(request.id);
    }
  }

  observeDevice(load: DeviceLoad): void {
    this.#scheduler.observeDevice(load);
  }

  statistics(): SchedulerStatistics {
    return this.#scheduler.statistics();
  }

  async dispose(): Promise<void> {
    await this.#scheduler.stop();
    await this.#sessions?.dispose();
    await this.unloadVision();
    await this.#seeded.dispose();
    this.#embedder.dispose();
    this.#runner.dispose();
    this.#draftRunner?.dispose();
    this.#context.dispose();
    this.#adapters.dispose();
    this.#model.dispose();
  }
}

/** Recurrent models cannot take back what they have read, so nothing is guessed for them. */
async function loadDraft(options: EngineOptions, model: NativeModel): Promise<NativeDraftRunner | undefined> {
  const { draft, entry, speculation, maxRunning: slots, threads, gpuLayers, loadMode } = options;
  if (draft === undefined || speculation !== 'draft' || model.isRecurrent) return undefined;
  return NativeDraftRunner.load({ draft, model, modelId: entry.id, slots, threads, gpuLayers, loadMode });
}

function draftSources(
  { speculation = 'off' }: EngineOptions,
  model: NativeModel,
  draftRunner: NativeDraftRunner | undefined,
  clock: Clock,
): DraftSource[] {
  if (speculation === 'off') return [];
  const lookup = new LookupSource();
  if (draftRunner === undefined) return [lookup];
  const assumedCostShare = draftRunner.sizeBytes / model.sizeBytes;
  return [lookup, new ModelSource({ runner: draftRunner, clock, assumedCostShare })];
}

function finish(
  id: string,
  outcome: Exclude<JobOutcome, { kind: 'cancelled' }>,
  statistics: JobStatistics,
  answer: AnswerText,
  sink: GenerationSink,
): void {
  if (outcome.kind === 'failed') {
    const { code, message, retryable } = toDuanyunError(outcome.error, id);
    sink.onEvent({ type: 'error', code, message, retryable });
    return;
  }
  answer.finish();
  sink.onEvent({
    type: 'usage',
    usage: {
      promptTokens: statistics.promptTokens,
      cachedTokens: statistics.cachedTokens,
      completionTokens: statistics.generatedTokens,
      reasoningTokens: answer.reasoningTokens,
    },
    timings: { queuedMs: statistics.queuedMs, prefillMs: statistics.prefillMs, decodeMs: statistics.decodeMs },
  });
  sink.onEvent({ type: 'finish', reason: finishReason(outcome.reason, answer) });
}

function finishReason(raw: 'stop' | 'length', answer: AnswerText): FinishReason {
  if (answer.hasToolCalls && raw === 'stop') return { unified: 'tool-calls', raw: 'tool_calls' };
  if (answer.stopped) return { unified: 'stop', raw: 'stop' };
  return { unified: raw, raw };
}
