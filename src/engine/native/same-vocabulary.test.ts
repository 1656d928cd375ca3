import { describe, expect, it } from 'vitest';
import { checkSameVocabulary } from './same-vocabulary.ts';

function vocabulary(size: number, changed = -1) {
  return { vocabularySize: size, textOf: (token: number) => (token === changed ? 'other' : `t${token}`) };
}

describe('checkSameVocabulary', () => {
  it('accepts the same tokens, also where one file is padded further', () => {
    expect(checkSameVocabulary(vocabulary(1_000), vocabulary(1_000))).toBeUndefined();
    expect(checkSameVocabulary(vocabulary(1_000), vocabulary(1_128))).toBeUndefined();
  });

  it('says what differs', () => {
    expect(checkSameVocabulary(vocabulary(1_000), vocabulary(1_129))).toBe('its vocabulary has 1000 tokens, not 1129');
    expect(checkSameVocabulary(vocabulary(1_000, 998), vocabulary(1_010))).toContain('token 998');
  });
});
