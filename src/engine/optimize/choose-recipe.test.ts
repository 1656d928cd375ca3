import { describe, expect, it } from 'vitest';
import { chooseCandidate, type MeasuredCandidate, overallSpeed, paretoFront, spreadOf } from './choose-recipe.ts';

function candidate(id: string, kl: number, times: number, sizeBytes = 100): MeasuredCandidate {
  const spread = { median: times, least: times * 0.95, most: times * 1.05 };
  return {
    id,
    sizeBytes,
    quality: { kl, klError: kl / 10, sameTop: 0.95, perplexity: 25 },
    speed: { prefill: spread, decode: spread, eightStreams: spread },
  };
}

const exact = candidate('exact', 0.002, 1.1, 130);
const middle = candidate('middle', 0.02, 1.4, 105);
const coarse = candidate('coarse', 0.03, 1.6, 95);
const tiny = candidate('tiny', 0.06, 1.5, 80);
const all = [exact, middle, coarse, tiny];

describe('chooseCandidate', () => {
  it('takes the fastest that is near enough for the goal', () => {
    expect(chooseCandidate(all, 'exact', 110)?.id).toBe('exact');
    expect(chooseCandidate(all, 'balanced', 110)?.id).toBe('middle');
    expect(chooseCandidate(all, 'speed', 110)?.id).toBe('coarse');
  });

  it('takes the smallest file for `small`, and none that is larger than the source', () => {
    expect(chooseCandidate(all, 'small', 110)?.id).toBe('tiny');
    expect(chooseCandidate(all, 'small', 80)).toBeUndefined();
  });

  it('keeps the published file where the gain is within the noise', () => {
    expect(chooseCandidate([candidate('level', 0.001, 1.02)], 'balanced', 110)).toBeUndefined();
    expect(chooseCandidate([candidate('slower', 0.001, 0.8)], 'speed', 110)).toBeUndefined();
    expect(chooseCandidate([candidate('far', 0.5, 3)], 'speed', 110)).toBeUndefined();
  });
});

describe('paretoFront', () => {
  it('drops what another candidate beats in both', () => {
    expect(paretoFront(all).map(({ id }) => id)).toEqual(['exact', 'middle', 'coarse']);
  });
});

describe('overallSpeed', () => {
  it('counts decoding twice', () => {
    const base = candidate('x', 0, 1);
    const faster = { median: 2, least: 2, most: 2 };
    const decode = overallSpeed({ ...base.speed, decode: faster });
    expect(decode).toBeGreaterThan(overallSpeed({ ...base.speed, prefill: faster }));
  });
});

describe('spreadOf', () => {
  it('gives the middle and the ends of odd and even counts', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 });
    expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, least: 1, most: 4 });
  });
});
