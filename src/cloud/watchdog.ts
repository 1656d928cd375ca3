/** Aborts an exchange that makes no progress. Each `arm` replaces the limit before it. */
export class Watchdog {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #forward: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(outer: AbortSignal) {
    this.#outer = outer;
    this.#forward = () => this.#controller.abort(outer.reason);
    if (outer.aborted) this.#forward();
    else outer.addEventListener('abort', this.#forward, { once: true });
  }

  /** Aborts with the outer signal's reason or with the fault of the limit that ran out. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  arm(limitMs: number, fault: () => Error): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(fault()), limitMs);
  }

  /** While the reader is busy with what it has, no limit runs. */
  disarm(): void {
    clearTimeout(this.#timer);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener('abort', this.#forward);
  }
}
