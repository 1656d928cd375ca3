import { describe, expect, it } from 'vitest';
import { detectPrivacy } from './privacy/detect.ts';
import { makeRestorer, redact, restore } from './redact.ts';

const redacted = (...texts: string[]): ReturnType<typeof redact> =>
  redact(
    texts,
    detectPrivacy(texts.map((text) => ({ role: 'user' as const, text, origin: 'text' as const }))).findings,
  );

describe('redact', () => {
  it('replaces findings, gives one value one placeholder, and restores', () => {
    const { texts, values } = redacted('打13800138000找我', '号码是138-0013-8000,邮箱a.b@qq.com');
    expect(texts).toEqual(['打⟦PHONE_1⟧找我', '号码是⟦PHONE_1⟧,邮箱⟦EMAIL_1⟧']);
    expect(restore('已联系⟦PHONE_1⟧与⟦EMAIL_1⟧', values)).toBe('已联系13800138000与a.b@qq.com');
  });

  it('does not mistake a placeholder that the user typed for its own', () => {
    const { texts, values } = redacted('⟦PHONE_1⟧ 是什么?打13800138000');
    expect(texts[0]).toBe('⟦PHONE_1⟧ 是什么?打⟦PHONE_2⟧');
    expect(restore(texts[0]!, values)).toBe('⟦PHONE_1⟧ 是什么?打13800138000');
  });

  it('restores a stream however it is cut', () => {
    const { values } = redacted('13800138000 和 a.b@qq.com');
    const answer = 'x⟦PHONE_1⟧y⟦⟦EMAIL_1⟧⟦NOBODY_1⟧ ⟦ a ⟧ ⟦PHONE_1';
    const whole = 'x13800138000y⟦a.b@qq.com⟦NOBODY_1⟧ ⟦ a ⟧ ⟦PHONE_1';
    for (let size = 1; size <= answer.length; size++) {
      const restorer = makeRestorer(values);
      let result = '';
      for (let at = 0; at < answer.length; at += size) result += restorer.push(answer.slice(at, at + size));
      expect(result + restorer.end()).toBe(whole);
    }
  });

  it('passes text without placeholders through at once', () => {
    const restorer = makeRestorer(new Map([['⟦PHONE_1⟧', '1']]));
    expect(restorer.push('hello')).toBe('hello');
    expect(restorer.end()).toBe('');
  });

  it('encodes a value for JSON where asked', () => {
    const restorer = makeRestorer(new Map([['⟦PASSWORD_1⟧', 'a"b\\c']]), (value) => JSON.stringify(value).slice(1, -1));
    expect(JSON.parse(`{"p":"${restorer.push('⟦PASSWORD_1⟧')}"}`)).toEqual({ p: 'a"b\\c' });
  });
});
