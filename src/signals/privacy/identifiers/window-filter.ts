import type { DigitCluster } from '../digit-clusters.ts';
import { DigitWindow, longestNumber, shortestNumber } from './digit-windows.ts';
import { canadian, canadianBehind, nhs, nhsBehind } from './national-number.ts';
import { phoneBehind, phoneLabel } from './phone.ts';
import type { RuleInput } from './rule-input.ts';
import { ssnLabel } from './us-ssn.ts';

/**
 * Which windows any of the rules over digits could match, by length, first digits and checksum alone: a text full of
 * figures has thousands of windows, and almost all of them end here before anything is made for them. A rule that reads
 * other numbers has to be let through here; `window-filter.test.ts` goes red where one is not.
 */

/** Digits of a cluster between two places. */
type Span = { digits: string; from: number; length: number };

const digitAt = ({ digits, from }: Span, index: number): number => digits.charCodeAt(from + index) - 48;

/** As `passesLuhn`, without a string of its own. */
function passesLuhnInPlace(span: Span): boolean {
  let sum = 0;
  for (let index = 0; index < span.length; index++) {
    const digit = digitAt(span, span.length - 1 - index);
    sum += index % 2 === 0 ? digit : digit < 5 ? digit * 2 : digit * 2 - 9;
  }
  return sum % 10 === 0;
}

/** Month and day of a resident ID stand at `at`. */
function mayBeDate(span: Span, at: number): boolean {
  const month = digitAt(span, at) * 10 + digitAt(span, at + 1);
  const day = digitAt(span, at + 2) * 10 + digitAt(span, at + 3);
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

function mayBeResidentId(span: Span): boolean {
  if (span.length === 15) return mayBeDate(span, 8);
  if (span.length !== 17 && span.length !== 18) return false;
  const century = digitAt(span, 6) * 10 + digitAt(span, 7);
  return century >= 18 && century <= 20 && mayBeDate(span, 10);
}

/** What of the words of labels the text may hold: asked once for each text. */
export type LabelsThere = { phone: boolean; nineDigits: boolean; nhs: boolean };

export function labelsThere({ filter }: RuleInput): LabelsThere {
  return {
    phone: filter.mayMatch(phoneLabel) || filter.mayMatch(phoneBehind),
    nineDigits: filter.mayMatch(ssnLabel) || filter.mayMatch(canadian) || filter.mayMatch(canadianBehind),
    nhs: filter.mayMatch(nhs) || filter.mayMatch(nhsBehind),
  };
}

function matters(span: Span, groups: number, plus: boolean, input: RuleInput, there: LabelsThere): boolean {
  const { length } = span;
  const first = digitAt(span, 0);
  if (length <= 8) return input.mentionsPhone && first >= 2;
  if (input.mentionsBank || plus) return true;
  // Area codes and exit codes; the codes of China, Hong Kong, Macau and Taiwan.
  if (length <= 15 && (first === 0 || (first === 8 && length >= 11))) return true;
  if (length === 9) return there.nineDigits || groups === 3;
  if (length === 10) {
    if (there.nhs) return true;
    return first >= 2 && digitAt(span, 3) >= 2 && (there.phone || groups === 3);
  }
  if (length === 11) return first === 1;
  if (length <= 13) return false;
  return mayBeResidentId(span) || passesLuhnInPlace(span);
}

/** The windows of a cluster that some rule may match. */
export function windowsThatMatter(cluster: DigitCluster, input: RuleInput, there: LabelsThere): DigitWindow[] {
  const windows: DigitWindow[] = [];
  const { groups, digits } = cluster;
  const span: Span = { digits, from: 0, length: 0 };
  for (let first = 0; first < groups.length; first++) {
    const group = groups[first];
    if (group === undefined) break;
    span.from = group.from;
    const plus = input.text[group.start - 1] === '+';
    for (let last = first; last < groups.length; last++) {
      span.length = (groups[last]?.to ?? 0) - span.from;
      if (span.length > longestNumber) break;
      if (span.length < shortestNumber) continue;
      if (matters(span, last - first + 1, plus, input, there))
        windows.push(new DigitWindow(cluster, first, last, input.text));
    }
  }
  return windows;
}
