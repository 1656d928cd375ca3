/** The page's side of its own engine: what it can do here, what it does now, and answers from it. */
import { ApiError } from '../api/api-error.ts';
import { currentKey } from '../api/api-key.ts';
import { type AnswerEvent, ask, type Question } from '../api/ask.ts';
import { fetchReceipt, findReceipt, type Situation } from '../api/server.ts';
import { offlinePage } from '../offline/offline-page.ts';
import { trustedScript } from '../page/trusted-script.ts';
// oxlint-disable-next-line import/default -- Vite makes this module
import workerUrl from './in-page-worker.ts?worker&url';
import type { FromWorker, InPageState, ToWorker } from './messages.ts';

/** Why there is no engine in this page; `ready` where there can be one. */
export type Support = 'ready' | 'insecure' | 'not-isolated' | 'too-old';

export type InPageView = {
  support: Support;
  /** `undefined` until the worker has looked. */
  state: InPageState | undefined;
};

type Answered = { route?: { target?: string; receiptId?: string }; requestId?: string };
type Waiting = { events: AnswerEvent[]; isDone: boolean; failure?: Error; wake: () => void };

const chosenPlace = 'duanyun-page-model';
const situationPlace = 'duanyun-page-policy';
/** More threads than this do not help: memory is the limit. */
const mostThreads = 8;
/** Of a draft that is read before it is sent: what follows is likely to change. */
const readAheadCharacters = 400;
/** In the list of models, before the id of a model inside the page. */
export const pageModelPrefix = 'page:';

export class InPage {
  #view: InPageView = { support: supportHere(), state: undefined };
  readonly #listeners = new Set<() => void>();
  readonly #receipts = new Map<number, (receipt: Record<string, unknown> | undefined) => void>();
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #nextId = 0;
  #server: { situation: Situation | undefined; isAway: boolean } = { situation: savedSituation(), isAway: false };

