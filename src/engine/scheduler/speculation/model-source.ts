/**
 * Guesses of a smaller model with the same vocabulary. It has a cache of its own that follows the texts of the answers; what it costs to
 * keep up and to guess is measured and counted against what the guesses gain.
 */
import type { Clock } from '../../../core/clock.ts';
import type { Sequence } from '../sequence.ts';
import type { BatchEntry, DraftRunner } from '../types.ts';
import { AcceptanceRate, draftLength, margin, type RateClasses, type StepOutlook } from './draft-length.ts';
import { longestDraft, type Answer, type DraftOffer, type Drafts, type DraftSource } from './draft-source.ts';
import type { DraftText } from './draft-text.ts';
import { DraftTexts } from './draft-texts.ts';
import { StepCost } from './step-cost.ts';

/** Of longer texts the draft model knows the beginning and what is newest. */
export const mostDraftTokens = 1_024;
/** Missing tokens that are computed together with the first guess; more of them are caught up with before. */
const nearTokens = 16;
/** A piece of catching up takes about this long, so that nobody waits for it who wants to leave or to come in. Milliseconds. */
const catchUpMs = 200;
/** By how sure the draft model is of a guess. */
const byProbability: RateClasses = { starts: [0, 0.3, 0.6, 0.85, 0.97], assumed: [0.2, 0.45, 0.7, 0.88, 0.97] };
const assumedRate = 0.65;
const rateWeight = 8;
const rateMemory = 0.98;
/** Where the drafts do not pay, so much of the time goes into trying them again. */
const trialShare = 0.03;
/** At first nobody knows, and so much time may go into finding out. Milliseconds. */
const firstTrialMs = 3_000;
const trialSteps = 8;
const trialLength = 2;
/** An answer is taken to go on for at least so many tokens more, and for as many again as it has. */
const assumedRemaining = 64;

export type ModelSourceOptions = {
  runner: DraftRunner;
  clock: Clock;
  /** What one token costs of what it costs the model itself, as far as nothing was measured: by their sizes. */
  assumedCostShare: number;
  /** Tokens of one text in the draft model's cache at most. Default `mostDraftTokens`. */
  mostTokens?: number;
};

type Follower = Answer & { text: DraftText; missing: number };
type Plan = { length: number; outlook: StepOutlook; draftMs: number; pace: number };
type Guess = { tokens: number[]; probabilities: number[] };

export class ModelSource implements DraftSource {
  readonly name = 'model';
  readonly #runner: DraftRunner;
  readonly #clock: Clock;
  readonly #assumedCostShare: number;
  readonly #mostTokens: number;
  readonly #texts: DraftTexts;
  readonly #cost = new StepCost();
  /** How often guesses were right: by how sure the model was, over all, and answer by answer. */
  readonly #bySureness = new AcceptanceRate(byProbability);
  #overall: Rate = { right: assumedRate * rateWeight, all: rateWeight };
  readonly #byAnswer = new WeakMap<Sequence, Rate>();
  readonly #guesses = new Map<Sequence, Guess>();
  /** Answers whose text is being caught up with. */
  readonly #catchingUp = new WeakSet<Sequence>();
  #trialStepsLeft = 0;
  /** Time of steps without drafts of this source, since it was last tried. */
  #idleMs = firstTrialMs / trialShare;

  constructor({ runner, clock, assumedCostShare, mostTokens = mostDraftTokens }: ModelSourceOptions) {
    this.#mostTokens = mostTokens;
    this.#runner = runner;
    this.#clock = clock;
    this.#assumedCostShare = assumedCostShare;
    this.#texts = new DraftTexts(runner);
  }

