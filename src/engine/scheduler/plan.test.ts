import { describe, expect, it } from 'vitest';
import { planStep } from './plan.ts';
import { Sequence, wholePictures } from './sequence.ts';
import type { PictureSpan } from './types.ts';

function sequence(
  slot: number,
  promptLength: number,
  computed: number,
  generated = 0,
  pictures: PictureSpan[] = [],
): Sequence {
  const promptTokens = Int32Array.from({ length: promptLength }, (_, index) => index);
  const tokens = Int32Array.from({ length: promptLength + generated }, (_, index) => index);
  const job = {
    id: String(slot),
    promptTokens,
    pictures,
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

/** Ten tokens of a prompt that take four positions. */
const span = (start: number, isCausal = true): PictureSpan => ({
  start,
  count: 10,
  positions: 4,
  grid: new Int32Array(30),
  isCausal,
  embeddings: new Float32Array(10),
});

describe('planStep with pictures', () => {
  it('ends the text of a step where a picture begins, and the picture where text begins', () => {
    const pictures = [span(5)];
    const text = planStep([sequence(0, 30, 0, 0, pictures)], 64);
    expect(shares(text)).toEqual({ 0: 5 });
    expect(text.pictures).toEqual([]);
    const picture = planStep([sequence(0, 30, 5, 0, pictures)], 64);
    expect(picture.entries).toEqual([]);
    expect(picture).toMatchObject({ prefillTokens: 10, pictures: [{ piece: { from: 0, count: 10, position: 5 } }] });
    const rest = planStep([sequence(0, 30, 15, 0, pictures)], 64);
    expect(rest.entries.map(({ position }) => position)).toEqual(Array.from({ length: 15 }, (_, index) => 9 + index));
  });

  it('cuts a picture to the budget and goes on where it stopped', () => {
    const first = planStep([sequence(0, 30, 5, 0, [span(5)]), sequence(1, 4, 5, 2)], 7);
    expect(first.pictures[0]?.piece).toMatchObject({ from: 0, count: 6, position: 5 });
    expect(shares(first)).toEqual({ 1: 1 });
    const second = planStep([sequence(0, 30, 11, 0, [span(5)])], 7);
    expect(second.pictures[0]?.piece).toMatchObject({ from: 6, count: 4, position: 5 });
  });

  it('computes a picture as a whole where its tokens all see each other', () => {
    const step = planStep([sequence(0, 30, 5, 0, [span(5, false)]), sequence(1, 40, 0)], 7);
    expect(step.pictures[0]?.piece).toMatchObject({ from: 0, count: 10 });
    expect(shares(step)).toEqual({ 1: 7 });
  });

  it('counts positions over several pictures, and never cuts a shared beginning inside one', () => {
    const pictures = [span(2), span(20)];
    const one = sequence(0, 40, 0, 0, pictures);
    expect([1, 12, 19, 30, 39].map((index) => one.positionAt(index))).toEqual([1, 6, 13, 18, 27]);
    expect([2, 7, 12, 25, 30, 40].map((length) => wholePictures(pictures, length))).toEqual([2, 2, 12, 20, 30, 40]);
  });
});
