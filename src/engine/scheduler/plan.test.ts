import { describe, expect, it } from 'vitest';
import { planStep } from './plan.ts';
import { Sequence } from './sequence.ts';

function sequence(slot: number, promptLength: number, computed: number, generated = 0): Sequence {
  const promptTokens = Int32Array.from({ length: promptLength }, (_, index) => index);
  const tokens = Int32Array.from({ length: promptLength + generated }, (_, index) => index);
  const job = {
    id: String(slot),
    promptTokens,
    maxTokens: 10,
    priority: 0,
    createSampler: () => ({ sample: () => ({ token: 0, isEnd: false }), dispose() {} }),
    onToken: () => false,
    onDone() {},
  };
  const progress = { enqueuedAt: 0, firstStartedAt: 0, firstTokenAt: undefined, cachedTokens: 0 };
  const waiting = { job, tokens, sampler: undefined, progress };
  return new Sequence({ waiting, slot, sampler: job.createSampler(), computed, now: 0 });
}

const shares = (step: ReturnType<typeof planStep>) =>
  Object.fromEntries(step.shares.map((share) => [share.sequence.slot, share.count]));

describe('planStep', () => {
  it('gives every running answer its token before any prompt', () => {
    const step = planStep([sequence(0, 100, 0), sequence(1, 4, 5, 2), sequence(2, 9, 9, 1)], 10);
    expect(step).toMatchObject({ decodeTokens: 2, prefillTokens: 8 });
    expect(shares(step)).toEqual({ 0: 8, 1: 1, 2: 1 });
  });

  it('never leaves a running answer out, even over the budget', () => {
    expect(planStep([sequence(0, 3, 3, 1), sequence(1, 3, 3, 1)], 1).decodeTokens).toBe(2);
  });

  it('lets a short question pass a long document without starving the document', () => {
    const step = planStep([sequence(0, 2_000, 0), sequence(1, 20, 0), sequence(2, 500, 0)], 64);
    expect(shares(step)).toEqual({ 0: 32, 1: 20, 2: 12 });
  });

  it('asks for an output only where a prompt ends', () => {
    const step = planStep([sequence(0, 100, 0), sequence(1, 5, 0)], 20);
    const outputs = step.entries.filter((entry) => entry.wantsOutput);
    expect(outputs).toEqual([{ token: 4, position: 4, slot: 1, wantsOutput: true }]);
    const end = step.shares.find((share) => share.sequence.slot === 1);
    expect(step.entries[end!.outputIndex!]).toEqual(outputs[0]);
  });
});
