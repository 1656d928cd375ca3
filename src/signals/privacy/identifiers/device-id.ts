import type { IdentifierMatch } from '../types.ts';
import { passesLuhn, passesVinCheck } from './checksums.ts';
import type { DigitWindow } from './digit-windows.ts';
import { precededBy, type RuleInput } from './rule-input.ts';

/** IMEI (3GPP TS 23.003): fifteen digits with a Luhn digit, only where labelled. */
export function imei(window: DigitWindow, input: RuleInput): IdentifierMatch | undefined {
  if (window.digits.length !== 15 || !passesLuhn(window.digits)) return undefined;
  if (!precededBy(input.lower, window.start, 16, /(?:imei|串号|设备号)[^\n]{0,10}$/)) return undefined;
  return { type: 'device-id', start: window.start, end: window.end, confidence: 0.9, rule: 'imei' };
}

const vinCandidate = /(?<![A-Za-z0-9])[A-HJ-NPR-Z0-9]{17}(?![A-Za-z0-9])/gi;

/** Vehicle identification number: seventeen characters with a right check digit, letters and digits mixed. */
export function vin(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  for (const match of input.text.matchAll(vinCandidate)) {
    const value = match[0].toUpperCase();
    if ((value.match(/[A-Z]/g)?.length ?? 0) < 3 || (value.match(/\d/g)?.length ?? 0) < 4) continue;
    const labelled = precededBy(input.lower, match.index, 24, /(?:车架号|车辆识别|vin|chassis)[^\n]{0,12}$/);
    if (!passesVinCheck(value) && !labelled) continue;
    if (!labelled && match[0] !== value) continue;
    const confidence = labelled ? 0.95 : 0.75;
    found.push({ type: 'vin', start: match.index, end: match.index + 17, confidence, rule: 'vin' });
  }
  return found;
}
