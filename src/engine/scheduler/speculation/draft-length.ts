/**
 * How long a draft may be, so that it pays: a token that is checked and thrown away costs time too. What a token more in a step costs
 * and how often drafts are right are both measured on the way; where they do not pay nothing is drafted. Pure.
 */
import type { StepCost } from './step-cost.ts';

/** A draft must promise this much more than going without: the figures are estimates. */
export const margin = 1.05;

/** From where on the next class begins, and how often guesses of each class are right as far as nobody knows. */
export type RateClasses = { starts: readonly number[]; assumed: readonly number[] };

/** By the agreement of the text before a guess, in tokens. */
const byAgreement: RateClasses = { starts: [2, 4, 8], assumed: [0.4, 0.6, 0.85] };
/** Guesses that the assumption counts for. */
const rateWeight = 4;
const rateMemory = 0.95;

/** How often guesses were right, by what speaks for them. Counts also what was not drafted. */
export class AcceptanceRate {
  readonly #classes: RateClasses;
  readonly #right: number[];
  readonly #all: number[];

  constructor(classes: RateClasses = byAgreement) {
    this.#classes = classes;
    this.#right = classes.starts.map(() => 0);
    this.#all = classes.starts.map(() => 0);
  }

  /** @param support what the classes go by */
  observe(support: number, isRight: boolean): void {
    const index = this.#classOf(support);
    this.#right[index] = (this.#right[index] as number) * rateMemory + (isRight ? 1 : 0);
    this.#all[index] = (this.#all[index] as number) * rateMemory + 1;
  }

  rate(support: number): number {
    const index = this.#classOf(support);
    const assumed = (this.#classes.assumed[index] as number) * rateWeight;
    return ((this.#right[index] as number) + assumed) / ((this.#all[index] as number) + rateWeight);
  }

  #classOf(support: number): number {
    return Math.max(
      0,
      this.#classes.starts.findLastIndex((start) => support >= start),
    );
  }
}

/** A step as planned so far. */
export type StepOutlook = {
  /** Tokens computed. */
  tokens: number;
  /** Tokens of answers that are expected to come of it. */
  expected: number;
};

/**
 * `rateAt`: how likely the guess at an index is right, if all before it are.
 * Tokens of a draft of at most `most` that make the step say most for its time, and what the step looks like with them; 0 where
 * nothing is gained.
 */
export function draftLength(
  rateAt: (index: number) => number,
  cost: StepCost,
  step: StepOutlook,
  most: number,
): { length: number; step: StepOutlook } {
  let best = { length: 0, step };
  let bestPace = (step.expected / cost.expected(step.tokens)) * margin;
  let chance = 1;
  let { expected } = step;
  for (let length = 1; length <= most; length++) {
    chance *= rateAt(length - 1);
    expected += chance;
    const tokens = step.tokens + length;
    const pace = expected / cost.expected(tokens);
    if (pace <= bestPace) continue;
    bestPace = pace;
    best = { length, step: { tokens, expected } };
  }
  return best;
}
