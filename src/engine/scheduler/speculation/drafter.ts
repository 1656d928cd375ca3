/** Drafts for one answer: what to guess next, and what became of the guesses. */
import { AcceptanceRate, draftLength, type StepOutlook } from './draft-length.ts';
import { PromptLookup, type Draft } from './prompt-lookup.ts';
import type { StepCost } from './step-cost.ts';

/** Rejected tokens are wasted, and each checked token needs room for its logits (0.6 MB with a vocabulary of 152k). */
export const longestDraft = 8;

export class Drafter {
  readonly #lookup: PromptLookup;
  readonly #rates = new AcceptanceRate();
  #guess: Draft | undefined;

  /** @param tokens prompt and answer so far; the same array goes on growing. */
  constructor(tokens: readonly number[]) {
    this.#lookup = new PromptLookup(tokens);
  }

  /** Tokens worth checking in the next step, often none, and what the step looks like with them. */
  draft(cost: StepCost, step: StepOutlook, most: number): { tokens: readonly number[]; step: StepOutlook } {
    // A guess is made also where none is checked: whether it was right shows when drafting would pay again.
    this.#guess = this.#lookup.propose(Math.max(1, most));
    if (this.#guess === undefined || most < 1) return { tokens: [], step };
    const { tokens, matchLength } = this.#guess;
    const best = draftLength(matchLength, this.#rates, cost, step, Math.min(most, tokens.length));
    return { tokens: tokens.slice(0, best.length), step: best.step };
  }

  /** What was really sampled where the token at `index` of the guess would stand, as long as all before it were right. */
  observe(index: number, token: number): void {
    const guessed = this.#guess?.tokens[index];
    if (this.#guess === undefined || guessed === undefined) return;
    this.#rates.observe(this.#guess.matchLength + index, guessed === token);
  }
}
