/** Where guesses of an answer's next tokens come from. */
import type { Sequence } from '../sequence.ts';
import type { StepOutlook } from './draft-length.ts';
import type { StepCost } from './step-cost.ts';

export type DraftSourceName = 'lookup' | 'model';

/** Rejected tokens are wasted, and each checked token needs room for its logits (0.6 MB with a vocabulary of 152k). */
export const longestDraft = 8;

/** An answer that goes on in the next step, and how many tokens may be guessed for it. */
export type Answer = { sequence: Sequence; most: number };

export type Drafts = ReadonlyMap<Sequence, readonly number[]>;

/** What drafts of one source promise of the next step. */
export type DraftOffer = {
  outlook: StepOutlook;
  /** Milliseconds that making the guesses takes, on top of the step. */
  draftMs: number;
  /** To be taken whatever it promises: it is how the source learns whether its drafts would pay again. */
  isTrial?: boolean;
  /** Makes them, at most as many as each answer may have. Rejects where the source has failed. */
  guess(): Drafts | Promise<Drafts>;
};

/**
 * Guesses cost time, and so does checking them. A source says first what it promises; it is asked for the guesses only where that is more
 * than another source, and than going without. It is told of every token that was really said.
 */
export interface DraftSource {
  readonly name: DraftSourceName;
  /** Before each step that holds nothing but answers: work that later guesses need. */
  prepare?(answers: readonly Answer[], cost: StepCost): Promise<void>;
  /** `undefined`: nothing to guess. May be an offer of less than going without. */
  offer(answers: readonly Answer[], cost: StepCost): DraftOffer | undefined;
  /** What was really said where the token at `index` of the last guess would stand, as long as all before it were right. */
  observe(sequence: Sequence, index: number, token: number): void;
  /** A step went without drafts of this source. */
  skipped?(stepMs: number): void;
  /** The sequence has ended or lost its place. */
  forget(sequence: Sequence): void;
  setThreads?(threads: number): void;
}
