import type { DigitCluster } from './digit-clusters.ts';

/** Digits written as words: pinyin syllables and English. `double five` is two fives, `eight hundred` is 800. */
const words: Record<string, string> = {
  ling: '0', dong: '0', yi: '1', yao: '1', er: '2', liang: '2', san: '3', si: '4', wu: '5', liu: '6', qi: '7',
  guai: '7', ba: '8', jiu: '9', gou: '9', zero: '0', oh: '0', nought: '0', naught: '0', one: '1', two: '2', three: '3',
  four: '4', five: '5', six: '6', seven: '7', eight: '8', nine: '9', niner: '9', ten: '10', eleven: '11', twelve: '12',
  thirteen: '13', fourteen: '14', fifteen: '15', sixteen: '16', seventeen: '17', eighteen: '18', nineteen: '19',
}; // prettier-ignore
const tens: Record<string, string> = {
  twenty: '2', thirty: '3', forty: '4', fifty: '5', sixty: '6', seventy: '7', eighty: '8', ninety: '9',
}; // prettier-ignore
const longestFirst = (names: string[]): string => names.sort((a, b) => b.length - a.length).join('|');
const unit = '(?:one|two|three|four|five|six|seven|eight|nine)';
const word = `(?:(?:(?:double|triple|treble)[\\s-]+)?(?:${longestFirst(Object.keys(words))}|o(?![a-z]))(?:\\s(?:hundred|thousand))?|(?:${Object.keys(tens).join('|')})(?:[\\s-]${unit}(?![a-z]))?)`;
/** Hesitation and signs read aloud. */
const between =
  '(?:[\\s,.…-]{1,3}(?:um+|uh+|erm?|ehm|hmm+|well|then|and then|and|dash|hyphen|space|let me see|hang on|sorry|so|like|en|e|na ge|ran hou)(?![a-z])){0,3}[\\s,.…-]{0,3}';
const run = new RegExp(`(?<![a-z])${word}(?:${between}${word}){4,39}(?![a-z])`, 'g');
const token = new RegExp(word, 'g');
/** Below this no rule over clusters can match. */
const minimumDigits = 7;

/** The digits that one word or pair of words stands for. */
function digitsOf(spoken: string): string {
  const parts = spoken.split(/[\s-]+/);
  const head = parts[0] ?? '';
  if (head in tens) return (tens[head] ?? '') + (parts[1] === undefined ? '0' : (words[parts[1]] ?? ''));
  const repeat = head === 'double' ? 2 : head === 'triple' || head === 'treble' ? 3 : 1;
  const name = (repeat === 1 ? parts[0] : parts[1]) ?? '';
  const last = parts.at(-1);
  const zeros = last === 'hundred' ? '00' : last === 'thousand' ? '000' : '';
  return (name === 'o' ? '0' : (words[name] ?? '')).repeat(repeat) + zeros;
}

/** Clusters whose groups are the words. `lower` is normalised lower-case text. */
export function findSpokenDigits(lower: string): DigitCluster[] {
  const clusters: DigitCluster[] = [];
  for (const match of lower.matchAll(run)) {
    const groups: DigitCluster['groups'] = [];
    let digits = '';
    for (const part of match[0].matchAll(token)) {
      const value = digitsOf(part[0]);
      if (value === '') continue;
      const start = match.index + part.index;
      groups.push({ from: digits.length, to: digits.length + value.length, start, end: start + part[0].length });
      digits += value;
    }
    if (digits.length < minimumDigits) continue;
    clusters.push({ digits, groups, separators: Array.from({ length: groups.length - 1 }, () => '-') });
  }
  return clusters;
}
