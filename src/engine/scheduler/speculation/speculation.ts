/** Which guesses ride along in a step: those of the source that promises most, or none. */
import type { Clock } from '../../../core/clock.ts';
import type { PlannedStep } from '../plan.ts';
import type { Sequence } from '../sequence.ts';
import { margin } from './draft-length.ts';
import {
  longestDraft,
  type Answer,
  type DraftOffer,
  type Drafts,
  type DraftSource,
  type DraftSourceName,
} from './draft-source.ts';
import { StepCost } from './step-cost.ts';

/** Guessed tokens that were checked, and those of them that were right. */
export type DraftCount = { checked: number; right: number };

export type SpeculationStatistics = {
  drafts: Record<DraftSourceName, DraftCount>;
  /** Time that went into guesses, in milliseconds. */
  draftMs: number;
  /** Sources that failed and are no longer asked. */
  draftFailures: number;
};

export class Speculation {
  #sources: DraftSource[];
  readonly #clock: Clock;
  readonly #cost = new StepCost();
  /** Whose drafts are in the step that is computed; `undefined`: it has none. */
  #chosen: DraftSource | undefined;
  /** Whether sources have guessed for that step. */
  #hasGuessed = false;
  readonly #statistics: SpeculationStatistics = {
    drafts: { lookup: { checked: 0, right: 0 }, model: { checked: 0, right: 0 } },
    draftMs: 0,
    draftFailures: 0,
  };

  constructor(sources: readonly DraftSource[], clock: Clock) {
    this.#sources = [...sources];
    this.#clock = clock;
  }

  get statistics(): SpeculationStatistics {
    return structuredClone(this.#statistics);
  }

  /**
   * Guesses for a step of nothing but answers.
   * @param spare tokens that it may hold beyond one for each answer
   */
  async draft(sequences: readonly Sequence[], spare: number): Promise<Drafts> {
    this.#chosen = undefined;
    this.#hasGuessed = this.#sources.length > 0;
    if (!this.#hasGuessed) return new Map();
    const share = Math.max(0, Math.min(longestDraft, Math.floor(spare / sequences.length)));
    // The last token that may be said needs no successor.
    const answers = sequences.map((sequence) => ({
      sequence,
      most: Math.max(0, Math.min(share, sequence.job.maxTokens - sequence.generated - 1)),
    }));
    const startedAt = this.#clock.now();
    const drafts = await this.#best(answers);
    this.#statistics.draftMs += this.#clock.now() - startedAt;
    return drafts;
  }

  /** A step that does not only continue answers. */
  pause(): void {
    this.#chosen = undefined;
    this.#hasGuessed = false;
  }

  /** What a planned step took. */
  observeStep(step: PlannedStep, stepMs: number): void {
    if (this.#sources.length === 0) return;
    if (step.prefillTokens === 0) this.#cost.observe(step.entries.length, stepMs);
    if (this.#chosen !== undefined) this.#statistics.drafts[this.#chosen.name].checked += step.draftTokens;
    for (const source of this.#sources) if (source !== this.#chosen) source.skipped?.(stepMs);
  }

  /** The token at `index` behind the last one that was known. */
  observe(sequence: Sequence, index: number, token: number): void {
    if (!this.#hasGuessed) return;
    for (const source of this.#sources) source.observe(sequence, index, token);
  }

  accepted(tokens: number): void {
    if (this.#chosen !== undefined) this.#statistics.drafts[this.#chosen.name].right += tokens;
  }

  forget(sequence: Sequence): void {
    for (const source of this.#sources) source.forget(sequence);
  }

  setThreads(threads: number): void {
    for (const source of this.#sources) source.setThreads?.(threads);
  }

  async #best(answers: readonly Answer[]): Promise<Drafts> {
    let best: { source: DraftSource; offer: DraftOffer } | undefined;
    let bestPace = (answers.length / this.#cost.expected(answers.length)) * margin;
    for (const source of this.#sources.slice()) {
      const offer = await this.#offerOf(source, answers);
      if (offer === undefined || offer.outlook.tokens === answers.length) continue;
      const pace = offer.outlook.expected / (this.#cost.expected(offer.outlook.tokens) + offer.draftMs);
      if (pace <= bestPace && offer.isTrial !== true) continue;
      best = { source, offer };
      bestPace = offer.isTrial === true ? Number.POSITIVE_INFINITY : pace;
    }
    if (best === undefined) return new Map();
    try {
      const drafts = await best.offer.guess();
      if (drafts.size > 0) this.#chosen = best.source;
      return drafts;
    } catch {
      this.#drop(best.source);
      return new Map();
    }
  }

  async #offerOf(source: DraftSource, answers: readonly Answer[]): Promise<DraftOffer | undefined> {
    try {
      await source.prepare?.(answers, this.#cost);
      return source.offer(answers, this.#cost);
    } catch {
      this.#drop(source);
      return undefined;
    }
  }

  /** Answers go on without it: no request fails because of a guess. */
  #drop(source: DraftSource): void {
    this.#statistics.draftFailures++;
    this.#sources = this.#sources.filter((each) => each !== source);
  }
}
