import type { IdentifierMatch } from '../types.ts';
import { passesIbanCheck } from './checksums.ts';
import { matchesIn, type RuleInput } from './rule-input.ts';

/** Length for each country of the IBAN registry (SWIFT). */
const lengths: Record<string, number> = {
  AD: 24, AE: 23, AL: 28, AT: 20, AZ: 28, BA: 20, BE: 16, BG: 22, BH: 22, BR: 29, BY: 28, CH: 21, CR: 22, CY: 28,
  CZ: 24, DE: 22, DK: 18, DO: 28, EE: 20, EG: 29, ES: 24, FI: 18, FO: 18, FR: 27, GB: 22, GE: 22, GI: 23, GL: 18,
  GR: 27, GT: 28, HR: 21, HU: 28, IE: 22, IL: 23, IQ: 23, IS: 26, IT: 27, JO: 30, KW: 30, KZ: 20, LB: 28, LC: 32,
  LI: 21, LT: 20, LU: 20, LV: 21, MC: 27, MD: 24, ME: 22, MK: 19, MR: 27, MT: 31, MU: 30, NL: 18, NO: 15, PK: 24,
  PL: 28, PS: 29, PT: 25, QA: 29, RO: 24, RS: 22, SA: 24, SC: 31, SE: 24, SI: 19, SK: 24, SM: 27, ST: 25, SV: 28,
  TL: 23, TN: 24, TR: 26, UA: 29, VA: 22, VG: 24, XK: 20,
}; // prettier-ignore
const head = /(?<=(?<![a-z0-9])|iban)([a-z]{2})[\s-]?(\d[\s-]?\d)/g;

/** International bank account number: known country, its length, remainder 1 modulo 97. */
export function iban(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  for (const match of matchesIn(input, head)) {
    const wanted = lengths[(match[1] ?? '').toUpperCase()];
    if (wanted === undefined) continue;
    let value = '';
    let end = match.index;
    while (end < input.lower.length && value.length < wanted) {
      const character = input.lower[end] ?? '';
      if (/[a-z0-9]/.test(character)) value += character;
      else if (!/[ \-.\n\r]/.test(character)) break;
      end++;
    }
    if (value.length !== wanted || /[a-z0-9]/.test(input.lower[end] ?? '') || !passesIbanCheck(value)) continue;
    found.push({ type: 'iban', start: match.index, end, confidence: 0.98, rule: 'iban' });
  }
  return found;
}
