import { describe, expect, it } from 'vitest';
import { personaFor } from './persona.ts';

describe('personaFor', () => {
  const persona = { zh: '你是 {model}。', en: 'You are {model}.' };

  it('speaks the language of the first question', () => {
    expect(personaFor({ persona, displayName: 'M' }, 'What is 端云 good for, 在手机上?')).toBe('你是 M。');
    expect(personaFor({ persona, displayName: 'M' }, 'Who are you?')).toBe('You are M.');
    expect(personaFor({ persona, displayName: 'M' }, '')).toBe('You are M.');
  });

  it('takes a text of one language as it is, and names the model wherever it stands', () => {
    expect(personaFor({ persona: '{model}: {model}', displayName: 'M' }, '你好')).toBe('M: M');
  });

  it('is nothing for a model without one', () => {
    expect(personaFor({ displayName: 'M' }, 'Hi')).toBeUndefined();
  });
});
