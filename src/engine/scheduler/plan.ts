/** Chooses what the next step computes. Pure. */
import type { Sequence } from './sequence.ts';
import type { BatchEntry, PicturePiece } from './types.ts';

export type StepShare = {
  sequence: Sequence;
  /** Its own tokens, without the draft. */
  count: number;
  outputIndex: number | undefined;
  /** Tokens behind its own; their outputs follow at the next indices. */
  draft: readonly number[];
};

export type PlannedStep = {
  /** Parts of pictures, computed one after another before the batch of tokens. */
  pictures: { sequence: Sequence; piece: PicturePiece }[];
  entries: BatchEntry[];
  /** Answers that go on, one token each. */
  decodeTokens: number;
  /** Guessed tokens that are checked on top. */
  draftTokens: number;
  prefillTokens: number;
  /** Tokens that each sequence gets, in batch order. */
  shares: StepShare[];
};

/**
 * Every running answer gets its one token first. What is left of the budget goes to prompts: half to the one that
 * waits longest, the rest to those nearest their end, so that a short question is not held up by a long document and
 * the document is not starved by short questions. Drafts belong to answers that go on.
 */
export function planStep(
  sequences: readonly Sequence[],
  tokenBudget: number,
  drafts: ReadonlyMap<Sequence, readonly number[]> = new Map(),
): PlannedStep {
  const step: PlannedStep = {
    pictures: [],
    entries: [],
    decodeTokens: 0,
    draftTokens: 0,
    prefillTokens: 0,
    shares: [],
  };
  const decoding = sequences.filter((sequence) => sequence.isDecoding);
  for (const sequence of decoding) addTokens(step, sequence, 1, drafts.get(sequence));
  step.decodeTokens = decoding.length;
  step.draftTokens = step.entries.length - decoding.length;

  const prefilling = sequences.filter((sequence) => !sequence.isDecoding);
  let budget = tokenBudget - step.entries.length;
  const oldest = prefilling[0];
  if (oldest === undefined || budget <= 0) return step;
  const shares = new Map<Sequence, number>();
  const give = (sequence: Sequence, wanted: number) => {
    const already = shares.get(sequence) ?? 0;
    const count = Math.min(wanted, budget, reachable(sequence) - already);
    if (count <= 0) return;
    shares.set(sequence, already + count);
    budget -= count;
  };
  if (prefilling.length > 1 && wholeOf(oldest) === undefined) give(oldest, Math.ceil(budget / 2));
  // What does not fit the budget is computed as a whole all the same: smaller it cannot be.
  const whole = prefilling.find((sequence) => wholeOf(sequence) !== undefined);
  if (whole !== undefined) shares.set(whole, wholeOf(whole) ?? 0);
  const shortestFirst = prefilling.toSorted((left, right) => left.remainingPrefill - right.remainingPrefill);
  for (const sequence of shortestFirst) if (wholeOf(sequence) === undefined) give(sequence, budget);
  for (const [sequence, count] of shares) {
    if (sequence.spanAt(sequence.computed) === undefined) addTokens(step, sequence, count);
    else addPicture(step, sequence, count);
    step.prefillTokens += count;
  }
  return step;
}

/** Tokens that one step can compute: up to where text and picture meet, or the cache's budget is full. */
function reachable(sequence: Sequence): number {
  const { computed, remainingPrefill, job, room } = sequence;
  const span = sequence.spanAt(computed);
  if (span !== undefined) return Math.min(room, span.start + span.count - computed);
  const next = job.pictures?.find(({ start }) => start > computed);
  return Math.min(room, next === undefined ? remainingPrefill : next.start - computed);
}

/** Tokens of the picture that comes next, where it cannot be cut. */
function wholeOf(sequence: Sequence): number | undefined {
  const span = sequence.spanAt(sequence.computed);
  return span === undefined || span.isCausal ? undefined : span.count;
}

function addPicture(step: PlannedStep, sequence: Sequence, count: number): void {
  const span = sequence.spanAt(sequence.computed);
  if (span === undefined) return;
  const { computed, slot } = sequence;
  const piece = { span, from: computed - span.start, count, position: sequence.positionAt(span.start), slot };
  step.pictures.push({ sequence, piece });
}

function addTokens(step: PlannedStep, sequence: Sequence, count: number, draft: readonly number[] = []): void {
  const end = sequence.computed + count;
  const reachesEnd = end === sequence.tokens.length;
  for (let index = sequence.computed; index < end; index++) {
    const token = sequence.tokens[index] as number;
    const wantsOutput = reachesEnd && index === end - 1;
    step.entries.push({ token, position: sequence.positionAt(index), slot: sequence.slot, wantsOutput });
  }
  const outputIndex = reachesEnd ? step.entries.length - 1 : undefined;
  step.shares.push({ sequence, count, outputIndex, draft });
  for (const [index, token] of draft.entries()) {
    step.entries.push({ token, position: sequence.positionAt(end + index), slot: sequence.slot, wantsOutput: true });
  }
}
