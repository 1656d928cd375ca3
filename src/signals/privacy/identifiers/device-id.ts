import type { IdentifierMatch } from '../types.ts';
import { passesLuhn, passesVinCheck } from './checksums.ts';
import type { DigitWindow } from './digit-windows.ts';
import { digitCount, labelledValues } from './labelled-value.ts';
import { exampleWords, precededBy, type RuleInput } from './rule-input.ts';

const mac =
  /(?<![0-9a-f:.-])[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}(?![0-9a-f:-])|(?<![0-9a-f.])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![0-9a-f.])/g;
/** Broadcast, empty, multicast and documentation addresses (RFC 7042) are nobody's. */
const sharedMac =
  /^(?:0[02][:-]00[:-]00[:-]00|00[:-]00[:-]5e|ff[:-]ff|00[:-]00[:-]00|01[:-]00[:-]5e|33[:-]33|0000\.0000|ffff\.ffff|de[:-]ad[:-]be|aa[:-]bb[:-]cc|00[:-]11[:-]22|01[:-]23[:-]45)/;
/** A serial number of any product is no more than that; a person's own device is told by its words. */
const ownDevice =
  /我|本人|手机|平板|手表|电脑|笔记本|手环|耳机|相机|\bmy\b|\bher\b|\bhis\b|phone|laptop|tablet|watch|macbook|ipad|airpods|lost|stolen|丢|报失|挂失|被偷/;
const placeholder = /^(?:0+$|1234567890*$|x+|sn-?0*1|abcd?ef?)/;

const labelledDevices = labelledValues([
  {
    type: 'device-id',
    rule: 'device-labelled',
    confidence: 0.85,
    hint: /imei|meid|串号|idfa|idfv|oaid|android|udid|advertising|imsi|iccid|(?<![a-z])eid|sim/,
    label:
      'imei\\d?|meid|串号|idfa|idfv|oaid|android[ _-]?id|udid|advertising[ _-]?id|imsi|iccid|(?<![a-z])eid(?![a-z])|sim卡?(?:序列)?号|sim (?:card )?(?:number|no\\.?|serial)',
    value: '[a-z0-9](?:[ -]?[a-z0-9]){7,39}(?![a-z0-9])',
    accept: (value) => digitCount(value) >= 6 && !placeholder.test(value),
  },
  {
    type: 'device-id',
    rule: 'device-number',
    confidence: 0.75,
    hint: /设备|device/,
    label: '设备(?:唯一)?(?:号|码|id|标识|编号|序列号)|device[ _-]?(?:id|serial|sn|no\\.?|number|uuid|token)',
    value: '[a-z0-9][a-z0-9-]{7,39}(?![a-z0-9])',
    accept: (value, { lower }) =>
      !placeholder.test(value) &&
      ((/^[a-f0-9-]{12,}$/.test(value) && digitCount(value) >= 4) ||
        (ownDevice.test(lower) && digitCount(value) >= 2) ||
        (digitCount(value) >= 4 && value.length >= 12)),
  },
  {
    type: 'device-id',
    rule: 'serial-number',
    confidence: 0.7,
    hint: /机身|序列号|serial|(?<![a-z])s\/?n(?![a-z])/,
    label:
      '机身号|机身码|序列号|serial(?:[ _-]?(?:no\\.?|number|num))?(?: of my [a-z ]{2,16}| on my [a-z ]{2,16})?|(?<![a-z])s\\/?n(?:码|(?=[:\\s#=]))',
    value: '(?=[a-z0-9-]*\\d)[a-z0-9][a-z0-9-]{7,29}(?![a-z0-9])',
    accept: (value, { lower }, start) =>
      ownDevice.test(lower.slice(Math.max(0, start - 40), start + value.length + 24)) &&
      digitCount(value) >= 2 &&
      !placeholder.test(value),
  },
  {
    type: 'device-id',
    rule: 'mac-labelled',
    confidence: 0.85,
    hint: /mac|网卡|蓝牙|物理地址|硬件地址|bssid/,
    label: '(?<![a-z])mac(?:[ _-]?addr(?:ess)?|地址)?|网卡(?:地址)?|蓝牙(?:地址|mac)?|物理地址|硬件地址|bssid',
    value: '[0-9a-f]{2}(?:[ :.-]?[0-9a-f]{2}){5}(?![0-9a-z:-])',
    accept: (value) => digitCount(value) >= 2 && /[a-f]/.test(value) && !sharedMac.test(value.replace(/[ .]/g, '-')),
  },
]);

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
  found.push(...labelledDevices(input));
  return found;
}

/** IMEI (3GPP TS 23.003): fifteen digits with a Luhn digit, only where labelled. */
export function imei(window: DigitWindow, input: RuleInput): IdentifierMatch | undefined {
  if (window.digits.length !== 15 || !passesLuhn(window.digits)) return undefined;
  if (!precededBy(input.lower, window.start, 16, /(?:imei|串号|设备号)[^\n]{0,10}$/)) return undefined;
  return { type: 'device-id', start: window.start, end: window.end, confidence: 0.9, rule: 'imei' };
}

/** Written in groups, behind its label. */
const groupedVin =
  /(?:车架号?|大架号|车辆识别代[号码]|车身号码?|vin|chassis)(?:号码?|码| no\.?| number)?[\s:是为#="'.]{0,4}([a-hj-npr-z\d](?:[ -]?[a-hj-npr-z\d]){16})(?![a-z\d])/g;
const vinCandidate = /(?<![A-Za-z0-9])[A-HJ-NPR-Z0-9]{17}(?![A-Za-z0-9])/gi;

/** Vehicle identification number: seventeen characters with a right check digit, letters and digits mixed. */
export function vin(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  for (const match of input.text.matchAll(vinCandidate)) {
    const value = match[0].toUpperCase();
    if ((value.match(/[A-Z]/g)?.length ?? 0) < 3 || (value.match(/\d/g)?.length ?? 0) < 4) continue;
    const labelled = precededBy(
      input.lower,
      match.index,
      24,
      /(?:车架号?|大架号|车身号码?|车辆识别|vin|vehicle id|chassis)[^\n]{0,12}$/,
    );
    if (!passesVinCheck(value) && !labelled) continue;
    if (!labelled && match[0] !== value) continue;
    const confidence = labelled ? 0.95 : 0.75;
    found.push({ type: 'vin', start: match.index, end: match.index + 17, confidence, rule: 'vin' });
  }
  for (const match of input.lower.matchAll(groupedVin)) {
    const value = match[1] ?? '';
    if (!/[ -]/.test(value) || digitCount(value) < 4 || !/[a-z]/.test(value)) continue;
    const end = match.index + match[0].length;
    found.push({ type: 'vin', start: end - value.length, end, confidence: 0.85, rule: 'vin-in-groups' });
  }
  return found;
}
