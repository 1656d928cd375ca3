import type { IdentifierMatch } from '../types.ts';
import { socialCreditCheckCharacter } from './checksums.ts';
import { matchesIn, numberLabel, precededBy, type RuleInput } from './rule-input.ts';

/** Department, kind, six digits of region, nine of body, one check character; separators allowed between any two. */
const candidate =
  /(?<![a-z0-9])[1-9any][\s.-]{0,2}[1-9](?:[\s.-]{0,2}\d){6}(?:[\s.-]{0,2}[0-9a-hj-npqrtuwxy]){10}(?![a-z0-9])/g;
const label = /(?:信用代码|税号|纳税人|识别号|营业执照|社会信用|credit code|uscc|tax id)[^\n]{0,12}$/;

/** Unified social credit code of an organisation (GB 32100), with its check character. */
export function socialCreditCode(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  for (const match of matchesIn(input, candidate)) {
    const value = match[0].replace(/[^a-z0-9]/g, '').toUpperCase();
    if (socialCreditCheckCharacter(value.slice(0, 17)) !== value[17]) continue;
    const labelled = precededBy(input.lower, match.index, 28, label);
    // One in 31 of all numbers passes: an unlabelled code has to begin as those of real organisations do.
    if (!labelled && !/^(?:[159][1239]|Y1|A1|N[1239])/.test(value)) continue;
    if (!labelled && precededBy(input.lower, match.index, 20, numberLabel)) continue;
    if (!labelled && /^\d+$/.test(value) && !/^9[123]/.test(value)) continue;
    const end = match.index + match[0].length;
    found.push({ type: 'social-credit-code', start: match.index, end, confidence: 0.95, rule: 'social-credit-code' });
  }
  return found;
}
