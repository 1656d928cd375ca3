/**
 * The privacy signals on texts whose author had not seen the rules. The bounds are what was measured, so that a change
 * which makes detection worse is seen; they are not yet the project's aims, which `docs/privacy.md` names beside them.
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

describe('the privacy signals on the independent sets', () => {
  const { byType } = scoreIdentifiers();

  it.each(['resident_id', 'social_credit_code', 'email', 'hkid', 'bank_card', 'passport', 'iban', 'ssn', 'ip'])(
    'find every %s',
    (type) => {
      expect(byType.get(type)?.missed).toBe(0);
    },
  );

  it('find structured identifiers and names no worse than measured', () => {
    expect(recall(total(byType, isStructured))).toBeGreaterThan(0.955);
    expect(f1(total(byType))).toBeGreaterThan(0.93);
  });

  it('call few harmless texts private', () => {
    expect(scoreNegatives().share).toBeLessThan(0.062);
  });

  it('tell sensitive topics from general ones', () => {
    expect(f1(scoreTopics().all)).toBeGreaterThan(0.92);
  });

  it('judge conversations, split and quoted ones too', () => {
    const { missed, wrong } = scoreConversations();
    expect(missed.length).toBeLessThanOrEqual(6);
    expect(wrong.length).toBeLessThanOrEqual(3);
  });
});
