import type { IdentifierMatch } from '../types.ts';
import type { DigitWindow } from './digit-windows.ts';
import { numberLabel, precededBy, type RuleInput } from './rule-input.ts';

export const ssnLabel =
  /(?:ssn|social security|soc\.? sec|社会安全号|社安号?|ss#|\bsocial(?= (?!insurance)|$)|itin|taxpayer id)[^\n]{0,30}$/;
/** Printed in advertisements and therefore void. */
const voided = new Set(['078051120', '219099999']);

/** US Social Security number (and ITIN where labelled); areas 000, 666 and 900–999 were never issued. */
export function usSsn(window: DigitWindow, input: RuleInput): IdentifierMatch | undefined {
  const { digits, start, end } = window;
  if (digits.length !== 9 || voided.has(digits)) return undefined;
  if (window.fraction) return undefined;
  const labelled = precededBy(input.lower, start, 46, ssnLabel);
  if (/^(?:000|666)/.test(digits) || digits.slice(3, 5) === '00' || digits.endsWith('0000')) return undefined;
  if (digits.startsWith('9') && !(labelled && /^9\d\d(?:[5-8]\d|9[0-24-9])/.test(digits))) return undefined;
  const split = window.groups.join('-') === '3-2-4' && window.bounded;
  if (!split && !labelled) return undefined;
  if (!labelled && precededBy(input.lower, start, 20, numberLabel)) return undefined;
  // Spaces alone also part figures in a table; dashes are how the number is written.
  const dashed = input.text.slice(start, end).includes('-');
  if (!labelled && !dashed) return undefined;
  return { type: 'us-ssn', start, end, confidence: labelled ? 0.97 : 0.8, rule: 'us-ssn' };
}
