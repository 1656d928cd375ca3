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

function isSeparator(code: number): boolean {
  // tab, line feed, carriage return, space ( ) * , - . / _ | ~ · 、 。 +
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
    code === 0x3001
  );
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
        digits += String.fromCharCode(48 + value);
        position++;
        value = position < text.length ? digitValue(text.charCodeAt(position)) : -1;
      }
      groups.push({ from, to: digits.length, start, end: position });
      let next = position;
      while (next < text.length && next - position < maximumSeparatorLength && isSeparator(text.charCodeAt(next)))
        next++;
      if (next >= text.length || digitValue(text.charCodeAt(next)) < 0) break;
      separators.push(text.slice(position, next));
      position = next;
    }
    if (digits.length >= minimumDigits) clusters.push({ digits, groups, separators });
  }
  return clusters;
}
