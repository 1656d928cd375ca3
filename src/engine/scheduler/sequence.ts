/** One generation while it holds a slot. */
import { mostCells } from '../cache/cache-budget.ts';
import { KeptTokens } from '../cache/kept-tokens.ts';
import type { Job, JobStatistics, PictureSpan, TokenSampler } from './types.ts';

export class Sequence {
  readonly job: Job;
  readonly slot: number;
  readonly sampler: TokenSampler;
  /** Prompt and generated tokens. */
  readonly tokens: number[];
  /** Tokens that were computed; their keys and values are in the cache unless they were evicted. */
  computed: number;
  /** Where something can be evicted: what is still in the cache. */
  readonly kept: KeptTokens | undefined;
  readonly progress: Progress;

  constructor(options: SequenceStart) {
    const { waiting, slot, sampler, computed, now } = options;
    this.job = waiting.job;
    this.slot = slot;
    this.sampler = sampler;
    this.tokens = [...waiting.tokens];
    this.computed = computed;
    if (this.job.budget !== undefined) this.kept = options.kept ?? this.#allKept(computed);
    this.progress = waiting.progress;
    if (this.progress.firstStartedAt === undefined) {
      this.progress.firstStartedAt = now;
      this.progress.cachedTokens = computed;
    }
  }

  /** The picture that the token at `index` belongs to. */
  spanAt(index: number): PictureSpan | undefined {
    return spanAt(this.job.pictures, index);
  }

  /** Where a token yet to come stands for the model: pictures may take fewer positions than tokens. */
  positionAt(index: number): number {
    return positionAt(this.job.pictures, index) - (this.kept?.shift ?? 0);
  }

  /** The next `count` tokens are in the cache. */
  advance(count: number): void {
    for (let index = this.computed; index < this.computed + count; index++) this.#keep(this.kept, index);
    this.computed += count;
  }

  /** Cells that it holds, shared ones included. */
  get cells(): number {
    return this.kept?.cells ?? this.computed;
  }

  /** Tokens that may be computed before something must be evicted. */
  get room(): number {
    const { budget } = this.job;
    if (budget === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(1, mostCells(budget.tokens, !this.isDecoding) - this.cells);
  }

  #allKept(count: number): KeptTokens {
    const kept = new KeptTokens();
    for (let index = 0; index < count; index++) this.#keep(kept, index);
    kept.sharedUntil = count;
    return kept;
  }

  #keep(kept: KeptTokens | undefined, index: number): void {
    const { pictures } = this.job;
    kept?.append(index, positionAt(pictures, spanAt(pictures, index)?.start ?? index));
  }

  get generated(): number {
    return this.tokens.length - this.job.promptTokens.length;
  }

  get remainingPrefill(): number {
    return this.tokens.length - this.computed;
  }

  /** Only the newest token is missing from the cache: one token a step from here on. */
  get isDecoding(): boolean {
    return this.remainingPrefill === 1 && this.generated > 0;
  }
}

/** Key of the adapter a generation is computed with; empty for the model alone. */
export function adapterKey(job: Pick<Job, 'adapter'>): string {
  return job.adapter?.key ?? '';
}

export type SequenceStart = {
  waiting: WaitingJob;
  slot: number;
  sampler: TokenSampler;
  computed: number;
  now: number;
  /** What is kept of an earlier sequence that this one goes on with. */
  kept?: KeptTokens;
};

function spanAt(pictures: readonly PictureSpan[] | undefined, index: number): PictureSpan | undefined {
  return pictures?.find(({ start, count }) => index >= start && index < start + count);
}

export function positionAt(pictures: readonly PictureSpan[] | undefined, index: number): number {
  let position = index;
  for (const { start, count, positions } of pictures ?? []) {
    if (index >= start + count) position -= count - positions;
  }
  return position;
}

/** The longest beginning of at most `length` tokens that does not end inside a picture. */
export function wholePictures(pictures: readonly PictureSpan[] | undefined, length: number): number {
  const cut = spanAt(pictures, length);
  return cut === undefined ? length : cut.start;
}

/** What outlives losing the slot. */
export type Progress = {
  enqueuedAt: number;
  firstStartedAt: number | undefined;
  firstTokenAt: number | undefined;
  cachedTokens: number;
};

/** A generation without a slot: new, or put back because the cache was full. */
export type WaitingJob = {
  job: Job;
  tokens: ArrayLike<number> & Iterable<number>;
  /** Kept when it was put back, with its random state. */
  sampler: TokenSampler | undefined;
  progress: Progress;
};

export function statisticsOf(job: Job, progress: Progress, generatedTokens: number, now: number): JobStatistics {
  const started = progress.firstStartedAt ?? now;
  const first = progress.firstTokenAt ?? now;
  return {
    promptTokens: job.promptTokens.length,
    cachedTokens: progress.cachedTokens,
    generatedTokens,
    queuedMs: started - progress.enqueuedAt,
    prefillMs: first - started,
    decodeMs: now - first,
  };
}
