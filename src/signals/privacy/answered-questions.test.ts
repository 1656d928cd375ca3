import { describe, expect, it } from 'vitest';
import { detectPrivacy } from './detect.ts';
import type { TextSegment } from './types.ts';

const talk = (...turns: [TextSegment['role'], string][]): TextSegment[] =>
  turns.map(([role, text]) => ({ role, text, origin: 'text' }));

describe('an answer to a question', () => {
  it.each([
    ['birth-date', talk(['assistant', '好的,您的出生日期?'], ['user', '1990年5月12号'])],
    ['password', talk(['assistant', '请输入密码'], ['user', 'Tr0ub4dor&3'])],
    ['verification-code', talk(['user', '验证码收到了'], ['assistant', '是多少?'], ['user', '739204'])],
    ['social-insurance', talk(['assistant', 'What is your medicare number?'], ['user', '21234567'])],
    ['phone', talk(['assistant', '请提供手机号'], ['user', '一三八'], ['user', '零零一三'], ['user', '八零零零'])],
  ] as [string, TextSegment[]][])('is a %s by what was asked', (type, segments) => {
    const last = segments.length - 1;
    const found = detectPrivacy(segments).findings.filter((finding) => finding.segment === last);
    expect(found.map((finding) => finding.type)).toContain(type);
    for (const { end } of found) expect(end).toBeLessThanOrEqual(segments[last]?.text.length ?? 0);
    for (const { start, end } of found) expect(start).toBeLessThan(end);
  });

  it.each([
    [talk(['assistant', '您的预算是多少?'], ['user', '8000'])],
    [talk(['assistant', '需要几位的验证码?'], ['user', '6'])],
    [talk(['assistant', 'How many pages should it have?'], ['user', '1200'])],
    [talk(['assistant', '公司哪天成立的?'], ['user', '1999年5月4日'])],
    [talk(['user', '写一个生成随机密码的函数'], ['assistant', '要几位?'], ['user', '12'])],
  ])('stays public where nothing private was asked for (%#)', (segments) => {
    expect(detectPrivacy(segments).findings).toEqual([]);
  });
});
