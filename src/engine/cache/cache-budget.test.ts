import { describe, expect, it } from 'vitest';
import { checkBudget, chooseEvictions, mostCells, questionOf, targetCells, type CacheBudget } from './cache-budget.ts';

const budget = (more: Partial<CacheBudget> = {}): CacheBudget => ({
  policy: 'attention',
  tokens: 200,
  headTokens: 4,
  latestTurn: Infinity,
  question: { tokens: [], start: 0 },
  isTemplate: () => false,
  ...more,
});
const indices = Array.from({ length: 300 }, (_, index) => index);
const noPicture = () => false;

describe('chooseEvictions', () => {
  it('takes what scores least, but neither the head nor the newest', () => {
    const scores = indices.map((index) => (index < 4 || index > 290 ? -1 : index % 10));
    const places = chooseEvictions({ budget: budget(), indices, scores, isPicture: noPicture, target: 275 });
    expect(places).toHaveLength(25);
    expect(places.every((place) => place >= 4 && place < 290 && place % 10 === 0)).toBe(true);
  });

  it('takes the oldest behind the head without scores', () => {
    const windowed = budget({ policy: 'window' });
    const places = chooseEvictions({ budget: windowed, indices, scores: undefined, isPicture: noPicture, target: 296 });
    expect(places).toEqual([4, 5, 6, 7]);
  });

  it('spares the newest turn and the template while anything else is left, and pictures always', () => {
    const spared = budget({ latestTurn: 250, isTemplate: (index) => index % 50 === 0 });
    const isPicture = (index: number) => index >= 100 && index < 120;
    const scores = indices.map(() => 0);
    const places = chooseEvictions({ budget: spared, indices, scores, isPicture, target: 100 });
    const left = indices.filter((index) => !places.includes(index));
    expect(left).toEqual(expect.arrayContaining([50, 100, 119, 150, 200, 250, 299]));
    const most = chooseEvictions({ budget: spared, indices, scores, isPicture, target: 60 });
    expect(most.some((index) => index >= 250)).toBe(true);
    expect(most.some(isPicture)).toBe(false);
  });
});

describe('a budget', () => {
  it('is refused where it does not hold the system prompt and the pictures', () => {
    expect(() => checkBudget({ tokens: 100, headTokens: 40 }, 0)).not.toThrow();
    expect(() => checkBudget({ tokens: 100, headTokens: 80 }, 0)).toThrow(/need at least 112/);
    expect(() => checkBudget({ tokens: 100, headTokens: 40 }, 60)).toThrow(
      expect.objectContaining({ code: 'kv_budget_too_small', status: 400, param: 'duanyun.kv_budget' }),
    );
  });

  it('may be passed for a moment while a prompt is computed, and never by an answer', () => {
    expect(mostCells(1_000, false)).toBe(1_000);
    expect(mostCells(100, true)).toBe(356);
    expect(mostCells(1_000, true)).toBe(1_500);
    expect(mostCells(10_000, true)).toBe(10_512);
    expect(targetCells(1_000, false)).toBeLessThan(1_000);
  });
});

describe('questionOf', () => {
  const prompt = Int32Array.from({ length: 300 }, (_, index) => index);

  it('is the newest turn where that is short', () => {
    expect(questionOf(prompt, 280)).toEqual({ tokens: Array.from(prompt.slice(280)), start: 280 });
  });

  it('is the beginning and the end of a long turn, without pictures', () => {
    const long = prompt.slice();
    long.fill(-5, 100, 290);
    const { tokens, start } = questionOf(long, 90);
    expect(start).toBe(260);
    expect(tokens).toEqual([...prompt.subarray(90, 100), ...prompt.subarray(290)]);
  });

  it('is the end of a raw prompt', () => {
    expect(questionOf(prompt, 300).tokens).toEqual(Array.from(prompt.slice(260)));
  });
});
