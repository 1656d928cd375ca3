import { describe, expect, it } from 'vitest';
import { StepCost } from './step-cost.ts';

describe('StepCost', () => {
  it('gives what was measured, and lines between', () => {
    const cost = new StepCost();
    for (let round = 0; round < 3; round++) {
      cost.observe(1, 40);
      cost.observe(5, 120);
    }
    expect([1, 3, 5].map((tokens) => cost.expected(tokens))).toEqual([40, 80, 120]);
  });

  it('assumes a processor beyond that', () => {
    const cost = new StepCost();
    expect(cost.expected(6) / cost.expected(1)).toBeCloseTo(3);
    cost.observe(1, 40);
    expect(cost.expected(6)).toBeCloseTo(120);
  });

  it('is not thrown off by steps that were interrupted', () => {
    const cost = new StepCost();
    for (const milliseconds of [900, 41, 40, 900]) cost.observe(1, milliseconds);
    expect(cost.expected(1)).toBe(40);
    cost.observe(4, 5_000);
    expect(cost.expected(4)).toBeCloseTo(40 * 2.2);
    for (const milliseconds of [130, 120]) cost.observe(4, milliseconds);
    expect(cost.expected(4)).toBe(120);
  });

  it('forgets what was not seen for long', () => {
    const cost = new StepCost();
    cost.observe(4, 1_000);
    for (let step = 0; step < 300; step++) cost.observe(1, 40);
    expect(cost.expected(4)).toBeCloseTo(40 * 2.2);
  });
});
