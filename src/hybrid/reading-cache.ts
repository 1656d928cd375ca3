/** Keeps what was read for a while, by the hash of what it was read from, so that a second turn reads nothing again. */
import type { Clock } from '../core/clock.ts';

export type ReadingCacheOptions = {
  clock: Clock;
  /** Default 64. */
  maxEntries?: number;
  /** Default 10 minutes: about as long as somebody goes on asking. */
  keepMs?: number;
};

/** Failures are not kept: the next request tries again. What several ask for at once is read once. */
export class ReadingCache<Reading> {
  readonly #clock: Clock;
  readonly #maxEntries: number;
  readonly #keepMs: number;
  readonly #kept = new Map<string, { reading: Reading; untilMs: number }>();
  readonly #running = new Map<string, { reading: Promise<Reading>; waiters: number; abort: AbortController }>();

  constructor({ clock, maxEntries = 64, keepMs = 600_000 }: ReadingCacheOptions) {
    this.#clock = clock;
    this.#maxEntries = maxEntries;
    this.#keepMs = keepMs;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** @param read gets a signal that is aborted when nobody waits any more */
  async get(key: string, signal: AbortSignal, read: (signal: AbortSignal) => Promise<Reading>): Promise<Reading> {
    signal.throwIfAborted();
    const nowMs = this.#clock.now();
    for (const [old, { untilMs }] of this.#kept) if (untilMs <= nowMs) this.#kept.delete(old);
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, { ...kept, untilMs: nowMs + this.#keepMs });
      return kept.reading;
    }
    const running = this.#running.get(key) ?? this.#start(key, read);
    running.waiters++;
    let onAbort = (): void => {};
    const left = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([running.reading, left]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      if (--running.waiters === 0) running.abort.abort(signal.reason ?? new Error('nobody waits'));
    }
  }

  clear(): void {
    this.#kept.clear();
  }

  #start(
    key: string,
    read: (signal: AbortSignal) => Promise<Reading>,
  ): {
    reading: Promise<Reading>;
    waiters: number;
    abort: AbortController;
  } {
    const abort = new AbortController();
    const reading = this.#read(key, abort.signal, read);
    // Whoever waits gets the failure; after the last has left nobody does.
    reading.catch(() => {});
    const running = { reading, waiters: 0, abort };
    this.#running.set(key, running);
    return running;
  }

  async #read(key: string, signal: AbortSignal, read: (signal: AbortSignal) => Promise<Reading>): Promise<Reading> {
    try {
      const reading = await read(signal);
      this.#kept.set(key, { reading, untilMs: this.#clock.now() + this.#keepMs });
      for (const oldest of this.#kept.keys()) {
        if (this.#kept.size <= this.#maxEntries) break;
        this.#kept.delete(oldest);
      }
      return reading;
    } finally {
      this.#running.delete(key);
    }
  }
}
