/**
 * The server's side of the engine process: starts it, talks to it, restarts it when it dies, and makes sure that every
 * request gets an end.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BackendHealth } from '../../core/backend.ts';
import type { Clock } from '../../core/clock.ts';
import { makeError, type DuanyunError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { EngineInfo, EngineOptions, EngineStatistics, FromEngine, ToEngine } from './messages.ts';
import { RecentLines } from './recent-lines.ts';
import { fromWireError } from './wire-error.ts';

export type EngineProcessOptions = {
  engine: EngineOptions;
  clock: Clock;
  log: Log;
  onStatistics(statistics: EngineStatistics): void;
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

type Waiter = { resolve: () => void; reject: (error: Error) => void };
type State =
  | { kind: 'idle' }
  | { kind: 'loading'; child: ChildProcess }
  | { kind: 'ready'; child: ChildProcess; info: EngineInfo; since: number }
  | { kind: 'backing-off'; reason: string; timer: NodeJS.Timeout }
  | { kind: 'failed'; error: DuanyunError }
  | { kind: 'disposed' };

/** Delay before the restart after the 1st, 2nd … crash in a row. */
const backOffMs = [0, 500, 2_000, 5_000, 15_000, 30_000];
/** A process that has been ready this long starts the row anew. */
const stableMs = 60_000;
const shutdownGraceMs = 3_000;
/**
 * glibc then asks for huge pages for large blocks; weights in 4 KiB pages cost a tenth of the decode speed in misses of the
 * address cache. Other C libraries ignore it. What the user has set wins.
 */
const hugePages = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' };

export class EngineProcess {
  readonly #options: EngineProcessOptions;
  readonly #listeners = new Map<string, EngineListener>();
  readonly #errorOutput = new RecentLines(40);
  #state: State = { kind: 'idle' };
  #waiters: Waiter[] = [];
  #crashes = 0;

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

  health(): BackendHealth {
    switch (this.#state.kind) {
      case 'ready':
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
    if (this.#state.kind === 'idle') this.#spawn();
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
    this.#state.child.send(message, () => {});
  }

  /** Asks the process to end, and makes it end. */
  async dispose(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: 'disposed' };
    this.#loseAll(makeError('shutting_down', {}));
    if (state.kind === 'backing-off') clearTimeout(state.timer);
    if (!('child' in state)) return;
    const { child } = state;
    if (child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), shutdownGraceMs);
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      child.send({ type: 'shutdown' } satisfies ToEngine, () => {});
    });
  }

  #spawn(): void {
    const script = this.#options.childScript ?? fileURLToPath(new URL('./engine-main.js', import.meta.url));
    const child = fork(script, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...hugePages, ...this.#options.environment },
    });
    this.#state = { kind: 'loading', child };
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#errorOutput.add(text));
    child.on('message', (message) => this.#onMessage(child, message as FromEngine));
    child.once('error', (error) => this.#onExit(child, error.message));
    child.once('exit', (code, signal) => this.#onExit(child, signal ?? `exit code ${code}`));
    child.send({ type: 'load', options: this.#options.engine } satisfies ToEngine, () => {});
  }

  #onMessage(child: ChildProcess, message: FromEngine): void {
    switch (message.type) {
      case 'ready':
        if (this.#state.kind !== 'loading' || this.#state.child !== child) return;
        this.#state = { kind: 'ready', child, info: message.info, since: this.#options.clock.now() };
        this.#options.log.info({ ...message.info, pid: child.pid }, 'engine ready');
        this.#settleWaiters((waiter) => waiter.resolve());
        return;
      case 'load-failed':
        this.#fail(fromWireError(message.error));
        return;
      case 'statistics':
        this.#options.onStatistics(message.statistics);
        return;
      case 'events':
        for (const { id, event } of message.items) {
          this.#listeners.get(id)?.onMessage({ type: 'events', items: [{ id, event }] });
        }
        return;
      case 'refused':
      case 'embedded':
        this.#listeners.get(message.id)?.onMessage(message);
    }
  }

  #onExit(child: ChildProcess, reason: string): void {
    if (!('child' in this.#state) || this.#state.child !== child) return;
    const wasReady = this.#state.kind === 'ready';
    if (this.#state.kind === 'ready' && this.#options.clock.now() - this.#state.since > stableMs) this.#crashes = 0;
    this.#options.log.error({ reason, output: this.#errorOutput.lines() }, 'engine process ended');
    const delayMs = backOffMs[Math.min(this.#crashes, backOffMs.length - 1)] ?? 0;
    this.#crashes++;
    if (!wasReady && this.#crashes >= backOffMs.length) {
      this.#fail(makeError('engine_unavailable', { reason: `it ended while loading (${reason})` }));
      return;
    }
    const timer = setTimeout(() => this.#spawn(), delayMs);
    this.#state = { kind: 'backing-off', reason: `the engine process ended (${reason}) and is being restarted`, timer };
    this.#loseAll(makeError('engine_crashed', {}));
  }

  /** The model cannot be loaded; trying again would not help. */
  #fail(error: DuanyunError): void {
    const child = 'child' in this.#state ? this.#state.child : undefined;
    this.#state = { kind: 'failed', error };
    child?.kill('SIGKILL');
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
    if (this.#state.kind === 'disposed') this.#settleWaiters((waiter) => waiter.reject(error));
  }
}
