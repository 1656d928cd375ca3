import { describe, expect, it } from 'vitest';
import { divergence, negativeLogLikelihood } from './divergence.ts';

const logits = (...probabilities: number[]) => Float32Array.from(probabilities, (each) => Math.log(each) + 3);

describe('divergence', () => {
  it('is nothing between equal distributions, whatever constant is added to the logits', () => {
    const left = logits(0.5, 0.3, 0.2);
    const right = left.map((value) => value - 40);
    expect(divergence(left, right).kl).toBeCloseTo(0, 5);
    expect(divergence(left, right).sameTop).toBe(true);
  });

  it('is the sum of p ln(p/q)', () => {
    const { kl, sameTop } = divergence(logits(0.5, 0.5), logits(0.25, 0.75));
    expect(kl).toBeCloseTo(0.5 * Math.log(0.5 / 0.25) + 0.5 * Math.log(0.5 / 0.75), 5);
    expect(sameTop).toBe(false);
  });

  it('survives logits that would overflow an exponential', () => {
    const huge = Float32Array.from([1000, 900, -1000]);
    expect(divergence(huge, huge).kl).toBe(0);
    expect(negativeLogLikelihood(huge, 0)).toBeCloseTo(0, 5);
  });
});

describe('negativeLogLikelihood', () => {
  it('is −ln p of the token', () => {
    expect(negativeLogLikelihood(logits(0.5, 0.3, 0.2), 2)).toBeCloseTo(-Math.log(0.2), 5);
  });
});
