import { describe, expect, it } from 'vitest';
import { PrefixCache } from './prefix-cache.ts';

describe('PrefixCache', () => {
  it('finds what was computed with the same adapter only', () => {
    const cache = new PrefixCache({ maxEntries: 4, maxTokens: 100 });
    cache.insert(0, [1, 2, 3], 1, 'red');
    expect(cache.match([1, 2, 3], 2)).toBeUndefined();
    expect(cache.match([1, 2, 3], 2, 'blue')).toBeUndefined();
    expect(cache.match([1, 2, 3], 2, 'red')).toEqual({ slot: 0, length: 3 });
    // A longer one of other weights does not make it superfluous.
    expect(cache.insert(1, [1, 2, 3, 4], 3)).toEqual([]);
    expect(cache.size).toBe(2);
  });

  it('finds the longest shared beginning', () => {
    const cache = new PrefixCache({ maxEntries: 4, maxTokens: 100 });
    cache.insert(0, [1, 2, 3], 1);
    cache.insert(1, [1, 2, 9, 9], 2);
    expect(cache.match([1, 2, 9, 5], 3)).toEqual({ slot: 1, length: 3 });
    expect(cache.match([7], 4)).toBeUndefined();
  });

  it('drops an entry that a longer one contains, and a new one that an older contains', () => {
    const cache = new PrefixCache({ maxEntries: 4, maxTokens: 100 });
    cache.insert(0, [1, 2], 1);
    expect(cache.insert(1, [1, 2, 3], 2)).toEqual([0]);
    expect(cache.insert(2, [1, 2], 3)).toEqual([2]);
    expect(cache.size).toBe(1);
  });

  it('lets the least recently used go first and spares the one in use', () => {
    const cache = new PrefixCache({ maxEntries: 2, maxTokens: 100 });
    cache.insert(0, [1], 1);
    cache.insert(1, [2], 2);
    cache.match([1], 3);
    expect(cache.insert(2, [3], 4)).toEqual([1]);
    expect(cache.evictOldest(0)).toBe(2);
    expect(cache.evictOldest(0)).toBeUndefined();
  });

  it('holds no more tokens than it may, but always the newest sequence', () => {
    const cache = new PrefixCache({ maxEntries: 4, maxTokens: 5 });
    cache.insert(0, [1, 1, 1], 1);
    expect(cache.insert(1, [2, 2], 2)).toEqual([]);
    expect(cache.insert(2, [3, 3, 3], 3)).toEqual([0]);
    expect(cache.insert(3, [4, 4, 4, 4, 4, 4, 4], 4)).toEqual([1, 2]);
    expect(cache.size).toBe(1);
  });

  it('keeps nothing when it is off', () => {
    expect(new PrefixCache({ maxEntries: 0, maxTokens: 100 }).insert(5, [1, 2], 1)).toEqual([5]);
  });
});
