import { describe, expect, it } from 'vitest';
import { normalise, originalRange } from './normalise.ts';

describe('normalise', () => {
  it.each([
    ['１３８ａｂｃ', '138abc'],
    ['1\u200b3\u200d8\ufeff', '138'],
    ['\u202e138\u202c', '138'],
    ['١٢٣४५६', '123456'],
    ['①②❸➃', '1234'],
    ['1️⃣3️⃣8️⃣', '138'],
    ['&#49;&#x33;&amp;', '13&'],
    ['%31%33%E6%88%91', '13我'],
    ['\\u624b\\u673a', '手机'],
    ['рауреl', 'paypel'],
    ['50% off & more', '50% off & more'],
  ])('reads %j as %j', (written, plain) => {
    expect(normalise(written).text).toBe(plain);
  });

  it('turns long runs of Chinese numerals into digits and leaves words alone', () => {
    expect(normalise('幺三八洞洞幺三八洞洞洞').digits).toBe('13800138000');
    expect(normalise('三三两两的人').digits).toBe('3322的人');
    expect(normalise('一石二鸟').digits).toBe('一石二鸟');
  });

  it('maps every character back to where it came from', () => {
    const original = '我😀１\u200b３&#56;ﷺ%20z';
    const { text, starts, ends } = normalise(original);
    expect(starts.length).toBe(text.length);
    for (let index = 1; index < text.length; index++) expect(starts[index]).toBeGreaterThanOrEqual(starts[index - 1]!);
    expect(ends.at(-1)).toBe(original.length);
    const at = text.indexOf('138');
    const range = originalRange(normalise(original), at, at + 3);
    expect(original.slice(range.start, range.end)).toBe('１\u200b３&#56;');
  });

  it('keeps the map whole for any text, lone surrogates included', () => {
    for (const text of ['', '\ud800', 'a\udc00b', 'İstanbul', '%', '&#;', '\\u12', '\u0000', 'ﬁ㎡…']) {
      const result = normalise(text);
      expect(result.lower.length).toBe(result.text.length);
      expect(result.digits.length).toBe(result.text.length);
      expect(result.ends.length).toBe(result.text.length);
    }
  });
});
