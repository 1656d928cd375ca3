/** One request at a time, in the order of asking. */
export class InOrder {
  #before: Promise<void> = Promise.resolve();

  /** Resolves when it is this one's turn; the next waits until `leave` was called. @throws the signal's reason */
  async enter(signal: AbortSignal): Promise<() => void> {
    const before = this.#before;
    let leave = (): void => {};
    this.#before = new Promise((resolve) => {
      leave = resolve;
    });
    try {
      await orAborted(before, signal);
      return leave;
    } catch (error) {
      void before.then(leave);
      throw error;
    }
  }

  /** Resolves when all that have entered so far have left. */
  get idle(): Promise<void> {
    return this.#before;
  }
}

/** @throws the signal's reason as soon as it is aborted; what was waited for goes on */
export async function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
