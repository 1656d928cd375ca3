import { describe, expect, it } from 'vitest';
import { comparable } from './normalise.ts';
import { needsOf, TextFilter } from './text-filter.ts';

describe('what a pattern needs', () => {
  it.each([
    [/微信(?:号|id)/, [['号', 'id'], ['微信']]],
    [/(?:account|acct)[ _-]?no/, [['account', 'acct'], ['no']]],
    [/[账帐][号户]/, [['账号', '账户', '帐号', '帐户']]],
    [/colou?r/, [['colo'], ['r']]],
    [/a+b/, [['a'], ['b']]],
    // An alternative of which nothing is known, and what is optional or only looked at, need nothing.
    [/abc|[a-z]+/, []],
    [/(?:abc)?(?<!def)(?=ghi)/, []],
  ])('%s', (pattern, lists) => {
    expect(
      needsOf(pattern.source)
        .lists.map((list) => [...list].toSorted())
        .toSorted(),
    ).toEqual(lists.map((list) => list.toSorted()).toSorted());
  });

  it('knows when every match holds a digit', () => {
    expect(needsOf(/no\s?\d{4}/.source).digit).toBe(true);
    expect(needsOf(/no\s?\d*/.source).digit).toBe(false);
    expect(needsOf(/\d|x/.source).digit).toBe(false);
  });
});

describe('TextFilter', () => {
  const patterns = [
    /微信号\d+/,
    /(?:pass|pin)word/i,
    /[A-Z]{2}\d/,
    /密码(?:是|为)?/,
    /(?<gap>-)\d\k<gap>/,
    /x{0,3}/,
    /ab(?:c|d)e/,
  ];
  const texts = ['我的微信号123', 'PassWord', 'AB1', '密碼是', '-1-', '', 'abde', 'abce', 'pinword 密码'];

  it('never rules out a pattern that matches', () => {
    for (const text of texts) {
      const lower = comparable(text);
      const filter = new TextFilter(lower);
      for (const pattern of patterns) {
        if (pattern.test(lower) || pattern.test(text))
          expect([text, pattern, filter.mayMatch(pattern)]).toContain(true);
      }
    }
  });

  it('rules nothing out for a pattern whose flags it does not read', () => {
    const text = comparable('Ärger 😀');
    const filter = new TextFilter(text);
    for (const pattern of [/\p{L}+ger/u, /\u{1F600}/u]) {
      expect([pattern.test(text), filter.mayMatch(pattern)]).toEqual([true, true]);
    }
  });

  it('rules out what cannot match', () => {
    const filter = new TextFilter('most people agreed that the budget should grow');
    expect(filter.mayMatch(/密码|password/)).toBe(false);
    expect(filter.mayMatch(/the \d/)).toBe(false);
    expect(filter.mayMatch(/budget/)).toBe(true);
    expect(filter.longestToken).toBe(6);
  });

  it('rules nothing out once another text was read', () => {
    const filter = new TextFilter('abc');
    expect(new TextFilter('xyz').mayMatch(/abc/)).toBe(false);
    expect(filter.mayMatch(/xyz/)).toBe(true);
  });
});
