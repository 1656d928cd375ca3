/** Turns pushes into an async iteration. Nothing is dropped; one reader. */
export class EventChannel<Event> implements AsyncIterable<Event> {
  readonly #events: Event[] = [];
  #ended = false;
  #failure: { error: unknown } | undefined;
  #wake: () => void = () => {};

  push(event: Event): void {
    this.#events.push(event);
    this.#wake();
  }

  /** The reader gets what is left, then the end. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The reader gets what is left, then the error. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) {
        yield event;
      } else if (!this.#ended) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else if (this.#failure === undefined) {
        return;
      } else {
        throw this.#failure.error;
      }
    }
  }
}
