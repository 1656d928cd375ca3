/** Guesses from the text itself: they cost nothing but the check. */
import type { Sequence } from '../sequence.ts';
import { AcceptanceRate, draftLength, type StepOutlook } from './draft-length.ts';
import { longestDraft, type Answer, type DraftOffer, type DraftSource } from './draft-source.ts';
import { PromptLookup, type Draft } from './prompt-lookup.ts';
import type { StepCost } from './step-cost.ts';

export class LookupSource implements DraftSource {
  readonly name = 'lookup';
  readonly #drafters = new Map<Sequence, Drafter>();

  offer(answers: readonly Answer[], cost: StepCost): DraftOffer {
    const drafts = new Map<Sequence, readonly number[]>();
    let outlook: StepOutlook = { tokens: answers.length, expected: answers.length };
    for (const { sequence, most } of answers) {
      const draft = this.#drafterOf(sequence).draft(cost, outlook, Math.min(most, longestDraft));
      outlook = draft.step;
      if (draft.tokens.length > 0) drafts.set(sequence, draft.tokens);
    }
    return { outlook, draftMs: 0, guess: () => drafts };
  }

  observe(sequence: Sequence, index: number, token: number): void {
    this.#drafters.get(sequence)?.observe(index, token);
  }

  forget(sequence: Sequence): void {
    this.#drafters.delete(sequence);
  }

  /** Made at its first use: it reads the whole prompt. */
  #drafterOf(sequence: Sequence): Drafter {
    let drafter = this.#drafters.get(sequence);
    if (drafter === undefined) this.#drafters.set(sequence, (drafter = new Drafter(sequence.tokens)));
    return drafter;
  }
}

/** For one answer: what to guess next, and what became of the guesses. */
class Drafter {
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
    const rateAt = (index: number) => this.#rates.rate(matchLength + index);
    const best = draftLength(rateAt, cost, step, Math.min(most, tokens.length));
    return { tokens: tokens.slice(0, best.length), step: best.step };
  }

  observe(index: number, token: number): void {
    const guessed = this.#guess?.tokens[index];
    if (this.#guess === undefined || guessed === undefined) return;
    this.#rates.observe(this.#guess.matchLength + index, guessed === token);
  }
}
