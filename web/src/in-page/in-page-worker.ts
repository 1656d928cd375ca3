/** The worker of the page's own engine: models in OPFS, the engine, and the decision between it and the server. */
import wasmUrl from '@wllama/wllama/esm/wasm/wllama.wasm?url';
import { DuanyunError } from '../../../src/core/errors.ts';
import { ApiError } from '../api/api-error.ts';
import { setKey } from '../api/api-key.ts';
import type { Question } from '../api/ask.ts';
import { WllamaBackend } from './engine/wllama-backend.ts';
import { fitOf } from './engine/memory-need.ts';
import type { PageModel } from './engine/page-model.ts';
import { EngineTurn } from './engine-turn.ts';
import type { FromWorker, InPageState, OfferedModel, Pull, ServerFacts, ToWorker } from './messages.ts';
import { PageService } from './page-service.ts';
import { offeredByServer, pullOnServer } from './server-models.ts';
import { openChecked, partialSizes, removeModel, storageState, storedModels } from './store/model-files.ts';
import { pullModel } from './store/pull-model.ts';

const send = (message: FromWorker): void => postMessage(message);

class InPage {
  #facts = { threads: 1, deviceGiB: undefined as number | undefined };
  #server: ServerFacts = { situation: undefined, isAway: false, key: undefined };
  #models: OfferedModel[] = [];
  #storage: InPageState['storage'];
  #pull: (Pull & { stop: AbortController }) | undefined;
  #trouble: InPageState['trouble'];
  #modelId: string | undefined;
  readonly #turn = new EngineTurn(() => this.#backend.unload());
  readonly #running = new Map<number, AbortController>();
  readonly #ending = new Set<Promise<void>>();
  readonly #backend: WllamaBackend;
  readonly #service: PageService;
  #saidMs = 0;
  /** Done when the model that is to answer was looked for: a question may come with the start of this worker. */
  #chosen: Promise<void> = Promise.resolve();

