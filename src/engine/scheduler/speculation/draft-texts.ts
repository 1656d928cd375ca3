/** Gives the texts of running answers places in the draft model's cache, and keeps those of answers that ended for the next turn. */
import type { Sequence } from '../sequence.ts';
import type { DraftRunner } from '../types.ts';
import { DraftText } from './draft-text.ts';

/** A text that ended is gone on with where the new one shares at least so many tokens. */
const worthTakingOver = 16;
/** Tokens kept of texts that ended: attention walks over their cells too. */
const mostKeptTokens = 2_048;

export class DraftTexts {
  readonly #runner: DraftRunner;
  readonly #freeSlots: number[] = [];
  readonly #running = new Map<Sequence, DraftText>();
  /** The longest unused first. */
  #kept: DraftText[] = [];

  constructor(runner: DraftRunner) {
    this.#runner = runner;
    for (let slot = runner.slots - 1; slot >= 0; slot--) this.#freeSlots.push(slot);
  }

  /** `undefined` where there is no place for it. */
  of(sequence: Sequence): DraftText | undefined {
    const running = this.#running.get(sequence);
    if (running !== undefined) return running;
    const text = this.#takeOver(sequence.tokens) ?? this.#open();
    if (text !== undefined) this.#running.set(sequence, text);
    return text;
  }

  forget(sequence: Sequence): void {
    const text = this.#running.get(sequence);
    if (text === undefined) return;
    this.#running.delete(sequence);
    this.#kept.push(text);
    while (this.#kept.reduce((sum, { cells }) => sum + cells, 0) > mostKeptTokens && this.freeOldest());
  }

  /** Frees what has been kept longest. False where nothing is kept. */
  freeOldest(): boolean {
    const oldest = this.#kept.shift();
    if (oldest === undefined) return false;
    oldest.clear();
    this.#freeSlots.push(oldest.slot);
    return true;
  }

  #takeOver(tokens: readonly number[]): DraftText | undefined {
    let best: { text: DraftText; agreement: number } | undefined;
    for (const text of this.#kept) {
      const agreement = text.agreement(tokens);
      if (agreement >= worthTakingOver && agreement > (best?.agreement ?? 0)) best = { text, agreement };
    }
    if (best === undefined) return undefined;
    const { text } = best;
    this.#kept = this.#kept.filter((each) => each !== text);
    text.takeOver();
    return text;
  }

  #open(): DraftText | undefined {
    if (this.#freeSlots.length === 0) this.freeOldest();
    const slot = this.#freeSlots.pop();
    return slot === undefined ? undefined : new DraftText(this.#runner, slot);
  }
}
