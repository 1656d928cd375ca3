import type { DigitCluster } from './digit-clusters.ts';

/** Digits written as words: pinyin syllables and English. `double five` is two fives. */
const words: Record<string, string> = {
  ling: '0', dong: '0', yi: '1', yao: '1', er: '2', liang: '2', san: '3', si: '4', wu: '5', liu: '6', qi: '7',
  guai: '7', ba: '8', jiu: '9', gou: '9', zero: '0', oh: '0', one: '1', two: '2', three: '3', four: '4', five: '5',
  six: '6', seven: '7', eight: '8', nine: '9',
}; // prettier-ignore
const word = `(?:(?:double|triple)[\\s-]+)?(?:${Object.keys(words)
  .sort((a, b) => b.length - a.length)
  .join('|')})`;
const run = new RegExp(`(?<![a-z])${word}(?:[\\s,.-]{0,2}${word}){6,39}(?![a-z])`, 'g');
const token = new RegExp(`(double|triple)[\\s-]+|${word}`, 'g');

/** Clusters whose groups are the words. `lower` is normalised lower-case text. */
export function findSpokenDigits(lower: string): DigitCluster[] {
  const clusters: DigitCluster[] = [];
  for (const match of lower.matchAll(run)) {
    const groups: DigitCluster['groups'] = [];
    let digits = '';
    let repeat = 1;
    for (const part of match[0].matchAll(token)) {
      const multiplier = /^(double|triple)[\s-]+(.*)$/.exec(part[0]);
      repeat = multiplier === null ? repeat : multiplier[1] === 'double' ? 2 : 3;
      const value = words[multiplier === null ? part[0] : (multiplier[2] ?? '')];
      if (value === undefined) continue;
      const start = match.index + part.index;
      groups.push({ from: digits.length, to: digits.length + repeat, start, end: start + part[0].length });
      digits += value.repeat(repeat);
      repeat = 1;
    }
    clusters.push({ digits, groups, separators: Array.from({ length: groups.length - 1 }, () => '-') });
  }
  return clusters;
}