  /** Computes a piece of a text that it is far behind with, where that will have paid by the end of the answer. */
  async prepare(answers: readonly Answer[], cost: StepCost): Promise<void> {
    this.#guesses.clear();
    // Before the first step nothing can be said of what pays.
    if (!cost.isKnown) return;
    const behind = this.#followers(answers).filter(({ missing }) => missing > nearTokens);
    for (const follower of behind) {
      if (!this.#isWorthCatchingUp(follower, answers.length, cost)) continue;
      const { text, sequence, missing } = follower;
      const perTokenMs = this.#draftMs(missing, cost) / missing;
      const count = Math.min(
        missing - 1,
        this.#runner.batchCapacity,
        Math.max(nearTokens, Math.round(catchUpMs / perTokenMs)),
      );
      const entries = text.entries(sequence.tokens, count, false);
      if (await this.#decode(entries)) text.computed(entries);
      return;
    }
  }

  offer(answers: readonly Answer[], cost: StepCost): DraftOffer | undefined {
    if (!cost.isKnown) return undefined;
    const near = this.#followers(answers).filter(({ missing, most }) => missing <= nearTokens && most > 0);
    if (near.length === 0) return undefined;
    const plan = this.#plan(near, answers.length, cost);
    if (plan === undefined) return undefined;
    const isTrial = this.#isTrial(plan, near, answers.length, cost);
    const length = isTrial ? Math.max(trialLength, plan.length) : plan.length;
    return { ...plan, isTrial, guess: () => this.#guess(near, { ...plan, length }, isTrial, answers.length, cost) };
  }

  observe(sequence: Sequence, index: number, token: number): void {
    const guess = this.#guesses.get(sequence);
    const guessed = guess?.tokens[index];
    if (guess === undefined || guessed === undefined) return;
    const isRight = guessed === token;
    this.#bySureness.observe(guess.probabilities[index] as number, isRight);
    this.#byAnswer.set(sequence, observed(this.#rateOf(sequence), isRight));
    this.#overall = observed(this.#overall, isRight);
  }

  skipped(stepMs: number): void {
    this.#idleMs += stepMs;
  }

  forget(sequence: Sequence): void {
    this.#guesses.delete(sequence);
    this.#texts.forget(sequence);
  }

  setThreads(threads: number): void {
    this.#runner.setThreads(threads);
  }

  /** Answers that it can follow; a picture it could not see. */
  #followers(answers: readonly Answer[]): Follower[] {
    const followers: Follower[] = [];
    for (const { sequence, most } of answers) {
      const { pictures = [], budget } = sequence.job;
      const text = pictures.length > 0 ? undefined : this.#texts.of(sequence);
      if (text === undefined) continue;
      const mostCells = Math.min(this.#mostTokens, this.#runner.cells, budget?.tokens ?? Number.POSITIVE_INFINITY);
      const missing = text.follow(sequence.tokens, mostCells - longestDraft);
      followers.push({ sequence, most: Math.min(most, longestDraft), text, missing });
    }
    return followers;
  }

  /** How long drafts should be so that the step says most for its time, the guesses' time counted; may promise less than no draft. */
  #plan(near: readonly Follower[], answers: number, cost: StepCost): Plan | undefined {
    const firstTokens = near.reduce((sum, { missing }) => sum + missing, 0);
    const longest = Math.max(...near.map(({ most }) => most));
    let best: Plan | undefined;
    let draftMs = this.#draftMs(firstTokens, cost);
    const outlook = { tokens: answers, expected: answers };
    for (let length = 1; length <= longest; length++) {
      const going = near.filter(({ most }) => most >= length);
      if (length > 1) draftMs += this.#draftMs(going.length, cost);
      outlook.tokens += going.length;
      for (const { sequence } of going) outlook.expected += share(this.#rateOf(sequence)) ** length;
      const pace = outlook.expected / (cost.expected(outlook.tokens) + draftMs);
      if (best === undefined || pace > best.pace) best = { length, outlook: { ...outlook }, draftMs, pace };
    }
    return best;
  }

  #isTrial(plan: Plan, near: readonly Follower[], answers: number, cost: StepCost): boolean {
    if (this.#trialStepsLeft > 0) {
      this.#trialStepsLeft--;
      return true;
    }
    if (plan.pace > paceWithout(answers, cost) * margin) return false;
    if (this.#idleMs * trialShare < this.#trialMs(near.length, answers, cost)) return false;
    this.#idleMs = 0;
    this.#trialStepsLeft = trialSteps - 1;
    return true;
  }

  #trialMs(near: number, answers: number, cost: StepCost): number {
    const perStep =
      trialLength * this.#draftMs(near, cost) + cost.expected(answers + trialLength * near) - cost.expected(answers);
    return trialSteps * Math.max(0, perStep);
  }

  #isWorthCatchingUp(follower: Follower, answers: number, cost: StepCost): boolean {
    const { sequence, missing, most } = follower;
    if (this.#catchingUp.has(sequence)) return true;
    const plan = most > 0 ? this.#plan([{ ...follower, missing: 1 }], answers, cost) : undefined;
    if (plan === undefined) return false;
    const without = paceWithout(answers, cost);
    const { job, generated } = sequence;
    const remaining = Math.min(job.maxTokens - generated, Math.max(assumedRemaining, generated));
    const saves = plan.pace > without * margin ? (1 / without - 1 / plan.pace) * answers * remaining : 0;
    const takes = this.#draftMs(missing, cost);
    const isTrial = saves < takes && this.#idleMs * trialShare >= takes + this.#trialMs(1, answers, cost);
    if (saves < takes && !isTrial) return false;
    this.#catchingUp.add(sequence);
    return true;
  }

  async #guess(
    near: readonly Follower[],
    plan: Plan,
    isTrial: boolean,
    answers: number,
    cost: StepCost,
  ): Promise<Drafts> {
    const checkMs =
      (cost.expected(plan.outlook.tokens) - cost.expected(answers)) / Math.max(1, plan.outlook.tokens - answers);
    let going = near.map((follower) => ({ follower, guess: { tokens: [], probabilities: [] } as Guess, chance: 1 }));
    for (const { follower, guess } of going) this.#guesses.set(follower.sequence, guess);
    for (let round = 0; going.length > 0; round++) {
      const shares = going.map(({ follower: { text, sequence, missing }, guess }) =>
        round === 0 ? text.entries(sequence.tokens, missing, true) : [text.entryOf(guess.tokens.at(-1) as number)],
      );
      if (!(await this.#decode(shares.flat()))) break;
      const perRoundMs = this.#draftMs(going.length, cost) / going.length;
      let output = -1;
      going = going.filter((each, index) => {
        const { follower, guess } = each;
        const entries = shares[index] as BatchEntry[];
        follower.text.computed(entries);
        output += entries.length;
        const { token, probability, isEnd } = this.#runner.top(output);
        guess.tokens.push(token);
        guess.probabilities.push(probability);
        each.chance *= this.#bySureness.rate(probability);
        if (isEnd || guess.tokens.length >= follower.most) return false;
        if (isTrial) return guess.tokens.length < plan.length;
        const gain = each.chance * share(this.#rateOf(follower.sequence));
        return gain / (perRoundMs + checkMs) > plan.pace;
      });
    }
    return this.#worthChecking(near, isTrial, answers, cost);
  }

  /** Guesses that are made cost no more: of these only what pays its check is checked. */
  #worthChecking(near: readonly Follower[], isTrial: boolean, answers: number, cost: StepCost): Drafts {
    const drafts = new Map<Sequence, readonly number[]>();
    let step: StepOutlook = { tokens: answers, expected: answers };
    for (const { sequence } of near) {
      const { tokens, probabilities } = this.#guesses.get(sequence) as Guess;
      const rateAt = (index: number) => this.#bySureness.rate(probabilities[index] as number);
      const best = draftLength(rateAt, cost, step, tokens.length);
      step = best.step;
      const checked = isTrial ? tokens : tokens.slice(0, best.length);
      if (checked.length > 0) drafts.set(sequence, [...checked]);
    }
    return drafts;
  }

  /** False where the cache has no room. */
  async #decode(entries: readonly BatchEntry[]): Promise<boolean> {
    if (entries.length > this.#runner.batchCapacity) return false;
    for (;;) {
      const startedAt = this.#clock.now();
      if ((await this.#runner.decode(entries)) === 'done') {
        this.#cost.observe(entries.length, this.#clock.now() - startedAt);
        return true;
      }
      if (!this.#texts.freeOldest()) return false;
    }
  }

  #draftMs(tokens: number, cost: StepCost): number {
    if (tokens === 0) return 0;
    return this.#cost.isKnown ? this.#cost.expected(tokens) : this.#assumedCostShare * cost.expected(tokens);
  }

  #rateOf(sequence: Sequence): Rate {
    const own = this.#byAnswer.get(sequence);
    if (own !== undefined) return own;
    return { right: share(this.#overall) * rateWeight, all: rateWeight };
  }
}

/** Guesses that were right, of all; older ones count less. */
type Rate = { right: number; all: number };

function share({ right, all }: Rate): number {
  return right / all;
}

function observed({ right, all }: Rate, isRight: boolean): Rate {
  return { right: right * rateMemory + (isRight ? 1 : 0), all: all * rateMemory + 1 };
}

function paceWithout(answers: number, cost: StepCost): number {
  return answers / cost.expected(answers);
}
