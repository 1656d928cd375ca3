import type { StreamEvent } from '../core/events.ts';

export type IndexedEvent = { index: number; event: StreamEvent };

/** The events of several generations in the order in which they come. Each stream waits until its last event was taken. */
export class MergedStreams {
  #iterators: AsyncIterator<StreamEvent>[];
  #ready: { index: number; result: IteratorResult<StreamEvent> }[] = [];
  #failed: { error: unknown } | undefined;
  #wake: (() => void) | undefined;
  #running: number;
  /** Whose next event is to be asked for; −1 before the first call. */
  #taken = -1;

  constructor(streams: AsyncIterable<StreamEvent>[]) {
    this.#iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
    this.#running = this.#iterators.length;
  }

  /** `undefined` when all have ended. Throws what the first of them throws. */
  async next(): Promise<IndexedEvent | undefined> {
    const [only] = this.#iterators;
    if (this.#iterators.length === 1 && only !== undefined) {
      const result = await only.next();
      return result.done === true ? undefined : { index: 0, event: result.value };
    }
    if (this.#taken === -1) for (let index = 0; index < this.#iterators.length; index += 1) this.#ask(index);
    else this.#ask(this.#taken);
    for (;;) {
      if (this.#failed !== undefined) throw this.#failed.error;
      const ready = this.#ready.shift();
      if (ready !== undefined && ready.result.done !== true) {
        this.#taken = ready.index;
        return { index: ready.index, event: ready.result.value };
      }
      if (ready !== undefined) this.#running -= 1;
      if (this.#running === 0) return undefined;
      if (this.#ready.length > 0) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Lets every stream clean up. Does not wait for one that is busy: its signal ends it. */
  close(): void {
    for (const iterator of this.#iterators) iterator.return?.().catch(() => {});
  }

  #ask(index: number): void {
    void this.#await(index);
  }

  async #await(index: number): Promise<void> {
    try {
      const result = await this.#iterators[index]?.next();
      if (result !== undefined) this.#ready.push({ index, result });
    } catch (error) {
      this.#failed ??= { error };
    }
    this.#wake?.();
  }
}
