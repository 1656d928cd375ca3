/** Ctrl-C and the signals that ask a process to end. */

/** npm passes a terminal's Ctrl-C on although it has reached this process already: one key press, two signals. */
const samePressMs = 500;

export type InterruptSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

export type Interrupts = {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** The first signal, once there was one. */
  readonly first: InterruptSignal | undefined;
  dispose(): void;
};

/** @param onSecond called for a later signal: the user does not want to wait */
export function watchInterrupts(onSecond: () => void): Interrupts {
  const abort = new AbortController();
  let first: { name: InterruptSignal; atMs: number } | undefined;
  const names: InterruptSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  const handlers = names.map((name) => {
    const handler = (): void => {
      if (first === undefined) {
        first = { name, atMs: performance.now() };
        abort.abort(new InterruptedError(name));
      } else if (performance.now() - first.atMs > samePressMs) onSecond();
    };
    process.on(name, handler);
    return () => process.removeListener(name, handler);
  });
  return {
    signal: abort.signal,
    get first() {
      return first?.name;
    },
    dispose() {
      for (const remove of handlers) remove();
    },
  };
}

export class InterruptedError extends Error {
  readonly signalName: InterruptSignal;

  constructor(signalName: InterruptSignal) {
    super(`interrupted by ${signalName}`);
    this.signalName = signalName;
  }
}

/** Ctrl-C ends with 130 as a shell expects; a service manager that asks with SIGTERM gets a clean 0. */
export function exitCodeOf(signal: InterruptSignal): number {
  return signal === 'SIGINT' ? 130 : 0;
}

/** Never resolves; rejects when the signal is aborted. */
export function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