  constructor() {
    if (this.#view.support === 'ready' && chosenModel() !== undefined) this.start();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): InPageView => this.#view;

  /** The model that can answer in this page; `undefined`: everything goes to the server, as without an engine. */
  get modelId(): string | undefined {
    return this.#view.state?.modelId ?? (this.#view.state === undefined ? this.#expected() : undefined);
  }

  start(): void {
    if (this.#worker !== undefined || this.#view.support !== 'ready') return;
    const worker = new Worker(trustedScript(workerUrl), { type: 'module', name: 'duanyun-in-page' });
    this.#worker = worker;
    const lifeLock = `duanyun-worker-${crypto.randomUUID()}`;
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === 'alive') this.#watch(worker, lifeLock);
      else this.#receive(data);
    });
    // The worker itself broke (its memory is gone, its script is): what came so far stays, and the next use starts another.
    worker.addEventListener('error', () => this.#lost(worker));
    worker.addEventListener('messageerror', () => this.#lost(worker));
    const { hardwareConcurrency, deviceMemory } = navigator as Navigator & { deviceMemory?: number };
    // Of many cores a phone's half are slow ones, and the slowest sets the pace.
    const threads = Math.min(mostThreads, hardwareConcurrency <= 4 ? hardwareConcurrency : hardwareConcurrency / 2);
    const facts = { threads: Math.max(1, Math.floor(threads)), deviceGiB: deviceMemory };
    this.#send({ type: 'start', facts, lifeLock });
    this.#send({ type: 'server', server: { ...this.#server, key: currentKey() } });
    this.#send({ type: 'use', modelId: chosenModel() });
  }

  /** News of the server, for decisions and for the time when it is away. */
  setServer(situation: Situation | undefined, isAway: boolean): void {
    if (situation !== undefined) saveSituation(situation);
    this.#server = { situation: situation ?? this.#server.situation, isAway };
    if (this.#worker !== undefined) this.#send({ type: 'server', server: { ...this.#server, key: currentKey() } });
  }

  use(modelId: string | undefined): void {
    if (modelId !== undefined) void offlinePage.keepEngine();
    saveChosen(modelId);
    this.start();
    this.#send({ type: 'use', modelId });
  }

  pull(modelId: string): void {
    // A model without its engine is of no use when the server is away.
    void offlinePage.keepEngine();
    this.start();
    this.#send({ type: 'pull', modelId });
  }

  stopPull(): void {
    this.#send({ type: 'stop-pull' });
  }

  remove(modelId: string): void {
    if (chosenModel() === modelId) saveChosen(undefined);
    this.start();
    this.#send({ type: 'remove', modelId });
  }

  /** A question is being written that would run here: the model is loaded meanwhile, and what is there already read. */
  prepare(earlier: Question['messages'], draft: string): void {
    const question = { role: 'user' as const, content: draft.slice(0, readAheadCharacters) };
    if (this.#view.state?.engine === 'idle') this.#send({ type: 'prepare', messages: [...earlier, question] });
  }

  /** Answers what this page decides about by itself, and lets the server answer the rest. */
  readonly ask = (question: Question, signal: AbortSignal): AsyncIterable<AnswerEvent> => {
    const isOurs = question.model === 'auto' || question.model.startsWith(pageModelPrefix);
    if (!isOurs || this.modelId === undefined) return ask(question, signal);
    const model = question.model === 'auto' ? 'auto' : question.model.slice(pageModelPrefix.length);
    return this.#answer({ ...question, model }, signal);
  };

  /** The receipt of an answer, from whoever gave it; `undefined` where it is gone. */
  readonly receipt = async ({ route, requestId }: Answered): Promise<Record<string, unknown> | undefined> => {
    const receiptId = route?.receiptId;
    if (route?.target !== 'page') {
      try {
        if (receiptId !== undefined) return await fetchReceipt(receiptId);
        // Where a picture was read for long, the headers had gone before there was a receipt.
        return requestId === undefined ? undefined : await findReceipt(requestId);
      } catch {
        // What the headers said stays where the receipt cannot be had.
        return undefined;
      }
    }
    if (receiptId === undefined) return undefined;
    if (this.#worker === undefined) return undefined;
    this.#nextId += 1;
    const id = this.#nextId;
    return new Promise((resolve) => {
      this.#receipts.set(id, resolve);
      this.#send({ type: 'receipt', id, receiptId });
    });
  };

  async *#answer(question: Question, signal: AbortSignal): AsyncGenerator<AnswerEvent> {
    this.start();
    this.#nextId += 1;
    const id = this.#nextId;
    const waiting: Waiting = { events: [], isDone: false, wake: () => {} };
    this.#waiting.set(id, waiting);
    const onAbort = (): void => {
      this.#send({ type: 'abort', id });
      waiting.wake();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#send({ type: 'server', server: { ...this.#server, key: currentKey() } });
    this.#send({ type: 'ask', id, question });
    try {
      for (;;) {
        signal.throwIfAborted();
        const event = waiting.events.shift();
        if (event !== undefined) yield event;
        else if (waiting.failure !== undefined) throw waiting.failure;
        else if (waiting.isDone) return;
        else
          await new Promise<void>((resolve) => {
            waiting.wake = resolve;
          });
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#waiting.delete(id);
      if (!waiting.isDone) this.#send({ type: 'abort', id });
    }
  }

  /** A worker that the browser ends says nothing; the lock that it holds is free then. */
  #watch(worker: Worker, lifeLock: string): void {
    navigator.locks.request(lifeLock, () => this.#lost(worker)).catch(() => {});
  }

  #receive(message: Exclude<FromWorker, { type: 'alive' }>): void {
    if (message.type === 'state') {
      this.#view = { ...this.#view, state: message.state };
      if (message.state.modelId !== undefined) saveChosen(message.state.modelId);
      for (const listener of this.#listeners) listener();
      return;
    }
    if (message.type === 'receipt') {
      this.#receipts.get(message.id)?.(message.receipt);
      this.#receipts.delete(message.id);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return;
    if (message.type === 'event') waiting.events.push(message.event);
    else {
      waiting.isDone = true;
      if (message.type === 'failed') waiting.failure = new ApiError(message.code, message.message);
    }
    waiting.wake();
  }

  #lost(worker: Worker): void {
    if (worker !== this.#worker) return;
    worker.terminate();
    this.#worker = undefined;
    for (const waiting of this.#waiting.values()) {
      waiting.isDone = true;
      waiting.failure = new ApiError('engine_crashed', '');
      waiting.wake();
    }
    for (const resolve of this.#receipts.values()) resolve(undefined);
    this.#receipts.clear();
    const { state } = this.#view;
    const trouble = { code: 'engine_crashed', message: '' };
    const failed = { engine: 'failed' as const, pull: undefined, trouble };
    this.#view = { ...this.#view, state: state === undefined ? undefined : { ...state, ...failed } };
    for (const listener of this.#listeners) listener();
  }

  /** Chosen before, and the worker has not looked yet: a question that comes first waits for it. */
  #expected(): string | undefined {
    return this.#worker === undefined ? undefined : chosenModel();
  }

  #send(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }
}

function supportHere(): Support {
  if (!isSecureContext) return 'insecure';
  if (!('storage' in navigator) || !('getDirectory' in navigator.storage) || !('locks' in navigator)) return 'too-old';
  return crossOriginIsolated ? 'ready' : 'not-isolated';
}

/** Storage may be switched off: then the choice lasts as long as the page. */
let remembered: string | undefined;

function chosenModel(): string | undefined {
  try {
    return localStorage.getItem(chosenPlace) ?? remembered;
  } catch {
    return remembered;
  }
}

function saveChosen(modelId: string | undefined): void {
  remembered = modelId;
  try {
    if (modelId === undefined) localStorage.removeItem(chosenPlace);
    else localStorage.setItem(chosenPlace, modelId);
  } catch {
    // Said above.
  }
}

/** What the server last decided from, without the words of the user's own list: for the time when it is away. */
function savedSituation(): Situation | undefined {
  try {
    const text = localStorage.getItem(situationPlace);
    return text === null ? undefined : (JSON.parse(text) as Situation);
  } catch {
    return undefined;
  }
}

let savedText = '';

function saveSituation(situation: Situation): void {
  const text = JSON.stringify({ ...situation, state: { ...situation.state, spentToday: 0 } });
  if (text === savedText) return;
  savedText = text;
  try {
    localStorage.setItem(situationPlace, text);
  } catch {
    // The standard policy holds then.
  }
}
