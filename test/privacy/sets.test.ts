/**
 * The privacy signals on texts that others wrote. On the development set the bounds are the aims, as far as they are
 * reached; on the held-out set, whose texts the authors of the rules have not seen, they are what was measured, so that
 * a change which makes detection worse is seen. `docs/privacy.md` names both.
 */
import { describe, expect, it } from 'vitest';
import {
  f1,
  isStructured,
  recall,
  scoreConversations,
  scoreIdentifiers,
  scoreNegatives,
  scoreTopics,
  total,
} from './score.ts';

describe('the privacy signals on the development set', () => {
  const { byType } = scoreIdentifiers('development');

  it.each([...byType.keys()].filter(isStructured))('find every %s', (type) => {
    expect(byType.get(type)?.missed).toBe(0);
  });

  it('find identifiers and names, and little else', () => {
    expect(recall(total(byType, isStructured))).toBe(1);
    expect(f1(total(byType))).toBeGreaterThan(0.99);
  });

  // The topic model learnt from these two, so that they show that it did, and nothing about other texts.
  it('keep what the topic model learnt', () => {
    expect(scoreNegatives('development').share).toBeLessThan(0.01);
    expect(f1(scoreTopics('development').all)).toBeGreaterThan(0.98);
  });

  it('judge every conversation right, split and quoted ones too', () => {
    const { missed, wrong } = scoreConversations('development');
    expect(missed).toEqual([]);
    expect(wrong).toEqual([]);
  });
});
