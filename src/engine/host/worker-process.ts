/**
 * A worker process: native code that answers calls, in a process of its own, so that a crash costs the calls in flight
 * and never the server, and so that ending it gives all its memory back. It is started, and started again, by whoever
 * needs it; a module does that through the module manager (`modules/worker-module.ts`).
 */
import { makeError, type DuanyunError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { ModuleName } from '../../core/modules.ts';
import { NativeChild } from './native-child.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';
import { fromWireError } from './wire-error.ts';

export type WorkerProcessOptions = {
  /** For errors and the log. */
  name: ModuleName | 'pictures';
  /** Path of the built script that calls `serveWorker`. */
  script: string;
  environment: Readonly<Record<string, string | undefined>>;
  log: Log;
  /** It ended without being told to. */
  onLost: (reason: string) => void;
};

export type CallOptions<Progress> = {
  signal: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /** Stays here; the service reads ranges of it. */
  file?: Uint8Array;
};

const noFile = new Uint8Array(0);

type Child = NativeChild<ToWorker, FromWorker>;
type Call = {
  resolve(result: unknown): void;
  reject(error: Error): void;
  onProgress(progress: unknown): void;
  file: Uint8Array;
};
type Loading<Info> = { resolve(info: Info): void; reject(error: Error): void };

export class WorkerProcess<Options, Info, Request, Result, Progress = never> {
  readonly #options: WorkerProcessOptions;
  readonly #calls = new Map<number, Call>();
  #child: Child | undefined;
  #loading: Loading<Info> | undefined;
  #info: Info | undefined;
  #nextId = 1;
  #residentBytes = 0;

  constructor(options: WorkerProcessOptions) {
    this.#options = options;
  }

  /** What `load` of the service returned; `undefined` unless it is ready. */
  get info(): Info | undefined {
    return this.#info;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Of the whole process, as it last said; 0 where there is none. */
  get residentBytes(): number {
    return this.#child === undefined ? 0 : this.#residentBytes;
  }

  /** Starts the process and loads. Throws what the load failed with; then, and when aborted, the process is gone. */
  async start(options: Options, signal: AbortSignal): Promise<Info> {
    signal.throwIfAborted();
    if (this.#child !== undefined) throw new Error(`the ${this.#options.name} worker runs already`);
    const child = this.#spawn();
    let onAbort = (): void => {};
    try {
      return await new Promise<Info>((resolve, reject) => {
        this.#loading = { resolve, reject };
        onAbort = () => reject(signal.reason as Error);
        signal.addEventListener('abort', onAbort, { once: true });
        child.send({ type: 'load', options });
      });
    } catch (error) {
      this.#forget(child);
      child.kill();
      await child.end({ type: 'shutdown' });
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#loading = undefined;
    }
  }

  /** Throws what the service threw, `module_crashed`, or the signal's reason at once while the service is told. */
  async call(request: Request, { signal, onProgress, file = noFile }: CallOptions<Progress>): Promise<Result> {
    signal.throwIfAborted();
    const child = this.#child;
    if (child === undefined || this.#info === undefined) throw this.#crashed();
    const id = this.#nextId++;
    let onAbort = (): void => {};
    try {
      return await new Promise<Result>((resolve, reject) => {
        const call: Call = {
          resolve: (result) => resolve(result as Result),
          reject,
          onProgress: (progress) => onProgress?.(progress as Progress),
          file,
        };
        this.#calls.set(id, call);
        onAbort = () => {
          child.send({ type: 'cancel', id });
          reject(signal.reason as Error);
        };
        signal.addEventListener('abort', onAbort, { once: true });
        child.send({ type: 'call', id, request, fileBytes: file.length });
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#calls.delete(id);
    }
  }

  /** Ends the process; resolves when its memory is the system's again. Calls in flight fail with `module_crashed`. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#forget(child);
    await child.end({ type: 'shutdown' });
  }

  /** Ends the process at once, as a crash would. */
  kill(): void {
    this.#child?.kill();
  }

  #spawn(): Child {
    const { script, environment, log, name, onLost } = this.#options;
    const child: Child = new NativeChild<ToWorker, FromWorker>({
      script,
      environment,
      onMessage: (message) => this.#onMessage(child, message),
      onExit: (reason) => {
        if (this.#child !== child) return;
        log.error({ module: name, reason, output: child.lastLines }, 'worker process ended');
        const wasReady = this.#info !== undefined;
        this.#loading?.reject(this.#crashed());
        this.#forget(child);
        if (wasReady) onLost(`its process ended (${reason})`);
      },
    });
    this.#child = child;
    return child;
  }

  #onMessage(child: Child, message: FromWorker): void {
    if (this.#child !== child) return;
    if ('residentBytes' in message) this.#residentBytes = message.residentBytes;
    switch (message.type) {
      case 'ready':
        this.#info = message.info as Info;
        this.#loading?.resolve(message.info as Info);
        return;
      case 'load-failed':
        this.#loading?.reject(fromWireError(message.error));
        return;
      case 'read': {
        const { id, read, start, end } = message;
        // Nobody waits for the call any more: the worker was told so.
        const file = this.#calls.get(id)?.file;
        if (file !== undefined) child.send({ type: 'bytes', id, read, bytes: file.subarray(start, end) });
        return;
      }
      case 'progress':
        this.#calls.get(message.id)?.onProgress(message.progress);
        return;
      case 'done':
        this.#calls.get(message.id)?.resolve(message.result);
        return;
      case 'failed':
        this.#calls.get(message.id)?.reject(fromWireError(message.error));
        return;
      case 'memory':
    }
  }

  /** From here on the process is nobody's. */
  #forget(child: Child): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#info = undefined;
    this.#residentBytes = 0;
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.reject(this.#crashed());
  }

  #crashed(): DuanyunError {
    return makeError('module_crashed', { module: this.#options.name });
  }
}
