import { describe, expect, it } from 'vitest';
import { PromptLookup } from './prompt-lookup.ts';

describe('PromptLookup', () => {
  it('goes on as the text did where its end stood before', () => {
    expect(new PromptLookup([1, 2, 3, 4, 5, 9, 1, 2, 3]).propose(2)).toEqual({ tokens: [4, 5], matchLength: 3 });
  });

  it('takes the place that agrees longest, and among equals the newest', () => {
    const longest = [7, 1, 2, 50, 8, 1, 2, 60, 9, 7, 1, 2];
    expect(new PromptLookup(longest).propose(1)?.tokens).toEqual([50]);
    const equal = [1, 2, 50, 0, 1, 2, 60, 9, 1, 2];
    expect(new PromptLookup(equal).propose(1)?.tokens).toEqual([60]);
  });

  it('goes on near where it copied last', () => {
    const tokens = [11, 1, 2, 3, 41, 12, 1, 2, 3, 42, 13, 1, 2, 3, 43, 0, 12, 1];
    const lookup = new PromptLookup(tokens);
    expect(lookup.propose(1)?.tokens).toEqual([2]);
    // A word of its own, then a pair that stands at three places.
    tokens.push(77, 2, 3);
    expect(lookup.propose(1)).toEqual({ tokens: [42], matchLength: 2 });
  });

  it('has no guess where nothing repeats, and none of less than two tokens', () => {
    expect(new PromptLookup([1, 2, 3, 4]).propose(4)).toBeUndefined();
    expect(new PromptLookup([5, 1, 2, 9, 1]).propose(4)).toBeUndefined();
    expect(new PromptLookup([1]).propose(4)).toBeUndefined();
  });

  it('follows a text that grows', () => {
    const tokens = [1, 2, 3, 9];
    const lookup = new PromptLookup(tokens);
    expect(lookup.propose(3)).toBeUndefined();
    tokens.push(1, 2);
    expect(lookup.propose(3)).toEqual({ tokens: [3, 9, 1], matchLength: 2 });
    tokens.push(3);
    expect(lookup.propose(1)).toEqual({ tokens: [9], matchLength: 3 });
  });

  it('goes on repeating where a short piece repeats itself', () => {
    expect(new PromptLookup([9, 1, 2, 1, 2]).propose(5)?.tokens).toEqual([1, 2, 1, 2, 1]);
  });

  it('never drafts a picture, whose tokens are negative', () => {
    expect(new PromptLookup([1, 2, -5, -5, 1, 2]).propose(3)).toBeUndefined();
    expect(new PromptLookup([1, 2, 3, -5, 1, 2]).propose(3)?.tokens).toEqual([3]);
  });
});
