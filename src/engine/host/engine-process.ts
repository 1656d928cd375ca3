/**
 * The server's side of the engine process: starts it, talks to it, restarts it when it dies, and makes sure that every
 * request gets an end.
 */
import { fileURLToPath } from 'node:url';
import type { BackendHealth } from '../../core/backend.ts';
import type { Clock } from '../../core/clock.ts';
import { makeError, type DuanyunError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type {
  EngineInfo,
  EngineOptions,
  EngineStatistics,
  FromEngine,
  ToEngine,
  VisionInfo,
  VisionOptions,
} from './messages.ts';
import { NativeChild } from './native-child.ts';
import { fromWireError } from './wire-error.ts';

export type EngineProcessOptions = {
  engine: EngineOptions;
  clock: Clock;
  log: Log;
  onStatistics(statistics: EngineStatistics): void;
  /** The process died, or is ready again after it died. */
  onLifeChange?(change: { kind: 'lost'; reason: string } | { kind: 'restored' }): void;
  /** Environment of the child. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Path of the child's script; the tests give another. */
  childScript?: string;
};

/** Gets everything the engine says of one request. */
export type EngineListener = {
  onMessage(message: Extract<FromEngine, { id: string } | { type: 'events' }>): void;
  /** The process died; nothing more will come. */
  onLost(error: DuanyunError): void;
};

type ControlAnswer = Extract<FromEngine, { type: 'vision-loaded' | 'vision-unloaded' }>;
type ControlWaiter = { resolve(answer: ControlAnswer): void; reject(error: Error): void };
type Child = NativeChild<ToEngine, FromEngine>;
type Waiter = { resolve: () => void; reject: (error: Error) => void };
type State =
  | { kind: 'idle' }
  /** Ended on purpose, to be started again. */
  | { kind: 'stopped' }
  | { kind: 'loading'; child: Child }
  | { kind: 'ready'; child: Child; info: EngineInfo; since: number }
  | { kind: 'backing-off'; reason: string; timer: NodeJS.Timeout }
  | { kind: 'failed'; error: DuanyunError }
  | { kind: 'disposed' };

/** Delay before the restart after the 1st, 2nd … crash in a row. */
const backOffMs = [0, 500, 2_000, 5_000, 15_000, 30_000];
/** A process that has been ready this long starts the row anew. */
const stableMs = 60_000;
/**
 * For glibc; other C libraries ignore it, and what the user has set wins. Huge pages for large blocks: weights in 4 KiB pages
 * cost a tenth of the decode speed in misses of the address cache. A fixed threshold for blocks of their own: without it the
 * first large block that is freed raises it, later ones come from heaps, and a projector that was unloaded leaves a fifth
 * of its memory behind.
 */
const memoryTunables = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=262144' };

export class EngineProcess {
  readonly #options: EngineProcessOptions;
  readonly #listeners = new Map<string, EngineListener>();
  #state: State = { kind: 'idle' };
  #waiters: Waiter[] = [];
  /** Who waits for the answer to a control message; they are answered in order. */
  #controls: ControlWaiter[] = [];
  #crashes = 0;
  #residentBytes = 0;
  #draftFailures = 0;

  constructor(options: EngineProcessOptions) {
    this.#options = options;
  }

  get info(): EngineInfo | undefined {
    return this.#state.kind === 'ready' ? this.#state.info : undefined;
  }

  /** Process id while one runs. */
  get pid(): number | undefined {
    return 'child' in this.#state ? this.#state.child.pid : undefined;
  }

  /** Whether requests can be sent this moment. */
  get isReady(): boolean {
    return this.#state.kind === 'ready';
  }

  /** Of the whole process, as it last said; 0 where there is none. */
  get residentBytes(): number {
    return 'child' in this.#state ? this.#residentBytes : 0;
  }

  health(): BackendHealth {
    switch (this.#state.kind) {
      case 'ready':
      // The next request starts it.
      case 'stopped':
        return { status: 'ready' };
      case 'idle':
      case 'loading':
        return { status: 'loading', reason: `loading ${this.#options.engine.entry.id}` };
      case 'backing-off':
        return { status: 'unavailable', reason: this.#state.reason };
      case 'failed':
        return { status: 'unavailable', reason: this.#state.error.message };
      case 'disposed':
        return { status: 'unavailable', reason: 'shut down' };
    }
  }

  /** Starts the process unless it runs; resolves when the model is loaded. Throws what the load failed with. */
  async start(signal: AbortSignal): Promise<void> {
    if (this.#state.kind === 'idle' || this.#state.kind === 'stopped') this.#spawn();
    await this.whenReady(signal);
  }

  /** Resolves when requests can be sent: at once, or after a load or restart. */
  async whenReady(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    switch (this.#state.kind) {
      case 'ready':
        return;
      case 'failed':
        throw this.#state.error;
      case 'disposed':
        throw makeError('shutting_down', {});
      case 'idle':
      case 'stopped':
        throw makeError('engine_unavailable', { reason: 'it has not been started' });
      case 'loading':
      case 'backing-off':
    }
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        resolve: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
        reject: (error) => {
          signal.removeEventListener('abort', onAbort);
          reject(error);
        },
      };
      const onAbort = () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiters.push(waiter);
    });
  }

  /** Registers for the messages about `id` until `unlisten`. */
  listen(id: string, listener: EngineListener): void {
    this.#listeners.set(id, listener);
  }

  unlisten(id: string): void {
    this.#listeners.delete(id);
  }

  /** Throws `engine_unavailable` when no process is ready. */
  send(message: ToEngine): void {
    if (this.#state.kind !== 'ready') throw makeError('engine_unavailable', { reason: 'it is restarting' });
    // A failing send means the process is dying; its exit event ends the request.
    this.#state.child.send(message);
  }

  /** Loads the projector into the process. Throws what the load failed with, `engine_crashed` where the process dies. */
  async loadVision(options: VisionOptions): Promise<VisionInfo> {
    const message = await this.#control({ type: 'load-vision', options });
    if (message.type === 'vision-loaded') return message.info;
    throw makeError('internal', { requestId: 'load-vision' });
  }

  async unloadVision(): Promise<void> {
    if (!this.isReady) return;
    const message = await this.#control({ type: 'unload-vision' });
    if (message.type === 'vision-unloaded') this.#residentBytes = message.residentBytes;
  }

  #control(message: ToEngine): Promise<ControlAnswer> {
    return new Promise((resolve, reject) => {
      this.#controls.push({ resolve, reject });
      try {
        this.send(message);
      } catch (error) {
        this.#controls.pop();
        reject(error);
      }
    });
  }

  /** Ends the process so that its memory is the system's again; `start` starts it anew, also after a failed load. */
  async stop(): Promise<void> {
    if (this.#state.kind === 'disposed') return;
    await this.#end({ kind: 'stopped' }, makeError('engine_unavailable', { reason: 'it was unloaded' }));
  }

  /** Asks the process to end, and makes it end. */
  async dispose(): Promise<void> {
    await this.#end({ kind: 'disposed' }, makeError('shutting_down', {}));
  }

  async #end(next: State, error: DuanyunError): Promise<void> {
    const state = this.#state;
    this.#state = next;
    this.#loseAll(error);
    this.#settleWaiters((waiter) => waiter.reject(error));
    if (state.kind === 'backing-off') clearTimeout(state.timer);
    if ('child' in state) await state.child.end({ type: 'shutdown' });
  }

  #spawn(): void {
    const script = this.#options.childScript ?? fileURLToPath(new URL('./engine-main.js', import.meta.url));
    const child: Child = new NativeChild<ToEngine, FromEngine>({
      script,
      environment: { ...memoryTunables, ...this.#options.environment },
      onMessage: (message) => this.#onMessage(child, message),
      onExit: (reason) => this.#onExit(child, reason),
    });
    this.#residentBytes = 0;
    this.#state = { kind: 'loading', child };
    child.send({ type: 'load', options: this.#options.engine });
  }

  #onMessage(child: Child, message: FromEngine): void {
    switch (message.type) {
      case 'ready':
        if (this.#state.kind !== 'loading' || this.#state.child !== child) return;
        this.#state = { kind: 'ready', child, info: message.info, since: this.#options.clock.now() };
        this.#options.log.info({ ...message.info, pid: child.pid }, 'engine ready');
        this.#settleWaiters((waiter) => waiter.resolve());
        if (this.#crashes > 0) this.#options.onLifeChange?.({ kind: 'restored' });
        return;
      case 'load-failed':
        this.#fail(fromWireError(message.error));
        return;
      case 'statistics':
        this.#residentBytes = message.statistics.residentBytes;
        if (message.statistics.draftFailures > this.#draftFailures) {
          this.#options.log.warn(
            {},
            'guessing failed: answers go on without the draft model until the engine is started again',
          );
        }
        this.#draftFailures = message.statistics.draftFailures;
        this.#options.onStatistics(message.statistics);
        return;
      case 'events':
        for (const { id, event } of message.items) {
          this.#listeners.get(id)?.onMessage({ type: 'events', items: [{ id, event }] });
        }
        return;
      case 'session': {
        const { kind, ...facts } = message.note;
        if ('code' in facts) this.#options.log.warn(facts, `session ${kind}`);
        else this.#options.log.info(facts, `session ${kind}`);
        return;
      }
      case 'vision-loaded':
      case 'vision-unloaded':
        this.#controls.shift()?.resolve(message);
        return;
      case 'vision-failed':
        this.#controls.shift()?.reject(fromWireError(message.error));
        return;
      case 'refused':
      case 'embedded':
        this.#listeners.get(message.id)?.onMessage(message);
    }
  }

  #onExit(child: Child, reason: string): void {
    if (!('child' in this.#state) || this.#state.child !== child) return;
    const wasReady = this.#state.kind === 'ready';
    if (this.#state.kind === 'ready' && this.#options.clock.now() - this.#state.since > stableMs) this.#crashes = 0;
    this.#options.log.error({ reason, output: child.lastLines }, 'engine process ended');
    const delayMs = backOffMs[Math.min(this.#crashes, backOffMs.length - 1)] ?? 0;
    this.#crashes++;
    if (!wasReady && this.#crashes >= backOffMs.length) {
      this.#fail(makeError('engine_unavailable', { reason: `it ended while loading (${reason})` }));
      return;
    }
    const timer = setTimeout(() => this.#spawn(), delayMs);
    this.#state = { kind: 'backing-off', reason: `the engine process ended (${reason}) and is being restarted`, timer };
    this.#loseAll(makeError('engine_crashed', {}));
    if (wasReady) this.#options.onLifeChange?.({ kind: 'lost', reason: `its process ended (${reason})` });
  }

  /** The model cannot be loaded; trying again would not help. */
  #fail(error: DuanyunError): void {
    const child = 'child' in this.#state ? this.#state.child : undefined;
    this.#state = { kind: 'failed', error };
    child?.kill();
    this.#options.log.error({ code: error.code, detail: error.detail }, error.message);
    this.#settleWaiters((waiter) => waiter.reject(error));
    this.#loseAll(error);
  }

  #settleWaiters(settle: (waiter: Waiter) => void): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) settle(waiter);
  }

  #loseAll(error: DuanyunError): void {
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    for (const listener of listeners) listener.onLost(error);
    for (const waiter of this.#controls.splice(0)) waiter.reject(error);
  }
}
