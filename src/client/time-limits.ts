/** Abort signals with time limits, without `AbortSignal.any` and `timeout`, which React Native lacks. */
import { DuanyunClientError } from './errors.ts';

/** One signal that ends a call: by its caller, by its time, or by silence. */
export class CallLimits {
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal | undefined;
  readonly #onCallerAbort: () => void;
  #total: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #reason: unknown;

  /** @param timeoutMs for the whole call; 0 sets none */
  constructor(caller: AbortSignal | undefined, timeoutMs: number) {
    this.#caller = caller;
    this.#onCallerAbort = () => this.abort(abortReason(caller));
    if (caller?.aborted === true) this.#onCallerAbort();
    else caller?.addEventListener('abort', this.#onCallerAbort);
    if (timeoutMs > 0) this.#total = setTimeout(() => this.abort(timeoutError('was not over', timeoutMs)), timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What to throw where the signal is aborted. Kept here because a polyfilled signal has no reason. */
  get reason(): unknown {
    return this.#reason;
  }

  abort(reason: unknown): void {
    if (this.signal.aborted) return;
    this.#reason = reason;
    this.#controller.abort(reason);
  }

  throwIfAborted(): void {
    if (this.signal.aborted) throw this.#reason;
  }

  /** Runs `onSilence` when nothing is heard for so long; each call begins anew. 0 ends the watch. */
  watchSilence(silenceMs: number, onSilence: () => void): void {
    clearTimeout(this.#silence);
    this.#silence = silenceMs > 0 ? setTimeout(onSilence, silenceMs) : undefined;
  }

  /** Resolves after the time. @throws the reason when it is aborted before */
  async sleep(ms: number): Promise<void> {
    this.throwIfAborted();
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.signal.addEventListener('abort', wake);
    });
    this.throwIfAborted();
  }

  dispose(): void {
    clearTimeout(this.#total);
    clearTimeout(this.#silence);
    this.#caller?.removeEventListener('abort', this.#onCallerAbort);
  }
}

export function timeoutError(what: string, limitMs: number): DuanyunClientError {
  return new DuanyunClientError('client_timeout', `The answer ${what} within ${limitMs / 1000} s.`);
}

export function abortReason(signal?: AbortSignal): unknown {
  if (signal?.reason !== undefined) return signal.reason;
  const error = new Error('The request was aborted.');
  error.name = 'AbortError';
  return error;
}
