import { describe, expect, it } from 'vitest';
import { AcceptanceRate, draftLength } from './draft-length.ts';
import { StepCost } from './step-cost.ts';

function rates(right: number, of: number, matchLength = 5): AcceptanceRate {
  const rate = new AcceptanceRate();
  for (let index = 0; index < of; index++) rate.observe(matchLength, (index * 7) % of < right);
  return rate;
}

/** 20 ms and 10 ms for each token. */
const usual = costs((tokens) => 20 + 10 * tokens);

function costs(of: (tokens: number) => number): StepCost {
  const cost = new StepCost();
  for (let tokens = 1; tokens <= 32; tokens++) cost.observe(tokens, of(tokens));
  return cost;
}

const rateAt = (matchLength: number, rate: AcceptanceRate) => (index: number) => rate.rate(matchLength + index);
const alone = { tokens: 1, expected: 1 };
const length = (matchLength: number, rate: AcceptanceRate, cost = usual, step = alone) =>
  draftLength(rateAt(matchLength, rate), cost, step, 8).length;

describe('draftLength', () => {
  it('is long where guesses are right and cheap, and nothing where they are not', () => {
    expect(length(5, rates(60, 60))).toBeGreaterThan(3);
    expect(length(5, rates(0, 60))).toBe(0);
    expect(
      length(
        5,
        rates(60, 60),
        costs((tokens) => 30 * tokens),
      ),
    ).toBe(0);
    expect(length(5, rates(38, 60))).toBeGreaterThan(0);
    expect(length(5, rates(38, 60))).toBeLessThan(4);
  });

  it('prefers sizes that the processor computes in one go', () => {
    const groups = costs((tokens) => 30 + 40 * Math.ceil(tokens / 4));
    expect(length(20, rates(60, 60, 20), groups)).toBe(7);
    expect(length(5, rates(38, 60), groups)).toBe(3);
  });

  it('drafts less where many answers share the step already', () => {
    const many = { tokens: 12, expected: 12 };
    expect(length(5, rates(38, 60), usual, many)).toBe(0);
  });

  it('comes back once guesses are right again', () => {
    const rate = rates(0, 40);
    expect(length(5, rate)).toBe(0);
    for (let index = 0; index < 40; index++) rate.observe(5, true);
    expect(length(5, rate)).toBeGreaterThan(2);
  });

  it('keeps long and short agreement apart', () => {
    const rate = rates(0, 40, 2);
    expect(length(2, rate)).toBe(0);
    expect(length(20, rate)).toBeGreaterThan(2);
  });

  it('says what the step looks like with the draft, for the next answer', () => {
    const { length: drafted, step } = draftLength(rateAt(5, rates(60, 60)), usual, alone, 8);
    expect(step.tokens).toBe(1 + drafted);
    expect(step.expected).toBeGreaterThan(1);
    expect(step.expected).toBeLessThan(1 + drafted);
  });
});
