/** Whose turn a step is, where running sequences are computed with different adapters. */
import { adapterKey, type Sequence } from './sequence.ts';

/**
 * An adapter holds for a whole batch. Steps therefore take turns: all sequences of one adapter (or of the model alone) go
 * one step, then those of the adapter that has waited longest. With n of them in use an answer gets a token every n-th
 * step, which is the price; alone, an adapter batches like the model.
 */
export class AdapterTurns {
  /** Number of the last step of each adapter in use. */
  readonly #lastStep = new Map<string, number>();
  #step = 0;

  /** The sequences of the next step, in the order given; all of them where they share an adapter. */
  next(running: readonly Sequence[]): readonly Sequence[] {
    const keys = new Set(running.map(({ job }) => adapterKey(job)));
    for (const key of this.#lastStep.keys()) if (!keys.has(key)) this.#lastStep.delete(key);
    let chosen: string | undefined;
    for (const key of keys) {
      if (chosen === undefined || this.#waitedSince(key) < this.#waitedSince(chosen)) chosen = key;
    }
    if (chosen === undefined) return running;
    this.#lastStep.set(chosen, ++this.#step);
    return keys.size === 1 ? running : running.filter(({ job }) => adapterKey(job) === chosen);
  }

  #waitedSince(key: string): number {
    return this.#lastStep.get(key) ?? 0;
  }
}
