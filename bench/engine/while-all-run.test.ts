import { expect, it } from 'vitest';
import { whileAllRun } from './while-all-run.ts';

/** Streams that begin at a step of their own and end at the same length; a token each 100 ms, a little apart within a step. */
function staggered(starts: number[], tokens: number): number[][] {
  return starts.map((start, stream) =>
    Array.from({ length: tokens }, (_, token) => (start + token) * 100 + stream * 0.05),
  );
}

it('counts every token of the last step, and none of the first', () => {
  const { tokens, milliseconds } = whileAllRun(staggered([0, 3, 5, 7], 20));
  // From step 7 to step 19.
  expect(tokens).toBe(4 * 12);
  expect(milliseconds).toBeCloseTo(1_200, 0);
});

it('does so whatever order they arrive in', () => {
  const { tokens, milliseconds } = whileAllRun(staggered([7, 5, 3, 0], 20));
  expect(tokens).toBe(4 * 12);
  expect(milliseconds).toBeCloseTo(1_200, 0);
});

it('counts one stream from its first token on', () => {
  expect(whileAllRun([[0, 10, 20, 30]])).toEqual({ tokens: 3, milliseconds: 30 });
});