  constructor(facts: { threads: number; deviceGiB: number | undefined }) {
    this.#facts = facts;
    this.#backend = new WllamaBackend({
      wasmUrl,
      threads: facts.threads,
      openWeights: async (model) => {
        await this.#turn.take();
        try {
          return await openChecked(model);
        } catch (error) {
          void this.refresh();
          throw error;
        }
      },
      onChange: () => this.#say(),
    });
    this.#service = new PageService(this.#backend, () => this.#server);
  }

  setServer(server: ServerFacts): void {
    const isBack = this.#server.isAway && !server.isAway;
    this.#server = server;
    setKey(server.key, false);
    if (isBack) void this.refresh();
    else this.#say();
  }

  use(modelId: string | undefined): Promise<void> {
    this.#modelId = modelId;
    this.#chosen = this.refresh();
    return this.#chosen;
  }

  /** Looks at the store, and at what the server offers. */
  async refresh(): Promise<void> {
    const [stored, partial, storage] = await Promise.all([storedModels(), partialSizes(), storageState()]);
    const offered = await offeredByServer().catch(() => []);
    const onServer = new Map(offered.map((model) => [model.id, model.installed]));
    const known = new Map<string, PageModel>(offered.map((model) => [model.id, model]));
    for (const model of stored) known.set(model.id, model);
    // What is light comes first: most devices that open a page are small.
    const all = [...known.values()].toSorted((a, b) => a.sizeBytes - b.sizeBytes);
    this.#storage = storage;
    this.#models = all.map((model): OfferedModel => {
      const fit = fitOf(model, { deviceGiB: this.#facts.deviceGiB }, all);
      const { fits: _, ...refusal } = fit;
      const here = {
        isOnServer: onServer.get(model.id) ?? false,
        isHere: stored.some(({ sha256 }) => sha256 === model.sha256),
        partialBytes: partial.get(model.sha256) ?? 0,
        ...(fit.fits ? {} : { refusal: refusal as OfferedModel['refusal'] & object }),
      };
      return Object.assign(here, plainModel(model));
    });
    const chosen = this.#models.find(({ id, isHere }) => id === this.#modelId && isHere);
    await this.#backend.use(chosen);
    this.#say();
  }

  /** A question is being written that would run here. */
  async prepare(messages: Question['messages']): Promise<void> {
    await this.#chosen;
    if (this.#backend.loadedModel === undefined) await this.#service.prepare(messages);
  }

  async ask(id: number, question: Question): Promise<void> {
    const work = this.#ask(id, question);
    this.#ending.add(work);
    await work;
    this.#ending.delete(work);
  }

  /** Whole: what was stopped is ended before. */
  async receipt(id: number, receiptId: string): Promise<void> {
    await Promise.all(this.#ending);
    send({ type: 'receipt', id, receipt: this.#service.receipt(receiptId) });
  }

  async #ask(id: number, question: Question): Promise<void> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    try {
      await this.#chosen;
      for await (const event of this.#service.answer(question, controller.signal)) send({ type: 'event', id, event });
      send({ type: 'done', id });
    } catch (error) {
      send({ type: 'failed', id, ...said(error) });
    } finally {
      this.#running.delete(id);
      this.#say();
    }
  }

  abort(id: number): void {
    this.#running.get(id)?.abort(new DOMException('stopped', 'AbortError'));
  }

  async pull(modelId: string): Promise<void> {
    const model = await this.#find(modelId);
    if (model === undefined || this.#pull !== undefined || model.refusal !== undefined) return;
    const stop = new AbortController();
    const pull = { modelId, phase: 'here' as Pull['phase'], receivedBytes: 0, totalBytes: model.sizeBytes, stop };
    this.#pull = pull;
    this.#trouble = undefined;
    const onProgress = (phase: Pull['phase'], receivedBytes: number): void => {
      pull.phase = phase;
      pull.receivedBytes = receivedBytes;
      // Ten times a second is enough to look at.
      if (performance.now() - this.#saidMs > 100) this.#say();
    };
    try {
      if (!model.isOnServer) await pullOnServer(modelId, (bytes) => onProgress('server', bytes), stop.signal);
      await pullModel(plainModel(model), ({ receivedBytes }) => onProgress('here', receivedBytes), stop.signal);
      this.#modelId ??= modelId;
    } catch (error) {
      if (!stop.signal.aborted) this.#trouble = said(error);
    } finally {
      this.#pull = undefined;
      await this.refresh();
    }
  }

  /** A worker that was just started has not looked yet. */
  async #find(modelId: string): Promise<OfferedModel | undefined> {
    const find = (): OfferedModel | undefined => this.#models.find(({ id }) => id === modelId);
    const found = find();
    if (found !== undefined) return found;
    await this.refresh();
    return find();
  }

  stopPull(): void {
    this.#pull?.stop.abort(new DOMException('stopped', 'AbortError'));
  }

  async remove(modelId: string): Promise<void> {
    const model = await this.#find(modelId);
    if (model === undefined) return;
    if (modelId === this.#modelId) {
      this.#modelId = undefined;
      await this.#backend.use(undefined);
    }
    await removeModel(model);
    await this.refresh();
  }

  async release(): Promise<void> {
    await this.#turn.release();
  }

  fail(error: unknown): void {
    this.#trouble = said(error);
    this.#say();
  }

  #say(): void {
    this.#saidMs = performance.now();
    const health = this.#backend.health();
    const isChosen = this.#backend.capabilities().length > 0;
    const engine = !isChosen
      ? 'none'
      : health.status === 'loading'
        ? 'loading'
        : this.#backend.loadedModel === undefined
          ? 'idle'
          : 'ready';
    const { stop: _, ...pull } = this.#pull ?? { stop: undefined };
    const state: InPageState = {
      models: this.#models,
      storage: this.#storage,
      pull: this.#pull === undefined ? undefined : (pull as Pull),
      modelId: isChosen ? this.#modelId : undefined,
      engine,
      trouble: this.#trouble,
      situation: isChosen ? this.#service.situation() : undefined,
    };
    send({ type: 'state', state });
  }
}

/** Without what only the server or this browser's store knows of it. */
function plainModel(model: PageModel): PageModel {
  const { id, displayName, licence, sizeBytes, sha256, contextTokens, languages, persona, sampling } = model;
  const facts = { id, displayName, licence, sizeBytes, sha256, contextTokens, languages, sampling };
  return persona === undefined ? facts : { ...facts, persona };
}

function said(error: unknown): { code: string; message: string } {
  if (error instanceof DuanyunError || error instanceof ApiError) return { code: error.code, message: error.message };
  const { code } = error as { code?: unknown };
  const message = error instanceof Error ? error.message : String(error);
  return { code: typeof code === 'string' ? code : 'not_understood', message };
}

let inPage: InPage | undefined;

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === 'start') {
    inPage ??= new InPage(data.facts);
    void navigator.locks.request(data.lifeLock, () => {
      send({ type: 'alive' });
      return new Promise(() => {});
    });
    return;
  }
  const own = inPage;
  if (own === undefined) return;
  const run = async (): Promise<void> => {
    switch (data.type) {
      case 'server':
        return own.setServer(data.server);
      case 'use':
        return own.use(data.modelId);
      case 'prepare':
        return own.prepare(data.messages);
      case 'ask':
        return own.ask(data.id, data.question);
      case 'abort':
        return own.abort(data.id);
      case 'receipt':
        return own.receipt(data.id, data.receiptId);
      case 'refresh':
        return own.refresh();
      case 'pull':
        return own.pull(data.modelId);
      case 'stop-pull':
        return own.stopPull();
      case 'remove':
        return own.remove(data.modelId);
      case 'release':
        return own.release();
    }
  };
  run().catch((error: unknown) => own.fail(error));
});
