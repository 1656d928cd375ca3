import { describe, expect, it } from 'vitest';
import { topLogprobs } from './logprobs.ts';

describe('topLogprobs', () => {
  const logits = Float32Array.from([1, 3, 2, -50]);
  const total = Math.exp(1) + Math.exp(3) + Math.exp(2) + Math.exp(-50);

  it('gives the log of the softmax, likeliest first', () => {
    const { logprob, top } = topLogprobs(logits, 0, 2);
    expect(logprob).toBeCloseTo(Math.log(Math.exp(1) / total), 5);
    expect(top.map((entry) => entry.token)).toEqual([1, 2]);
    expect(top[0]?.logprob).toBeCloseTo(Math.log(Math.exp(3) / total), 5);
  });

  it('gives no alternatives when none are asked for, and all when more are asked for than there are', () => {
    expect(topLogprobs(logits, 1, 0).top).toEqual([]);
    expect(topLogprobs(logits, 1, 20).top).toHaveLength(4);
  });
});
