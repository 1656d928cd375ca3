import { digitValue } from './chinese-numerals.ts';

/**
 * Digits that stand together, with what separates them: `138 0013 8000` is one cluster of three groups. A change between
 * ASCII digits and Chinese numerals also ends a group (8000一直 holds 8000), with an empty separator.
 */
export type DigitCluster = {
  /** All digits in a row, ASCII. */
  digits: string;
  /** Groups of digits with nothing between them. `from` and `to` index `digits`; `start` and `end` the text. */
  groups: { from: number; to: number; start: number; end: number }[];
  /** `separators[i]` stands between groups i and i + 1. */
  separators: string[];
};

/** Below this no rule over clusters can match. */
const minimumDigits = 7;
const maximumSeparatorLength = 3;
/** A line that was broken and set in again. */
const maximumBreakLength = 12;

/** What people say between the digits of a number: hesitation, words that lead on, signs read aloud. */
const filler =
  /[\s,.、。…-]{0,3}(?:(?:嗯+|呃+|额|啊+|哦+|噢|唔|哎+呀?|呀|嘛|哈|诶|欸|那个|这个|就是|然后是?|接着是?|接下来是?|后面是?|后边是?|再来?|还有|最后是?|杠|横杠|短横|空格|转|等等|等一下|等会�?|我想想|我看看|让我想想|让我看看|你记一?下|记一下|记好了?吗?|对|好的?|是|um+|uh+|erm?|ehm|hmm+|well|then|and then|and|dash|hyphen|space|let me see|hang on|hold on|sorry|so|like|you know)(?![a-z])[\s,.、。…-]{0,3}){1,4}/y;
/** First characters of a filler. */
const fillerStart = new Set(
  Array.from('嗯呃额啊哦噢唔哎呀嘛哈诶欸那这就然接后再还最杠横短空转等我让你记对好是uewthdasly', (one) =>
    one.charCodeAt(0),
  ),
);
/** 个, between a count and the digit that it counts: 三个零. */
const counted = 0x4e2a;

function isSeparator(code: number): boolean {
  // tab, line feed, carriage return, space ( ) * , - . / _ | ~ · 、 。
  return (
    code === 32 ||
    code === 9 ||
    code === 10 ||
    code === 13 ||
    code === 40 ||
    code === 41 ||
    code === 44 ||
    code === 45 ||
    code === 46 ||
    code === 47 ||
    code === 95 ||
    code === 124 ||
    code === 126 ||
    code === 0xb7 ||
    code === 0x3001 ||
    code === 0x3002
  );
}

const isBlank = (code: number): boolean => code === 32 || code === 9 || code === 10 || code === 13;

/** Where the digits go on behind `position`, or −1. */
function behindSeparator(text: string, position: number): number {
  let next = position;
  while (next < text.length && next - position < maximumSeparatorLength && isSeparator(text.charCodeAt(next))) next++;
  if (next - position === maximumSeparatorLength && isBlank(text.charCodeAt(next))) {
    let end = next;
    while (end < text.length && end - position < maximumBreakLength && isBlank(text.charCodeAt(end))) end++;
    if (text.slice(position, end).includes('\n')) next = end;
  }
  const code = text.charCodeAt(next);
  if (digitValue(code) >= 0) return next;
  if (!fillerStart.has(code)) return -1;
  filler.lastIndex = position;
  return filler.test(text) && digitValue(text.charCodeAt(filler.lastIndex)) >= 0 ? filler.lastIndex : -1;
}

/** How often the digit two places on is meant, where `三个零` stands at `position`; 1 elsewhere. */
function countAt(text: string, position: number): number {
  if (text.charCodeAt(position + 1) !== counted) return 1;
  const count = digitValue(text.charCodeAt(position));
  return count >= 2 && count <= 4 && digitValue(text.charCodeAt(position + 2)) >= 0 ? count : 1;
}

/** Finds the clusters of at least seven digits in a normalised text. */
export function findDigitClusters(text: string): DigitCluster[] {
  const clusters: DigitCluster[] = [];
  let position = 0;
  while (position < text.length) {
    if (digitValue(text.charCodeAt(position)) < 0) {
      position++;
      continue;
    }
    let digits = '';
    const groups: DigitCluster['groups'] = [];
    const separators: string[] = [];
    for (;;) {
      const start = position;
      const from = digits.length;
      let value = digitValue(text.charCodeAt(position));
      const ascii = text.charCodeAt(position) < 0x80;
      while (value >= 0 && ascii === text.charCodeAt(position) < 0x80) {
        const count = countAt(text, position);
        if (count > 1 && position > start) break;
        if (count > 1) position += 2;
        digits += String.fromCharCode(48 + digitValue(text.charCodeAt(position))).repeat(count);
        position++;
        if (count > 1) break;
        value = position < text.length ? digitValue(text.charCodeAt(position)) : -1;
      }
      groups.push({ from, to: digits.length, start, end: position });
      const next = position < text.length ? behindSeparator(text, position) : -1;
      if (next < 0) break;
      separators.push(text.slice(position, next));
      position = next;
    }
    if (digits.length >= minimumDigits) clusters.push({ digits, groups, separators });
  }
  return clusters;
}
