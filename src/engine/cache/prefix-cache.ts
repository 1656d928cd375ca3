/**
 * Finished sequences stay in the KV cache, and a new request that begins with the same tokens shares their cells
 * instead of computing them again. Least recently used first out.
 *
 * Of a sequence that lost tokens to its budget, everyone may share what stands before the first gap. All of it goes to
 * nobody but a request with the same budget that begins with everything up to the last gap: the conversation's next turn.
 */
import type { KeptTokens } from './kept-tokens.ts';

export type PrefixCacheLimits = {
  /** Sequences kept at most; 0 switches the cache off. */
  maxEntries: number;
  /**
   * Tokens kept at most, but for the newest sequence, which stays whatever its length. Attention walks over cells of
   * other sequences too: a thousand of them cost every token of a 0.5B model on two cores about 0.33 ms, or 2 %.
   */
  maxTokens: number;
};

/** What is left of a sequence that lost tokens, and the budget it lost them to. */
export type Compressed = { kept: KeptTokens; budget: string };

/** `adapter`: key of what was laid over the weights while it was computed; empty for the model alone. */
export type CachedSequence = {
  slot: number;
  tokens: readonly number[];
  adapter: string;
  lastUsed: number;
  compressed?: Compressed;
};

export type PrefixMatch = {
  slot: number;
  /** Tokens that can be used. */
  length: number;
  /** The sequence has gaps before `length`: it cannot be shared, only taken over as it is. */
  compressed?: Compressed;
  /** Of a sequence with gaps behind `length`: has to know what is shared. */
  source?: KeptTokens;
};

export class PrefixCache {
  readonly #entries = new Set<CachedSequence>();
  readonly #limits: PrefixCacheLimits;

  constructor(limits: PrefixCacheLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Tokens held, shared ones counted for each sequence that holds them. */
  get tokens(): number {
    let total = 0;
    for (const entry of this.#entries) total += entry.compressed?.kept.cells ?? entry.tokens.length;
    return total;
  }

  /**
   * The entry that has the longest usable beginning of `tokens`. Marks it as used. Keys and values of other weights are
   * others, so only entries of the same adapter count.
   * @param budget of the request; absent: only what is complete is of use
   */
  match(tokens: ArrayLike<number>, now: number, adapter = '', budget?: string): PrefixMatch | undefined {
    let best: { entry: CachedSequence; match: PrefixMatch } | undefined;
    for (const entry of this.#entries) {
      if (entry.adapter !== adapter) continue;
      const match = usable(entry, tokens, budget);
      if (match.length > (best?.match.length ?? 0)) best = { entry, match };
    }
    if (best === undefined) return undefined;
    best.entry.lastUsed = now;
    return best.match;
  }

  /** Forgets an entry whose slot goes to a request. */
  release(slot: number): void {
    for (const entry of this.#entries) if (entry.slot === slot) this.#entries.delete(entry);
  }

  /**
   * Keeps a finished sequence. Returns the slots to free: entries that the new one contains, those that fell out,
   * or the new one itself when an older entry already contains it.
   */
  insert(slot: number, tokens: readonly number[], now: number, adapter = '', compressed?: Compressed): number[] {
    if (this.#limits.maxEntries === 0 || tokens.length === 0) return [slot];
    const freed: number[] = [];
    for (const entry of this.#entries) {
      if (entry.adapter !== adapter || entry.compressed?.budget !== compressed?.budget) continue;
      const length = commonPrefixLength(entry.tokens, tokens);
      if (length === tokens.length) {
        entry.lastUsed = now;
        return [slot];
      }
      if (length === entry.tokens.length) {
        this.#entries.delete(entry);
        freed.push(entry.slot);
      }
    }
    this.#entries.add({ slot, tokens, adapter, lastUsed: now, ...(compressed === undefined ? {} : { compressed }) });
    while (this.#entries.size > 1 && this.#isOverLimits()) {
      const evicted = this.evictOldest(slot);
      if (evicted !== undefined) freed.push(evicted);
    }
    return freed;
  }

  #isOverLimits(): boolean {
    return this.#entries.size > this.#limits.maxEntries || this.tokens > this.#limits.maxTokens;
  }

  /** Removes the least recently used entry, sparing `keepSlot`, and returns its slot. */
  evictOldest(keepSlot?: number): number | undefined {
    let oldest: CachedSequence | undefined;
    for (const entry of this.#entries) {
      if (entry.slot !== keepSlot && (oldest === undefined || entry.lastUsed < oldest.lastUsed)) oldest = entry;
    }
    if (oldest === undefined) return undefined;
    this.#entries.delete(oldest);
    return oldest.slot;
  }
}

function usable(
  { slot, tokens: held, compressed }: CachedSequence,
  tokens: ArrayLike<number>,
  budget?: string,
): PrefixMatch {
  const length = commonPrefixLength(held, tokens);
  if (compressed === undefined) return { slot, length };
  const { kept } = compressed;
  // The last token is always computed again, so that what is used must end before it and still behind every gap.
  const goesOn = budget === compressed.budget && Math.min(length, tokens.length - 1) >= kept.resumeFrom;
  return goesOn ? { slot, length, compressed } : { slot, length: Math.min(length, kept.intact), source: kept };
}

export function commonPrefixLength(left: ArrayLike<number>, right: ArrayLike<number>): number {
  const limit = Math.min(left.length, right.length);
  let index = 0;
  while (index < limit && left[index] === right[index]) index++;
  return index;
}
