/**
 * Continuous batching: each step computes one token for every running answer and then chunks of prompts, up to the
 * controller's budget. New requests join between steps and finished ones leave at once.
 */
import { makeError } from '../../core/errors.ts';
import type { Clock } from '../../core/clock.ts';
import { mostCells, targetCells, type CacheBudget } from '../cache/cache-budget.ts';
import { commonPrefixLength, PrefixCache, type Compressed, type PrefixMatch } from '../cache/prefix-cache.ts';
import { compress } from './compress.ts';
import type { BatchController, DeviceLoad } from './controller.ts';
import { AdapterTurns } from './adapter-turns.ts';
import { planStep, type PlannedStep } from './plan.ts';
import { WaitingQueue } from './queue.ts';
import { adapterKey, positionAt, Sequence, statisticsOf, wholePictures, type WaitingJob } from './sequence.ts';
import { checkDraft } from './speculation/check-draft.ts';
import type { Drafts, DraftSource } from './speculation/draft-source.ts';
import { Speculation, type SpeculationStatistics } from './speculation/speculation.ts';
import { nextTurn, type Turnstile } from './turnstile.ts';
import type { Job, JobOutcome, KeptSequence, SampledToken, StepRunner } from './types.ts';

export type SchedulerOptions = {
  runner: StepRunner;
  controller: BatchController;
  clock: Clock;
  /** Held while a step computes; other native work takes turns by it. */
  turnstile: Turnstile;
  /** Requests that may wait. */
  maxQueued: number;
  /** A request that has waited longer gets `engine_overloaded`. Milliseconds. */
  maxQueuedMs: number;
  /** Finished sequences kept for their prefixes; 0 for none. */
  maxCachedSequences: number;
  /** Tokens of theirs at most; the newest sequence stays whatever its length. */
  maxCachedTokens: number;
  /** Where guesses come from, that are checked several in one step where that pays. Default: nowhere. */
  draftSources?: readonly DraftSource[];
  /** After this time without a request the cache gives back what it had grown by. Default 60 s. */
  restAfterMs?: number;
};

export type SchedulerStatistics = SpeculationStatistics & {
  running: number;
  queued: number;
  cachedSequences: number;
  cellsUsed: number;
  cells: number;
  /** Bytes of keys and values in the cells that are in use. */
  cacheBytes: number;
  /** Tokens that went because a sequence had outgrown its budget, and how often that happened. */
  evictedTokens: number;
  evictions: number;
  tokenBudget: number;
  maxRunning: number;
  threads: number;
  limitReasons: string[];
  steps: number;
  prefillTokens: number;
  decodeTokens: number;
  prefixHits: number;
  prefixTokens: number;
  preemptions: number;
  lastStepMs: number;
};

