import { describe, expect, it } from 'vitest';
import { keyDiffScores, keyNormScores } from './key-scores.ts';
import { spread } from './cell-scorer.ts';

/** Two cells point the same way, the third elsewhere; the second is long. Two heads of two, the second head all alike. */
const layer = { width: 4, rows: Float32Array.from([1, 0, 1, 1, 5, 0, 1, 1, 0, 1, 1, 1]) };

describe('key geometry', () => {
  it('prefers short keys', () => {
    const scores = keyNormScores([layer], 3, 2);
    expect(scores[1]).toBeLessThan(scores[0] as number);
    expect(scores[0]).toBeCloseTo(scores[2] as number);
  });

  it('prefers keys unlike the others, whatever their length', () => {
    const scores = keyDiffScores([layer], 3, 2);
    expect(scores[2]).toBeGreaterThan(scores[0] as number);
    expect(scores[0]).toBeCloseTo(scores[1] as number);
  });

  it('adds up layers', () => {
    expect(keyNormScores([layer, layer], 3, 2)[0]).toBeCloseTo(2 * (keyNormScores([layer], 3, 2)[0] as number));
  });
});

describe('spread', () => {
  it('gives neighbours the score of what they stand beside', () => {
    expect([...spread(Float32Array.from([0, 0, 9, 0, 0, 1]), 1)]).toEqual([0, 9, 9, 9, 1, 1]);
  });
});
