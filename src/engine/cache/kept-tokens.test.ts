import { describe, expect, it } from 'vitest';
import { KeptTokens } from './kept-tokens.ts';

function kept(count: number): KeptTokens {
  const tokens = new KeptTokens();
  for (let index = 0; index < count; index++) tokens.append(index, index);
  return tokens;
}

describe('KeptTokens', () => {
  it('names the positions to free, neighbours together', () => {
    const tokens = kept(10);
    expect(tokens.evict([2, 3, 4, 7])).toEqual([
      { from: 2, to: 5 },
      { from: 7, to: 8 },
    ]);
    expect(tokens.indices).toEqual([0, 1, 5, 6, 8, 9]);
    expect([tokens.cells, tokens.evicted, tokens.intact, tokens.resumeFrom]).toEqual([6, 4, 2, 8]);
  });

  it('leaves gaps until told otherwise: what comes next stands where it would have', () => {
    const tokens = kept(6);
    tokens.evict([1, 2]);
    tokens.append(6, 6);
    expect(tokens.positions).toEqual([0, 3, 4, 5, 6]);
  });

  it('closes gaps, and what comes next follows at once', () => {
    const tokens = kept(8);
    tokens.evict([1, 2, 5]);
    expect(tokens.closeGaps()).toEqual([
      { from: 3, to: 5, by: -2 },
      { from: 6, to: 8, by: -3 },
    ]);
    tokens.append(8, 8);
    expect(tokens.positions).toEqual([0, 1, 2, 3, 4, 5]);
    expect(tokens.shift).toBe(3);
    // A second round counts from where things stand now.
    tokens.evict([3]);
    expect(tokens.closeGaps()).toEqual([{ from: 4, to: 6, by: -1 }]);
    tokens.append(9, 9);
    expect(tokens.positions).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('moves no cell that another sequence shares', () => {
    const tokens = kept(8);
    tokens.sharedUntil = 4;
    tokens.evict([1, 5]);
    expect(tokens.closeGaps()).toEqual([{ from: 6, to: 8, by: -1 }]);
    expect(tokens.positions).toEqual([0, 2, 3, 4, 5, 6]);
  });

  it('is cut behind its last gap and goes on', () => {
    const tokens = kept(8);
    tokens.evict([1, 2]);
    tokens.closeGaps();
    tokens.truncate(6);
    tokens.append(6, 6);
    expect(tokens.indices).toEqual([0, 3, 4, 5, 6]);
    expect(tokens.positions).toEqual([0, 1, 2, 3, 4]);
  });

  it('is the same after saving', () => {
    const tokens = kept(8);
    tokens.evict([2, 3]);
    tokens.closeGaps();
    const again = KeptTokens.restore(JSON.parse(JSON.stringify(tokens.save())) as ReturnType<KeptTokens['save']>);
    expect([again.indices, again.positions, again.shift, again.intact, again.resumeFrom]).toEqual([
      tokens.indices,
      tokens.positions,
      2,
      2,
      4,
    ]);
    expect(KeptTokens.restore(kept(2).save()).intact).toBe(Number.POSITIVE_INFINITY);
  });
});