/** Cells kept free for a new answer when it is let in; it may grow beyond them. */
const answerReserveTokens = 64;
/** Waiting for another request to compute a shared prefix must save at least this many tokens. */
const worthSharingTokens = 16;
const defaultRestAfterMs = 60_000;

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #waiting: WaitingQueue<WaitingJob>;
  readonly #cache: PrefixCache;
  readonly #turns = new AdapterTurns();
  readonly #freeSlots: number[] = [];
  #running: Sequence[] = [];
  readonly #cancelled = new Set<string>();
  /** Sequences that wait to be taken in between two steps. */
  readonly #restores: (() => void)[] = [];
  /** Callbacks put off until the sampling of a step is done. */
  #deliveries: (() => void)[] = [];
  #cellsUsed = 0;
  #wake: (() => void) | undefined;
  #stopped = false;
  #threads = 0;
  readonly #speculation: Speculation;
  readonly #loop: Promise<void>;
  readonly #counters = {
    steps: 0,
    prefillTokens: 0,
    decodeTokens: 0,
    prefixHits: 0,
    prefixTokens: 0,
    preemptions: 0,
    evictedTokens: 0,
    evictions: 0,
    lastStepMs: 0,
  };

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#waiting = new WaitingQueue(options.maxQueued);
    const { runner } = options;
    // Rejected tokens are cut off, which recurrent models cannot do.
    this.#speculation = new Speculation(runner.canSharePrefixes ? (options.draftSources ?? []) : [], options.clock);
    const cached = runner.canSharePrefixes ? Math.min(options.maxCachedSequences, runner.slots - 1) : 0;
    this.#cache = new PrefixCache({ maxEntries: cached, maxTokens: options.maxCachedTokens });
    for (let slot = runner.slots - 1; slot >= 0; slot--) this.#freeSlots.push(slot);
    this.#loop = this.#run();
  }

  /** Queues a generation. Throws `queue_full`. */
  submit(job: Job): void {
    if (this.#stopped) throw makeError('shutting_down', {});
    if (this.#waiting.isFull) {
      const retryAfterSeconds = Math.max(1, Math.ceil(this.#waiting.length / 4));
      throw makeError('queue_full', { queued: this.#waiting.length, retryAfterSeconds }, { retryAfterSeconds });
    }
    const now = this.#options.clock.now();
    const progress = { enqueuedAt: now, firstStartedAt: undefined, firstTokenAt: undefined, cachedTokens: 0 };
    this.#waiting.add({ job, tokens: job.promptTokens, sampler: undefined, progress }, job.priority, now);
    this.#wake?.();
  }

  /** Ends a generation wherever it is; its `onDone` says `cancelled`. Unknown ids are ignored. */
  cancel(id: string): void {
    this.#cancelled.add(id);
    this.#wake?.();
  }

  observeDevice(load: DeviceLoad): void {
    this.#options.controller.observeDevice(load);
  }

  statistics(): SchedulerStatistics {
    const { runner, controller } = this.#options;
    const limits = controller.limits(this.#decoding());
    return {
      running: this.#running.length,
      queued: this.#waiting.length,
      cachedSequences: this.#cache.size,
      cellsUsed: this.#cellsUsed,
      cells: runner.cells,
      cacheBytes: this.#cellsUsed * runner.bytesPerCell,
      tokenBudget: limits.tokenBudget,
      maxRunning: limits.maxRunning,
      threads: limits.threads,
      limitReasons: limits.reasons,
      ...this.#counters,
      ...this.#speculation.statistics,
    };
  }

  /** Cancels everything and waits for the step in progress. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      for (const restore of this.#restores.splice(0)) restore();
      this.#dropCancelled();
      this.#dropExpired();
      this.#admit();
      this.#deliver();
      if (this.#running.length === 0) {
        await this.#sleep();
        continue;
      }
      const release = await this.#options.turnstile.enter();
      try {
        await this.#step();
        this.#compress();
      } catch (error) {
        this.#failRunning(asError(error));
      } finally {
        release();
      }
      this.#deliver();
      await nextTurn();
    }
    for (const restore of this.#restores.splice(0)) restore();
    for (const sequence of this.#running.slice()) this.#leave(sequence, { kind: 'cancelled' }, false);
    for (const waiting of this.#waiting.inOrder(0)) this.#leaveQueue(waiting, { kind: 'cancelled' });
    this.#deliver();
  }

  async #step(): Promise<void> {
    const { runner, controller, clock } = this.#options;
    const limits = controller.limits(this.#decoding());
    if (limits.threads !== this.#threads) {
      this.#threads = limits.threads;
      runner.setThreads(limits.threads);
      this.#speculation.setThreads(limits.threads);
    }
    // Only what is computed with the same weights can share a batch.
    const together = this.#turns.next(this.#running);
    runner.useAdapter(together[0]?.job.adapter);
    const step = planStep(together, limits.tokenBudget, await this.#draft(together, limits.tokenBudget));
    const startedAt = clock.now();
    // Outputs can be read until the next native call, so the batch that has them comes last.
    for (const { sequence, piece } of step.pictures) {
      if ((await runner.decodePicture(piece)) === 'no-slot') {
        this.#makeRoom();
        return;
      }
      sequence.advance(piece.count);
    }
    if (step.entries.length > 0 && (await runner.decode(step.entries)) === 'no-slot') {
      this.#makeRoom();
      return;
    }
    const stepMs = clock.now() - startedAt;
    this.#cellsUsed = runner.cellsUsed();
    this.#count(step, stepMs);
    this.#speculation.observeStep(step, stepMs);
    // A step with drafts takes longer and says more: it tells nothing of the time that an answer's token needs.
    if (step.draftTokens === 0) {
      controller.observeStep({ stepMs, decodeTokens: step.decodeTokens, prefillTokens: step.prefillTokens });
    }
    for (const share of step.shares) {
      share.sequence.advance(share.count);
      if (share.outputIndex === undefined) continue;
      if (share.draft.length > 0) this.#check(share.sequence, share.outputIndex, share.draft);
      else this.#sample(share.sequence, share.outputIndex);
    }
  }

  #sample(sequence: Sequence, outputIndex: number): void {
    let sampled: SampledToken;
    try {
      sampled = sequence.sampler.sample(outputIndex);
    } catch (error) {
      this.#leave(sequence, { kind: 'failed', error: asError(error) }, true);
      return;
    }
    sequence.progress.firstTokenAt ??= this.#options.clock.now();
    this.#speculation.observe(sequence, 0, sampled.token);
    sequence.tokens.push(sampled.token);
    this.#deliveries.push(() => this.#deliverToken(sequence, sampled));
    if (sampled.isEnd) this.#leave(sequence, { kind: 'finished', reason: 'stop' }, true);
    else if (sequence.generated >= sequence.job.maxTokens) {
      this.#leave(sequence, { kind: 'finished', reason: 'length' }, true);
    }
  }

  /** Guesses for the answers of the next step, where it holds nothing else. */
  async #draft(together: readonly Sequence[], tokenBudget: number): Promise<Drafts> {
    if (this.#decoding() < this.#running.length) {
      this.#speculation.pause();
      return new Map();
    }
    const { runner } = this.#options;
    const freeCells = runner.cells - runner.cellsUsed();
    const most = Math.min(runner.maxOutputs, runner.batchCapacity, tokenBudget, freeCells);
    return this.#speculation.draft(together, most - together.length);
  }

  /** Takes of a draft what is right; what the rest left in the cache goes. */
  #check(sequence: Sequence, outputIndex: number, draft: readonly number[]): void {
    const { accepted, outcome } = checkDraft(sequence, outputIndex, draft, (index, token) => {
      sequence.progress.firstTokenAt ??= this.#options.clock.now();
      this.#speculation.observe(sequence, index, token);
    });
    sequence.advance(accepted);
    this.#speculation.accepted(accepted);
    this.#counters.decodeTokens += accepted;
    if (accepted < draft.length) this.#options.runner.truncate(sequence.slot, sequence.positionAt(sequence.computed));
    if (outcome !== undefined) this.#leave(sequence, outcome, true);
  }

  /** Sequences that have outgrown their budget lose what they need least. */
  #compress(): void {
    for (const sequence of this.#running.slice()) {
      const { budget } = sequence.job;
      if (budget === undefined || sequence.cells < mostCells(budget.tokens, !sequence.isDecoding)) continue;
      try {
        this.#counters.evictedTokens += compress(
          this.#options.runner,
          sequence,
          budget,
          targetCells(budget.tokens, !sequence.isDecoding),
        );
        this.#counters.evictions++;
      } catch (error) {
        this.#leave(sequence, { kind: 'failed', error: asError(error) }, false);
      }
    }
    this.#cellsUsed = this.#options.runner.cellsUsed();
  }

  #deliverToken(sequence: Sequence, sampled: SampledToken): void {
    try {
      const ends = sequence.job.onToken(sampled);
      if (ends) this.#leave(sequence, { kind: 'finished', reason: 'stop' }, true);
    } catch (error) {
      this.#leave(sequence, { kind: 'failed', error: asError(error) }, true);
    }
  }

  #admit(): void {
    const { controller, clock } = this.#options;
    const now = clock.now();
    const { maxRunning } = controller.limits(this.#decoding());
    for (const waiting of this.#waiting.inOrder(now)) {
      if (this.#running.length >= maxRunning) return;
      if (this.#sharesPrefixBeingComputed(waiting)) continue;
      if (!this.#start(waiting, now)) return;
    }
  }

  /** Gives a waiting request a slot; false when there is no room for it now. */
  #start(waiting: WaitingJob, now: number): boolean {
    const { runner } = this.#options;
    const found = this.#longestPrefix(waiting, now);
    // The last token is always computed, for its logits.
    const { pictures, budget } = waiting.job;
    const usable = wholePictures(pictures, Math.min(found?.length ?? 0, waiting.tokens.length - 1));
    // What has gaps can only be cut behind all of them.
    const isTorn = usable < (found?.compressed?.kept.resumeFrom ?? 0);
    const match = isTorn ? undefined : found;
    const shared = isTorn ? 0 : usable;
    const wanted = waiting.tokens.length - shared + Math.min(answerReserveTokens, waiting.job.maxTokens);
    const needed = budget === undefined ? wanted : Math.min(wanted, mostCells(budget.tokens, true));
    if (match?.compressed !== undefined) return this.#resume(waiting, match, shared, now);
    if (!this.#growFor(waiting, needed)) return true;
    while (this.#freeSlots.length === 0 || runner.cells - runner.cellsUsed() < needed) {
      if (this.#evictOldest(match?.slot)) continue;
      if (this.#running.length > 0) return false;
      // Nothing runs and only the matching prefix is left: better to compute it again than to wait for ever.
      if (this.#evictOldest()) return this.#start(waiting, now);
      break;
    }
    const slot = this.#freeSlots.pop();
    if (slot === undefined) return false;
    this.#waiting.remove(waiting);
    let sampler = waiting.sampler;
    try {
      sampler ??= waiting.job.createSampler();
    } catch (error) {
      this.#freeSlots.push(slot);
      this.#finish(waiting, { kind: 'failed', error: asError(error) }, 0);
      return true;
    }
    if (match !== undefined && shared > 0) {
      runner.share(match.slot, slot, positionAt(pictures, shared));
      const { source } = match;
      if (source !== undefined) source.sharedUntil = Math.max(source.sharedUntil, shared);
      this.#counters.prefixHits++;
      this.#counters.prefixTokens += shared;
    }
    this.#running.push(new Sequence({ waiting, slot, sampler, computed: shared, now }));
    return true;
  }

  /** Has the cache grow where it is too small for a request. False where that failed, and the request with it. */
  #growFor(waiting: WaitingJob, neededCells: number): boolean {
    const { runner } = this.#options;
    if (runner.cells - runner.cellsUsed() >= neededCells) return true;
    try {
      runner.grow(neededCells);
      return true;
    } catch (error) {
      this.#leaveQueue(waiting, { kind: 'failed', error: asError(error) });
      return false;
    }
  }

  /** The next turn of a conversation that lost tokens to its budget takes over its slot. */
  #resume(waiting: WaitingJob, match: PrefixMatch, length: number, now: number): boolean {
    const { slot, compressed } = match;
    if (compressed === undefined) return false;
    this.#waiting.remove(waiting);
    this.#cache.release(slot);
    let sampler = waiting.sampler;
    try {
      sampler ??= waiting.job.createSampler();
    } catch (error) {
      this.#freeSlot(slot);
      this.#finish(waiting, { kind: 'failed', error: asError(error) }, 0);
      return true;
    }
    const { kept } = compressed;
    kept.truncate(length);
    this.#options.runner.truncate(slot, positionAt(waiting.job.pictures, length) - kept.shift);
    this.#counters.prefixHits++;
    this.#counters.prefixTokens += length;
    this.#running.push(new Sequence({ waiting, slot, sampler, computed: length, now, kept }));
    return true;
  }

  /** Cached and running sequences both serve as sources. */
  #longestPrefix({ tokens, job }: PrefixWanted, now: number): PrefixMatch | undefined {
    if (!this.#options.runner.canSharePrefixes) return undefined;
    const budget = job.budget === undefined ? undefined : budgetName(job.budget);
    let best = this.#cache.match(tokens, now, adapterKey(job), budget);
    for (const sequence of this.#running) {
      if (adapterKey(sequence.job) !== adapterKey(job)) continue;
      const usable = Math.min(sequence.computed, sequence.kept?.intact ?? sequence.computed);
      const length = Math.min(commonPrefixLength(sequence.tokens, tokens), usable);
      if (length > (best?.length ?? 0)) {
        best = { slot: sequence.slot, length, ...(sequence.kept === undefined ? {} : { source: sequence.kept }) };
      }
    }
    return best;
  }

  /** Whether a running request is just computing a prefix that this one could share a moment later. */
  #sharesPrefixBeingComputed(waiting: WaitingJob): boolean {
    if (!this.#options.runner.canSharePrefixes) return false;
    return this.#running.some((sequence) => {
      if (sequence.isDecoding || adapterKey(sequence.job) !== adapterKey(waiting.job)) return false;
      // One that is to lose tokens will not have the whole prefix.
      if (sequence.tokens.length > (sequence.job.budget?.tokens ?? Infinity)) return false;
      const common = Math.min(commonPrefixLength(sequence.tokens, waiting.tokens), waiting.tokens.length - 1);
      return common - sequence.computed >= worthSharingTokens;
    });
  }

  /** No room for the batch: cached prefixes go first, then the youngest request goes back to the queue. */
  #makeRoom(): void {
    if (this.#options.runner.grow(answerReserveTokens) || this.#evictOldest()) return;
    const youngest = this.#running.at(-1);
    if (youngest === undefined) return;
    if (this.#running.length === 1) {
      this.#leave(youngest, { kind: 'finished', reason: 'length' }, false);
      return;
    }
    this.#counters.preemptions++;
    this.#running.pop();
    this.#speculation.forget(youngest);
    this.#freeSlot(youngest.slot);
    const { job, tokens, sampler, progress } = youngest;
    this.#waiting.add({ job, tokens, sampler, progress }, job.priority, progress.enqueuedAt);
  }

  #leave(sequence: Sequence, outcome: JobOutcome, keepPrefix: boolean): void {
    const index = this.#running.indexOf(sequence);
    if (index < 0) return;
    this.#running.splice(index, 1);
    this.#speculation.forget(sequence);
    sequence.sampler.dispose();
    if (keepPrefix) this.#keepPrefix(sequence);
    else this.#freeSlot(sequence.slot);
    this.#finish(sequence, outcome, sequence.generated);
  }

  #finish(ended: { job: Job; progress: WaitingJob['progress'] }, outcome: JobOutcome, generated: number): void {
    const { job, progress } = ended;
    const statistics = statisticsOf(job, progress, generated, this.#options.clock.now());
    this.#deliveries.push(() => job.onDone(outcome, statistics));
  }

  #keepPrefix(sequence: Sequence): void {
    // A picture that was cut off is of no use: its tokens stand at one position and can only go together.
    const tokens = sequence.tokens.slice(0, wholePictures(sequence.job.pictures, sequence.computed));
    const { kept, job } = sequence;
    const compressed =
      kept === undefined || kept.evicted === 0 || job.budget === undefined
        ? undefined
        : { kept, budget: budgetName(job.budget) };
    compressed?.kept.truncate(tokens.length);
    this.#offer(sequence, tokens, compressed);
    const freed = this.#cache.insert(sequence.slot, tokens, this.#options.clock.now(), adapterKey(job), compressed);
    for (const slot of freed) this.#freeSlot(slot);
  }

  /** Lets the request's owner read what is kept of it. */
  #offer({ slot, job, computed }: Sequence, tokens: readonly number[], compressed: Compressed | undefined): void {
    if (job.onKept === undefined || tokens.length === 0) return;
    const { runner } = this.#options;
    if (tokens.length < computed)
      runner.truncate(slot, positionAt(job.pictures, tokens.length) - (compressed?.kept.shift ?? 0));
    job.onKept({ tokens, adapter: adapterKey(job), compressed, readState: () => runner.readState(slot) });
  }

  /** How much of these tokens a request would not have to compute, in the cache as it is now. */
  known(job: Pick<Job, 'promptTokens' | 'budget' | 'adapter'>): number {
    return this.#longestPrefix({ tokens: job.promptTokens, job }, this.#options.clock.now())?.length ?? 0;
  }

  /**
   * Takes in a sequence that was kept elsewhere, as if it had just ended here. False where there is no room for it now, or the cache
   * refuses it.
   */
  restore(sequence: Omit<KeptSequence, 'readState'> & { state: Uint8Array }): Promise<boolean> {
    return new Promise((resolve) => {
      this.#restores.push(() => resolve(this.#restore(sequence)));
      this.#wake?.();
    });
  }

  #restore({ tokens, adapter, compressed, state }: Omit<KeptSequence, 'readState'> & { state: Uint8Array }): boolean {
    const { runner, clock } = this.#options;
    if (this.#stopped || !runner.canSharePrefixes) return false;
    const cells = compressed?.kept.cells ?? tokens.length;
    try {
      if (runner.cells - runner.cellsUsed() < cells) runner.grow(cells);
      while (this.#freeSlots.length === 0 || runner.cells - runner.cellsUsed() < cells) {
        if (!this.#evictOldest()) return false;
      }
      const slot = this.#freeSlots.pop() as number;
      if (!runner.writeState(slot, state)) {
        this.#freeSlot(slot);
        return false;
      }
      for (const freed of this.#cache.insert(slot, tokens, clock.now(), adapter, compressed)) this.#freeSlot(freed);
      return true;
    } catch {
      return false;
    }
  }

  #evictOldest(keepSlot?: number): boolean {
    const slot = this.#cache.evictOldest(keepSlot);
    if (slot === undefined) return false;
    this.#freeSlot(slot);
    return true;
  }

  #freeSlot(slot: number): void {
    this.#options.runner.truncate(slot, 0);
    this.#freeSlots.push(slot);
  }

  #dropCancelled(): void {
    if (this.#cancelled.size === 0) return;
    for (const sequence of this.#running.filter(({ job }) => this.#cancelled.has(job.id))) {
      this.#leave(sequence, { kind: 'cancelled' }, true);
    }
    for (const waiting of this.#waiting.inOrder(0)) {
      if (this.#cancelled.has(waiting.job.id)) this.#leaveQueue(waiting, { kind: 'cancelled' });
    }
    this.#cancelled.clear();
  }

  #dropExpired(): void {
    const { clock, maxQueuedMs } = this.#options;
    const oldest = clock.now() - maxQueuedMs;
    for (const waiting of this.#waiting.inOrder(0)) {
      if (waiting.progress.firstStartedAt !== undefined || waiting.progress.enqueuedAt > oldest) continue;
      const reason = `it waited ${Math.round(maxQueuedMs / 1000)} s for a place`;
      this.#leaveQueue(waiting, { kind: 'failed', error: makeError('engine_overloaded', { reason }) });
    }
  }

  #leaveQueue(waiting: WaitingJob, outcome: JobOutcome): void {
    this.#waiting.remove(waiting);
    waiting.sampler?.dispose();
    this.#finish(waiting, outcome, waiting.tokens.length - waiting.job.promptTokens.length);
  }

  #failRunning(error: Error): void {
    for (const sequence of this.#running.slice()) this.#leave(sequence, { kind: 'failed', error }, false);
  }

  #deliver(): void {
    const deliveries = this.#deliveries;
    this.#deliveries = [];
    for (const deliver of deliveries) deliver();
    // A stop text found above adds the end of that answer.
    if (this.#deliveries.length > 0) this.#deliver();
  }

  #decoding(): number {
    return this.#running.reduce((count, sequence) => count + (sequence.isDecoding ? 1 : 0), 0);
  }

  #count(step: PlannedStep, stepMs: number): void {
    this.#counters.steps++;
    this.#counters.prefillTokens += step.prefillTokens;
    this.#counters.decodeTokens += step.decodeTokens;
    this.#counters.lastStepMs = stepMs;
  }

  /** Many sequences have come and gone: what is kept of them for their prefixes seldom needs all the cells. */
  #rest(): void {
    try {
      this.#options.runner.shrink();
    } catch {
      // It stays as large as it is.
    }
    this.#cellsUsed = this.#options.runner.cellsUsed();
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#rest(), this.#options.restAfterMs ?? defaultRestAfterMs).unref();
      this.#wake = () => {
        this.#wake = undefined;
        clearTimeout(timer);
        resolve();
      };
      const isNeeded = this.#waiting.length > 0 || this.#cancelled.size > 0 || this.#restores.length > 0;
      if (isNeeded || this.#stopped) this.#wake();
    });
  }
}

/** What a prefix is looked for by. */
type PrefixWanted = { tokens: ArrayLike<number>; job: Pick<Job, 'budget' | 'adapter'> };

function budgetName({ policy, tokens }: CacheBudget): string {
  return `${policy}:${tokens}`;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
