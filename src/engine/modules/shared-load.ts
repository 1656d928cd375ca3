/** One load that any number of callers wait for. It is given up when the last of them leaves. */
export class SharedLoad {
  /** Resolves when it is over, however it ended. */
  readonly ended: Promise<void>;
  readonly #work: Promise<void>;
  readonly #controller = new AbortController();
  #waiting = 0;

  constructor(work: (signal: AbortSignal) => Promise<void>) {
    this.#work = work(this.#controller.signal);
    this.ended = this.#work.catch(() => {});
  }

  get isCancelled(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Throws what the load failed with, or the caller's own reason to leave. */
  async wait(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#waiting++;
    let onAbort = (): void => {};
    const left = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      await Promise.race([this.#work, left]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#waiting--;
      if (this.#waiting === 0 && signal.aborted) this.#controller.abort(signal.reason);
    }
  }

  async cancel(reason: unknown): Promise<void> {
    this.#controller.abort(reason);
    await this.ended;
  }
}
