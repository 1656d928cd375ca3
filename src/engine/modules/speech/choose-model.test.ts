import { describe, expect, it } from 'vitest';
import { chooseModel } from './choose-model.ts';

const whisper = ['en', 'zh', 'yue', 'fr'];
const senseVoice = ['zh', 'en', 'yue', 'ja', 'ko'];
const both = { whisper, 'sense-voice': senseVoice };
const plain = { task: 'transcribe' } as const;

describe('with both models', () => {
  it.each([
    ['Chinese, as declared', { ...plain, language: 'zh' }, 'sense-voice'],
    ['Cantonese', { ...plain, language: 'yue' }, 'sense-voice'],
    ['another language', { ...plain, language: 'en' }, 'whisper'],
    ['a language that SenseVoice does not know', { ...plain, language: 'fr' }, 'whisper'],
    ['nobody said which language', plain, 'by-language'],
    ['a translation', { task: 'translate', language: 'zh' } as const, 'whisper'],
    ['names to expect', { ...plain, language: 'zh', prompt: '端云' }, 'whisper'],
  ])('%s', (_name, request, expected) => {
    expect(chooseModel(both, request)).toBe(expected);
  });
});

describe('with one', () => {
  it('it hears everything it knows', () => {
    expect(chooseModel({ whisper }, { ...plain, language: 'zh' })).toBe('whisper');
    expect(chooseModel({ whisper }, plain)).toBe('whisper');
    expect(chooseModel({ 'sense-voice': senseVoice }, { ...plain, prompt: '端云' })).toBe('sense-voice');
    expect(chooseModel({ 'sense-voice': senseVoice }, { ...plain, language: 'ja' })).toBe('sense-voice');
  });
  it('what it cannot do is refused by name', () => {
    const invalid = { code: 'invalid_request', param: 'language' };
    expect(() => chooseModel({ 'sense-voice': senseVoice }, { ...plain, language: 'fr' })).toThrow(
      expect.objectContaining(invalid) as Error,
    );
    expect(() => chooseModel(both, { ...plain, language: 'xx' })).toThrow(expect.objectContaining(invalid) as Error);
    expect(() => chooseModel({ 'sense-voice': senseVoice }, { task: 'translate' })).toThrow(
      /duanyun pull whisper-base/,
    );
  });
});
