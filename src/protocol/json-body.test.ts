import { describe, expect, it } from 'vitest';
import { defaultJsonLimits, parseJsonBody } from './json-body.ts';

const parse = (text: string) => parseJsonBody(Buffer.from(text));
const codeOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return undefined;
};
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

describe('parseJsonBody', () => {
  it('parses what JSON.parse parses, with or without a byte order mark', () => {
    const text = '{"a":[1,"\\"[{",true,null],"中文":"🦜\\\\"}';
    expect(parse(text)).toEqual(JSON.parse(text));
    expect(parse(`\uFEFF${text}`)).toEqual(JSON.parse(text));
  });

  it('refuses bytes that are not UTF-8', () => {
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc3, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0x22, 0xc0, 0xaf, 0x22],
    ]) {
      expect(codeOf(() => parseJsonBody(Uint8Array.from(bytes)))).toBe('invalid_utf8');
    }
  });

  it('accepts nesting up to the limit and refuses the next level', () => {
    expect(codeOf(() => parse(nested(defaultJsonLimits.maxDepth)))).toBeUndefined();
    expect(codeOf(() => parse(nested(defaultJsonLimits.maxDepth + 1)))).toBe('json_too_deep');
  });

  it('refuses 10,000 levels, closed or not, in objects or arrays', () => {
    expect(codeOf(() => parse(nested(10_000)))).toBe('json_too_deep');
    expect(codeOf(() => parse('{"a":'.repeat(10_000)))).toBe('json_too_deep');
  });

  it('does not take brackets inside strings for nesting', () => {
    const text = JSON.stringify({ text: '[{'.repeat(500), escaped: '\\"[[[\\\\' });
    expect(parse(text)).toEqual(JSON.parse(text));
    expect(codeOf(() => parse(`"\\\\"${'['.repeat(100)}`))).toBe('json_too_deep');
  });

  it('refuses more values than the limit before they are built', () => {
    const body = Buffer.from(`[${'{},'.repeat(60_000)}1]`);
    expect(codeOf(() => parseJsonBody(body))).toBe('invalid_request');
  });

  it('says where the JSON breaks without quoting it', () => {
    let message = '';
    try {
      parse('{"password":"hunter2",}');
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(/not valid JSON/);
    expect(message).not.toContain('hunter2');
    for (const text of ['', '  ', '{', '"abc', 'nul', '{"a":1}}'])
      expect(codeOf(() => parse(text))).toBe('invalid_json');
  });

  it('replaces lone surrogates in values and keys and keeps whole pairs', () => {
    expect(parse('{"a":"x\\ud83dy","b":"\\ude00","ok":"\\ud83d\\ude00","k\\udc00":[ "\\uD800" ]}')).toEqual({
      a: 'x\uFFFDy',
      b: '\uFFFD',
      ok: '😀',
      'k\uFFFD': ['\uFFFD'],
    });
  });

  it('drops __proto__ keys, written plainly or escaped', () => {
    const value = parse('{"__proto__":{"admin":true},"a":{"\\u005f_proto__":{"admin":true},"b":1}}') as Record<
      string,
      unknown
    >;
    expect(Object.keys(value)).toEqual(['a']);
    expect(value).toEqual({ a: { b: 1 } });
    expect((value as { admin?: boolean }).admin).toBeUndefined();
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});
