/**
 * How long a draft may be, so that it pays: a token that is checked and thrown away costs time too. What a token more in a step costs
 * and how often drafts are right are both measured on the way; where they do not pay nothing is drafted. Pure.
 */
import type { StepCost } from './step-cost.ts';

/** A draft must promise this much more than going without: the figures are estimates. */
const margin = 1.05;

/** Agreement of the text before a draft, from where on the next class begins. */
const classStarts = [2, 4, 8] as const;
const assumedRates = [0.4, 0.6, 0.85] as const;
/** Guesses that the assumption counts for. */
const rateWeight = 4;
const rateMemory = 0.95;

/** How often guesses of one answer were right, by how long the text before them agreed. Counts also what was not drafted. */
export class AcceptanceRate {
  readonly #right = [0, 0, 0];
  readonly #all = [0, 0, 0];

  observe(matchLength: number, isRight: boolean): void {
    const index = classOf(matchLength);
    this.#right[index] = (this.#right[index] as number) * rateMemory + (isRight ? 1 : 0);
    this.#all[index] = (this.#all[index] as number) * rateMemory + 1;
  }

  rate(matchLength: number): number {
    const index = classOf(matchLength);
    const assumed = (assumedRates[index] as number) * rateWeight;
    return ((this.#right[index] as number) + assumed) / ((this.#all[index] as number) + rateWeight);
  }
}

function classOf(matchLength: number): number {
  return matchLength >= classStarts[2] ? 2 : matchLength >= classStarts[1] ? 1 : 0;
}

/** A step as planned so far. */
export type StepOutlook = {
  /** Tokens computed. */
  tokens: number;
  /** Tokens of answers that are expected to come of it. */
  expected: number;
};

/**
 * Tokens of a draft of at most `most` that make the step say most for its time, and what the step looks like with them; 0 where
 * nothing is gained.
 */
export function draftLength(
  matchLength: number,
  rates: AcceptanceRate,
  cost: StepCost,
  step: StepOutlook,
  most: number,
): { length: number; step: StepOutlook } {
  let best = { length: 0, step };
  let bestPace = (step.expected / cost.expected(step.tokens)) * margin;
  let chance = 1;
  let { expected } = step;
  for (let length = 1; length <= most; length++) {
    chance *= rates.rate(matchLength + length - 1);
    expected += chance;
    const tokens = step.tokens + length;
    const pace = expected / cost.expected(tokens);
    if (pace <= bestPace) continue;
    bestPace = pace;
    best = { length, step: { tokens, expected } };
  }
  return best;
}
