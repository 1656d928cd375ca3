/** Chooses what the next step computes. Pure. */
import type { Sequence } from './sequence.ts';
import type { BatchEntry } from './types.ts';

export type PlannedStep = {
  entries: BatchEntry[];
  decodeTokens: number;
  prefillTokens: number;
  /** Tokens that each sequence gets, in batch order. */
  shares: { sequence: Sequence; count: number; outputIndex: number | undefined }[];
};

/**
 * Every running answer gets its one token first. What is left of the budget goes to prompts: half to the one that
 * waits longest, the rest to those nearest their end, so that a short question is not held up by a long document and
 * the document is not starved by short questions.
 */
export function planStep(sequences: readonly Sequence[], tokenBudget: number): PlannedStep {
  const step: PlannedStep = { entries: [], decodeTokens: 0, prefillTokens: 0, shares: [] };
  const decoding = sequences.filter((sequence) => sequence.isDecoding);
  for (const sequence of decoding) addTokens(step, sequence, 1);
  step.decodeTokens = step.entries.length;

  const prefilling = sequences.filter((sequence) => !sequence.isDecoding);
  let budget = tokenBudget - step.decodeTokens;
  const oldest = prefilling[0];
  if (oldest === undefined || budget <= 0) return step;
  const shares = new Map<Sequence, number>();
  const give = (sequence: Sequence, wanted: number) => {
    const already = shares.get(sequence) ?? 0;
    const count = Math.min(wanted, budget, sequence.remainingPrefill - already);
    if (count <= 0) return;
    shares.set(sequence, already + count);
    budget -= count;
  };
  if (prefilling.length > 1) give(oldest, Math.ceil(budget / 2));
  const shortestFirst = prefilling.toSorted((left, right) => left.remainingPrefill - right.remainingPrefill);
  for (const sequence of shortestFirst) give(sequence, budget);
  for (const [sequence, count] of shares) addTokens(step, sequence, count);
  step.prefillTokens = step.entries.length - step.decodeTokens;
  return step;
}

function addTokens(step: PlannedStep, sequence: Sequence, count: number): void {
  const end = sequence.computed + count;
  const reachesEnd = end === sequence.tokens.length;
  for (let position = sequence.computed; position < end; position++) {
    const token = sequence.tokens[position] as number;
    step.entries.push({ token, position, slot: sequence.slot, wantsOutput: reachesEnd && position === end - 1 });
  }
  step.shares.push({ sequence, count, outputIndex: reachesEnd ? step.entries.length - 1 : undefined });
}
