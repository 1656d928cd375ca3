/**
 * Finished sequences stay in the KV cache, and a new request that begins with the same tokens shares their cells
 * instead of computing them again. Least recently used first out.
 */

export type PrefixCacheLimits = {
  /** Sequences kept at most; 0 switches the cache off. */
  maxEntries: number;
  /**
   * Tokens kept at most, but for the newest sequence, which stays whatever its length. Attention walks over cells of
   * other sequences too: a thousand of them cost every token of a 0.5B model on two cores about 0.33 ms, or 2 %.
   */
  maxTokens: number;
};

/** `adapter`: key of what was laid over the weights while it was computed; empty for the model alone. */
export type CachedSequence = { slot: number; tokens: readonly number[]; adapter: string; lastUsed: number };

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
    for (const entry of this.#entries) total += entry.tokens.length;
    return total;
  }

  /**
   * The entry that shares the longest beginning with `tokens`, and its length. Marks it as used. Keys and values of other
   * weights are others, so only entries of the same adapter count.
   */
  match(tokens: ArrayLike<number>, now: number, adapter = ''): { slot: number; length: number } | undefined {
    let best: CachedSequence | undefined;
    let bestLength = 0;
    for (const entry of this.#entries) {
      if (entry.adapter !== adapter) continue;
      const length = commonPrefixLength(entry.tokens, tokens);
      if (length > bestLength) {
        best = entry;
        bestLength = length;
      }
    }
    if (best === undefined) return undefined;
    best.lastUsed = now;
    return { slot: best.slot, length: bestLength };
  }

  /**
   * Keeps a finished sequence. Returns the slots to free: entries that the new one contains, those that fell out,
   * or the new one itself when an older entry already contains it.
   */
  insert(slot: number, tokens: readonly number[], now: number, adapter = ''): number[] {
    if (this.#limits.maxEntries === 0 || tokens.length === 0) return [slot];
    const freed: number[] = [];
    for (const entry of this.#entries) {
      if (entry.adapter !== adapter) continue;
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
    this.#entries.add({ slot, tokens, adapter, lastUsed: now });
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

export function commonPrefixLength(left: ArrayLike<number>, right: ArrayLike<number>): number {
  const limit = Math.min(left.length, right.length);
  let index = 0;
  while (index < limit && left[index] === right[index]) index++;
  return index;
}
