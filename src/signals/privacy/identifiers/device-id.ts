import type { IdentifierMatch } from '../types.ts';
import { passesLuhn, passesVinCheck } from './checksums.ts';
import type { DigitWindow } from './digit-windows.ts';
import { exampleWords, precededBy, type RuleInput } from './rule-input.ts';

const mac =
  /(?<![0-9a-f:.-])[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}(?![0-9a-f:-])|(?<![0-9a-f.])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![0-9a-f.])/g;
/** Broadcast, empty, multicast and documentation addresses (RFC 7042) are nobody's. */
const sharedMac =
  /^(?:00[:-]00[:-]5e|ff[:-]ff|00[:-]00[:-]00|01[:-]00[:-]5e|33[:-]33|0000\.0000|ffff\.ffff|de[:-]ad[:-]be|aa[:-]bb[:-]cc|00[:-]11[:-]22|01[:-]23[:-]45)/;
const labelledDevice =
  /(?:imei|meid|串号|设备号|设备码|设备id|设备标识|机身号|序列号|idfa|idfv|oaid|android id|device (?:id|serial)|serial (?:no\.?|number)|udid|advertising id)(?:码)?[\s:是为#]{0,4}(?:is\s)?([a-z0-9][a-z0-9-]{7,39})(?![a-z0-9])/g;

/** Hardware addresses, and device numbers that their label names. */
export function deviceId(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  if (/[0-9a-f]{2}[:.-][0-9a-f]{2}/.test(input.lower)) {
    for (const match of input.lower.matchAll(mac)) {
      if (sharedMac.test(match[0]) || !/\d/.test(match[0]) || /^[\d.-]+$/.test(match[0])) continue;
      if (precededBy(input.lower, match.index, 24, exampleWords)) continue;
      found.push({
        type: 'device-id',
        start: match.index,
        end: match.index + match[0].length,
        confidence: 0.8,
        rule: 'mac-address',
      });
    }
  }
  if (/imei|meid|串号|设备|机身|序列号|idfa|idfv|oaid|device|serial|udid|android id|advertising/.test(input.lower)) {
    for (const match of input.lower.matchAll(labelledDevice)) {
      const value = match[1] ?? '';
      // The serial number of any product is no more than that; a telephone's or a person's own device is told by its words.
      const own =
        /imei|meid|串号|idfa|idfv|oaid|udid|android id|advertising/.test(match[0]) ||
        /我|本人|手机|平板|手表|电脑|手环|\bmy\b|phone|laptop|tablet|watch/.test(
          input.lower.slice(Math.max(0, match.index - 30), match.index + match[0].length + 20),
        );
      if (!own || (value.match(/\d/g)?.length ?? 0) < 4) continue;
      const start = match.index + match[0].length - value.length;
      found.push({ type: 'device-id', start, end: start + value.length, confidence: 0.75, rule: 'device-labelled' });
    }
  }
  return found;
}

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
