import type { IdentifierMatch } from '../types.ts';
import { isBirthDate, residentIdCheckCharacter } from './checksums.ts';
import type { DigitWindow } from './digit-windows.ts';
import { numberLabel, precededBy, type RuleInput } from './rule-input.ts';

/** GB/T 2260 province codes; 81–83 are the residence permits of Hong Kong, Macau and Taiwan, 91 foreign residents. */
const provinces = new Set(
  '11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83 91'.split(
    ' ',
  ),
);

/** The check letter after seventeen digits; separators and a closing parenthesis may stand before it. */
const checkLetter = /^[\s,._·/()-]{0,3}(?:[xX](?![A-Za-z0-9])|叉|艾克斯|埃克斯)/;
const idLabel = /(?:身份证|证件号|id card|shenfenzheng|sfz)[^\n]{0,12}$/;

/** GB 11643: 18 characters with region, birth date and check character, or the 15 digits issued before 1999. */
export function residentId(window: DigitWindow, input: RuleInput): IdentifierMatch | undefined {
  const { digits, start } = window;
  if (digits.length !== 18 && digits.length !== 17 && digits.length !== 15) return undefined;
  if (!provinces.has(digits.slice(0, 2))) return undefined;
  if (digits.length === 18 || digits.length === 17) {
    if (!isBirthDate(Number(digits.slice(6, 10)), Number(digits.slice(10, 12)), Number(digits.slice(12, 14)))) {
      return undefined;
    }
    const check = residentIdCheckCharacter(digits.slice(0, 17));
    if (digits.length === 18) {
      return check === digits[17]
        ? { type: 'resident-id', start, end: window.end, confidence: 0.99, rule: 'resident-id-18' }
        : undefined;
    }
    const letter = check === 'X' ? checkLetter.exec(input.text.slice(window.end, window.end + 8)) : null;
    return letter === null
      ? undefined
      : { type: 'resident-id', start, end: window.end + letter[0].length, confidence: 0.99, rule: 'resident-id-18' };
  }
  if (digits.length !== 15) return undefined;
  if (!isBirthDate(1900 + Number(digits.slice(6, 8)), Number(digits.slice(8, 10)), Number(digits.slice(10, 12)))) {
    return undefined;
  }
  if (precededBy(input.lower, start, 24, idLabel)) {
    return { type: 'resident-id', start, end: window.end, confidence: 0.97, rule: 'resident-id-15' };
  }
  // No checksum: without a label only a number in one piece or in usual groups, and no parcel or device.
  const plausible = (window.shape === 'whole' || (window.shape === 'grouped' && window.bounded)) && !window.fraction;
  if (!plausible || precededBy(input.lower, start, 20, numberLabel) || precededBy(input.lower, start, 12, /imei/)) {
    return undefined;
  }
  return { type: 'resident-id', start, end: window.end, confidence: 0.65, rule: 'resident-id-15' };
}
