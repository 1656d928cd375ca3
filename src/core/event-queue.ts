/** Events pushed by one side, taken in order by an async iterator on the other. One consumer. */
export class EventQueue<Item> {
  #items: Item[] = [];
  #error: Error | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  push(item: Item): void {
    if (this.#ended) return;
    this.#items.push(item);
    this.#wake?.();
  }

  /** No more items; with an error, the consumer gets it after the items before it. */
  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#wake?.();
  }

  /** The next item, or `undefined` at the end. Throws the error the queue ended with. */
  async next(): Promise<Item | undefined> {
    while (this.#items.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    if (this.#items.length > 0) return this.#items.shift();
    if (this.#error !== undefined) throw this.#error;
    return undefined;
  }

  /** What is pushed, until the end. Throws the error the queue ended with. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    for (let item = await this.next(); item !== undefined; item = await this.next()) yield item;
  }

  /** The same. @throws the signal's reason as soon as it is aborted, whatever is still there */
  async *until(signal: AbortSignal): AsyncGenerator<Item> {
    const onAbort = (): void => this.end();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      for (;;) {
        signal.throwIfAborted();
        const item = await this.next();
        signal.throwIfAborted();
        if (item === undefined) return;
        yield item;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}
