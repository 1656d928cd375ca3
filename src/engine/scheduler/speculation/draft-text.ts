/** What a draft model has in its cache of one text, and how it keeps up with it. */
import type { BatchEntry, DraftRunner } from '../types.ts';

/** The first tokens stay, whatever is forgotten: attention rests on them (StreamingLLM, arXiv 2309.17453). */
const firstTokens = 4;
/** Of a text that is too long so much of what may be kept is kept, so that it can go on for a while. */
const keptShare = 0.75;

/**
 * The beginning of the text and what is newest: a draft need not know all of it. Position p of the cache holds token p of the text, or
 * from `firstTokens` on token p + `dropped`.
 */
export class DraftText {
  readonly slot: number;
  readonly #runner: DraftRunner;
  /** What the cells hold, by position. Behind the text's end these are guesses. */
  #held: number[] = [];
  #dropped = 0;
  /** So many of them are known to agree with the text. */
  #agreed = 0;

  constructor(runner: DraftRunner, slot: number) {
    this.#runner = runner;
    this.slot = slot;
  }

  get cells(): number {
    return this.#held.length;
  }

  /** Tokens of a text that would not have to be computed. */
  agreement(text: readonly number[]): number {
    let position = 0;
    while (position < this.#held.length && this.#held[position] === this.#at(text, position)) position++;
    return this.#dropped > 0 && position <= firstTokens ? 0 : position;
  }

  /** It goes on with another text. */
  takeOver(): void {
    this.#agreed = 0;
  }

  /** Drops guesses that were wrong, and what is too much for `mostCells`. Returns how many tokens of the text are missing; at least 1. */
  follow(text: readonly number[], mostCells: number): number {
    let position = this.#agreed;
    while (position < this.#held.length && this.#held[position] === this.#at(text, position)) position++;
    // The newest token is always computed, for what comes behind it.
    position = Math.min(position, text.length - this.#dropped - 1);
    this.#agreed = position;
    if (position < this.#held.length) this.#cutTo(position);
    if (text.length - this.#dropped > mostCells) this.#shorten(text, Math.ceil(mostCells * keptShare));
    return this.missing(text);
  }

  missing(text: readonly number[]): number {
    return text.length - this.#dropped - this.#held.length;
  }

  /** The next `count` missing tokens as part of a batch, the output of the last one wanted or not. */
  entries(text: readonly number[], count: number, wantsOutput: boolean): BatchEntry[] {
    const from = this.#held.length;
    return Array.from({ length: count }, (_, index) => ({
      token: this.#at(text, from + index) as number,
      position: from + index,
      slot: this.slot,
      wantsOutput: wantsOutput && index === count - 1,
    }));
  }

  /** A guess to be computed behind all that is held. */
  entryOf(guess: number): BatchEntry {
    return { token: guess, position: this.#held.length, slot: this.slot, wantsOutput: true };
  }

  computed(entries: readonly BatchEntry[]): void {
    for (const { token } of entries) this.#held.push(token);
  }

  clear(): void {
    this.#cutTo(0);
    this.#dropped = 0;
  }

  #at(text: readonly number[], position: number): number | undefined {
    return text[position < firstTokens ? position : position + this.#dropped];
  }

  #cutTo(position: number): void {
    this.#runner.truncate(this.slot, position);
    this.#held.length = position;
    this.#agreed = Math.min(this.#agreed, position);
  }

  #shorten(text: readonly number[], kept: number): void {
    const surplus = text.length - this.#dropped - kept;
    const canShift = this.#runner.canMove && firstTokens + surplus < this.#held.length;
    if (!canShift) {
      this.clear();
      this.#dropped = text.length - kept;
      return;
    }
    const from = firstTokens + surplus;
    this.#runner.remove(this.slot, [{ from: firstTokens, to: from }]);
    this.#runner.move(this.slot, [{ from, to: this.#held.length, by: -surplus }]);
    this.#held.splice(firstTokens, surplus);
    this.#agreed = this.#held.length;
    this.#dropped += surplus;
  }
}
