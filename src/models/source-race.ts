import { DownloadFault } from './download-fault.ts';
import type { ReachedSource, UnreachedSource } from './file-sources.ts';

/**
 * Asks all mirrors at once and hands them out in the order in which they answer. A mirror that does not answer within
 * `limitMs` is left out, so nobody waits for it unless nothing else is left.
 */
export class SourceRace implements AsyncIterable<ReachedSource> {
  readonly #answered: ReachedSource[] = [];
  readonly #abort = new AbortController();
  #pending: number;
  #wake: () => void = () => {};

  constructor(
    sources: readonly UnreachedSource[],
    options: { signal: AbortSignal; limitMs: number; onFailed: (label: string, fault: DownloadFault) => void },
  ) {
    this.#pending = sources.length;
    for (const source of sources) {
      const limit = AbortSignal.timeout(options.limitMs);
      source
        .reach(AbortSignal.any([options.signal, this.#abort.signal, limit]))
        .then(
          (reached) => this.#answered.push(reached),
          (error: unknown) => {
            if (options.signal.aborted || this.#abort.signal.aborted) return;
            const late = limit.aborted ? new DownloadFault(`${source.label} does not answer in time`) : undefined;
            options.onFailed(source.label, late ?? toFault(error, source.label));
          },
        )
        .finally(() => {
          this.#pending--;
          this.#wake();
        });
    }
  }

  /** Each mirror once. Ends when all have answered or failed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ReachedSource> {
    for (;;) {
      const next = this.#answered.shift();
      if (next !== undefined) {
        yield next;
      } else if (this.#pending > 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else {
        return;
      }
    }
  }

  /** Stops asking. */
  stop(): void {
    this.#abort.abort();
  }
}

export function toFault(error: unknown, label: string): DownloadFault {
  return error instanceof DownloadFault ? error : new DownloadFault(`${label} failed`, { cause: error });
}
