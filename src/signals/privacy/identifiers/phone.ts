import type { IdentifierMatch } from '../types.ts';
import type { DigitWindow } from './digit-windows.ts';
import { holds, matchesIn, numberLabel, precededBy, type RuleInput } from './rule-input.ts';

export const phoneLabel =
  /(?:reach me|ring me|手\s机|电\s话|手机|手提|电话|市话|联系方式|办公室|办公电话|前台|分机|回电|来电|家里|landline|office|联系我|打给|致电|拨打|座机|固话|传真|号码是|phone|mobile|cell|tel|call me|call|text me|fax|whatsapp|(?:my|her|his|their|the) number|number is|shouji|dianhua|haoma|手机号|微信同号)[^\n]{0,14}$|(?:打|拨|联系)(?:了|过|个)?\s{0,2}$/;
/** Words behind a number that say the same. */
export const phoneBehind =
  /^[\s,(]{0,2}(?:call me|text me|(?:is|that's|it's) (?:my|his|her|the) (?:mobile|cell|phone|number|landline)|(?:就|这)?是?[我他她](?:的|爸|妈|老公|老婆)?(?:手机|电话|号码?(?![\u4e00-\u9fa5]*[单票卡]))|手机|电话(?![\u4e00-\u9fa5])|(?:随时)?(?:打给我|联系我|找我))/;
/** Number segments of the mainland operators, virtual ones and 190–199 included; 140, 141 and 144 are machine cards. */
const mobile = /^1(?:3\d|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9\d)\d{8}$/;
const areaCode = /^0(?:10|2[0-57-9]|[3-9][1-9]\d)/;
/** Free and public numbers belong to a company. */
const tollFree = /^(?:400|800|888|877|866|855|844|833|822|900)/;

/** Letters glued to a number make it a part of a token, unless they are a label. */
function standsAlone(window: DigitWindow, input: RuleInput): boolean {
  if (window.fraction) return false;
  const after = input.lower.slice(window.end, window.end + 4);
  if (/^\s?(?:元|块|万|亿|美元|人民币|%|kb|mb)/.test(after)) return false;
  // An amount with cents, or the number of an item in a web address.
  if (/^\.\d{1,2}(?!\d)/.test(after)) return false;
  if (precededBy(input.lower, window.start, 80, /https?:\/\/[^\s?#]*\/$/)) return false;
  if (/^[a-z_]/.test(after) && !/^(?:vx|wx|v信|vv|ok)/.test(after)) return false;
  return (
    !precededBy(input.lower, window.start, 1, /[a-z_]/) ||
    precededBy(input.lower, window.start, 8, /(?:tel|phone|mob|cell|call|vx|wx|sj|dh|^t|[^a-z]t|[^a-z]m)$/)
  );
}

/** Written as a number that is meant to be read as one, or labelled as a phone. */
function wellWritten(window: DigitWindow, labelled: () => boolean): boolean {
  return window.shape === 'whole' || (window.bounded && window.shape !== 'irregular') || labelled();
}

function mainlandMobile(window: DigitWindow, input: RuleInput, labelled: () => boolean): IdentifierMatch | undefined {
  const { digits } = window;
  const national =
    digits.length === 11
      ? digits
      : digits.length === 13 && digits.startsWith('86')
        ? digits.slice(2)
        : digits.length === 15 && digits.startsWith('0086')
          ? digits.slice(4)
          : digits.length === 12 && digits.startsWith('0')
            ? digits.slice(1)
            : undefined;
  if (national === undefined || !mobile.test(national) || !standsAlone(window, input)) return undefined;
  // 1-800-273-8255 is American.
  if (digits.length === 11 && window.groups.join('-') === '1-3-3-4') return undefined;
  if (!labelled() && precededBy(input.lower, window.start, 20, numberLabel)) return undefined;
  // Lists of figures are parted by blanks and commas alone.
  const irregularButBounded =
    !/^\d{1,3}(?:\.\d{1,3}){3}/.test(input.text.slice(window.start, window.end)) &&
    window.shape === 'irregular' &&
    window.bounded &&
    window.groups.length <= 10 &&
    /[^\s,、]/.test(window.separators);
  if (!wellWritten(window, labelled) && !irregularButBounded) return undefined;
  const start = input.text[window.start - 1] === '+' ? window.start - 1 : window.start;
  const confidence = labelled() ? 0.98 : irregularButBounded ? 0.6 : window.shape === 'whole' ? 0.92 : 0.85;
  return { type: 'phone', start, end: window.end, confidence, rule: 'phone-cn-mobile' };
}

function mainlandLandline(window: DigitWindow, input: RuleInput, labelled: () => boolean): IdentifierMatch | undefined {
  // +86 10 6234 5678 leaves the zero of the area code out.
  const abroad = /^(?:00)?86(?=0?[1-9])/.exec(window.digits)?.[0].length ?? 0;
  const national = window.digits.slice(abroad);
  const digits =
    abroad > 0 && window.digits.length >= 11 ? (national.startsWith('0') ? national : `0${national}`) : window.digits;
  const plus = abroad > 0 && input.text[window.start - 1] === '+';
  const area = areaCode.exec(digits)?.[0].length;
  if (area === undefined || digits.length < 10 || digits.length > 12 || !standsAlone(window, input)) return undefined;
  const local = digits.length - area;
  if (local < 7 || local > 8 || !/[1-9]/.test(digits[area] ?? '')) return undefined;
  const { groups } = window;
  const split = groups[0] === area && groups.length <= 3 && window.bounded;
  if (abroad > 0 && digits !== window.digits && !plus && !labelled()) return undefined;
  if (!split && !plus && !labelled()) return undefined;
  if (!labelled() && precededBy(input.lower, window.start, 20, numberLabel)) return undefined;
  return {
    type: 'phone',
    start: plus ? window.start - 1 : window.start,
    end: window.end,
    confidence: labelled() ? 0.95 : 0.8,
    rule: 'phone-cn-landline',
  };
}

function localNumber(window: DigitWindow, input: RuleInput): IdentifierMatch | undefined {
  const { digits } = window;
  if (!input.mentionsPhone || digits.length > 8 || !/^[2-9]/.test(digits)) return undefined;
  if (!wellWritten(window, () => false) || !standsAlone(window, input)) {
    return undefined;
  }
  const close =
    /(?:座机|固话|家里电话|电话|手机|手提|市话|(?<![\u4e00-\u9fa5]|我的?)号码(?=[是系])|[我他她]的?号码|(?:香港|澳门|本地)号码?|(?<![a-z])(?:hk|sg|sgp|macau|singapore|my|her|his) number|(?:ring|call|text|reach|whatsapp) (?:me|him|her)(?: on| at)?|phone|tel|mobile|cell)(?:号码|号|number|no\.?)?(?:还?是|系|係|换成了?|改成了?|为|is)?[\s:(]{0,3}$/;
  // 座机还是那个 8765 4321: a fixed line's own word may stand further off.
  const fixedLine =
    /(?:座机|固话|固定电话|家里电话|办公电话|市话|landline|home phone|office phone)[^\n\d。;]{0,12}$|电话[^\n\d。;]{0,6}(?:还是|换成|改成|变成)了?\s?$/;
  if (!precededBy(input.lower, window.start, 16, close) && !precededBy(input.lower, window.start, 24, fixedLine))
    return undefined;
  return { type: 'phone', start: window.start, end: window.end, confidence: 0.7, rule: 'phone-local' };
}

function northAmerican(window: DigitWindow, input: RuleInput, labelled: () => boolean): IdentifierMatch | undefined {
  const { digits } = window;
  const national =
    digits.length === 10 ? digits : digits.length === 11 && digits.startsWith('1') ? digits.slice(1) : undefined;
  if (national === undefined || !/^[2-9]\d{2}[2-9]\d{6}$/.test(national) || tollFree.test(national)) return undefined;
  if (!standsAlone(window, input)) return undefined;
  const sizes = window.groups.join('-');
  const split = window.bounded && (sizes === '3-3-4' || sizes === '1-3-3-4' || sizes === '1-10');
  const plus = input.text[window.start - 1] === '+';
  if (!labelled() && precededBy(input.lower, window.start, 20, numberLabel)) return undefined;
  // Eleven digits in one piece are how a mainland number is written, or a wrong one.
  const westernLabel = (): boolean =>
    precededBy(input.lower, window.start, 28, /(?:phone|cell|mobile|call|tel|text me|fax|whatsapp)[^\n]{0,14}$/);
  // 1-800-273-8255 is American.
  if (digits.length === 11 && window.shape === 'whole' && !plus && !westernLabel()) return undefined;
  if (!(split || plus || labelled())) return undefined;
  const parenthesis = input.text[window.start - 1] === '(' || plus;
  const start = parenthesis ? window.start - 1 : window.start;
  return { type: 'phone', start, end: window.end, confidence: labelled() || plus ? 0.93 : 0.8, rule: 'phone-us' };
}

/** A British number inside the country: 020 7946 0958, 0161 496 0000, 07700 900123. */
function british(window: DigitWindow, input: RuleInput, labelled: () => boolean): IdentifierMatch | undefined {
  if (!/^0(?:[12]\d{8,9}|7[1-9]\d{8})$/.test(window.digits) || !standsAlone(window, input)) return undefined;
  const split = window.bounded && [3, 4, 5].includes(window.groups[0] ?? 0) && [2, 3].includes(window.groups.length);
  // Read aloud, digit by digit or in twos.
  const spoken = window.groups.length > 5 && window.bounded;
  if (!split && !spoken && window.shape !== 'whole') return undefined;
  if (!labelled()) return undefined;
  return { type: 'phone', start: window.start, end: window.end, confidence: 0.75, rule: 'phone-british' };
}

/** Australia inside the country, Japan's mobiles, and numbers with 00 for the plus. */
function otherCountries(window: DigitWindow, input: RuleInput, labelled: () => boolean): IdentifierMatch | undefined {
  const { digits } = window;
  if (!digits.startsWith('0') || !standsAlone(window, input)) return undefined;
  const sizes = window.groups.join('-');
  const abroad = /^00(?:1|33|34|39|44|49|6[0-6]|8[1246]|85[23]|886|9[1-5])[1-9]\d{7,10}$/.test(digits);
  const australian = /^04\d{8}$/.test(digits) && labelled();
  const japanese = /^0[789]0\d{8}$/.test(digits) && sizes === '3-4-4' && window.bounded;
  if (!(abroad && window.bounded && window.shape !== 'irregular') && !australian && !japanese) return undefined;
  if (!labelled() && precededBy(input.lower, window.start, 20, numberLabel)) return undefined;
  return { type: 'phone', start: window.start, end: window.end, confidence: 0.7, rule: 'phone-abroad' };
}

/** ITU-T E.164: a plus, then 8–15 digits, the first of them not zero. */
function international(window: DigitWindow, input: RuleInput): IdentifierMatch | undefined {
  const { digits } = window;
  if (digits.length < 9 || digits.length > 15 || digits.startsWith('0')) return undefined;
  const oneSeparator = new Set(window.separators).size <= 1 && window.groups.length <= 7;
  if (input.text[window.start - 1] !== '+' || !window.bounded) return undefined;
  if (window.shape === 'irregular' && !oneSeparator) return undefined;
  if (precededBy(input.lower, window.start - 1, 2, /[\da-z)=]$|[\d)=]\s$/)) return undefined;
  return { type: 'phone', start: window.start - 1, end: window.end, confidence: 0.85, rule: 'phone-international' };
}

/** Hong Kong and Macau with their code and no plus: 852 2345 6789. */
function hongKong(window: DigitWindow, input: RuleInput, labelled: () => boolean): IdentifierMatch | undefined {
  const national = window.digits.replace(/^00/, '');
  if (!/^85[23][2-9]\d{7}$/.test(national) || !window.bounded || !standsAlone(window, input)) return undefined;
  const parted = /[-)]/.test(window.separators) || window.digits.startsWith('00');
  if ((window.groups[0] ?? 0) > 5 || window.groups.length > 3 || (!labelled() && !parted)) return undefined;
  if (!labelled() && precededBy(input.lower, window.start, 20, numberLabel)) return undefined;
  return { type: 'phone', start: window.start, end: window.end, confidence: 0.8, rule: 'phone-hk' };
}

function taiwanMobile(window: DigitWindow, input: RuleInput, labelled: () => boolean): IdentifierMatch | undefined {
  const abroad = /^886(?=9)/.test(window.digits);
  const national = abroad ? `0${window.digits.slice(3)}` : window.digits;
  if (!/^09\d{8}$/.test(national) || !standsAlone(window, input)) return undefined;
  if (abroad && !precededBy(input.lower, window.start, 20, numberLabel))
    return { type: 'phone', start: window.start, end: window.end, confidence: 0.7, rule: 'phone-tw-mobile' };
  const split = window.bounded && window.groups[0] === 4 && window.groups.length <= 3 && window.groups.length > 1;
  if (!split && !labelled()) return undefined;
  return { type: 'phone', start: window.start, end: window.end, confidence: 0.85, rule: 'phone-tw-mobile' };
}

/** Taiwan: 02-2345-6789, (04) 2345-6789, 886-2-23456789. */
function taiwanLandline(window: DigitWindow, input: RuleInput, labelled: () => boolean): IdentifierMatch | undefined {
  const abroad = /^886(?=[2-8])/.test(window.digits) ? 3 : 0;
  const national = abroad > 0 ? `0${window.digits.slice(abroad)}` : window.digits;
  if (
    !/^0[2-8][2-9]\d{6,7}$/.test(national) ||
    !standsAlone(window, input) ||
    (window.shape === 'irregular' && abroad === 0)
  )
    return undefined;
  const split =
    window.bounded &&
    (abroad > 0 || (window.groups[0] === 2 && window.groups.length <= 3)) &&
    /[-() ]/.test(window.separators);
  if (
    !split ||
    (!labelled() && !/[-)]/.test(window.separators)) ||
    (!labelled() && precededBy(input.lower, window.start, 20, numberLabel))
  )
    return undefined;
  return {
    type: 'phone',
    start: window.start,
    end: window.end,
    confidence: labelled() ? 0.9 : 0.65,
    rule: 'phone-tw-landline',
  };
}

/** Whether any rule below reads a number of this length and beginning; most windows of a text full of figures fail here. */
function mayBePhone({ digits, start }: DigitWindow, input: RuleInput): boolean {
  if (
    digits.startsWith('0') ||
    digits.startsWith('86') ||
    digits.startsWith('886') ||
    digits.startsWith('85') ||
    input.text[start - 1] === '+'
  )
    return true;
  if (digits.startsWith('1')) return digits.length === 11;
  return digits.length === 7 || digits.length === 8 || digits.length === 10;
}

/** Telephone numbers: mainland mobile and landline, Taiwan, North America, and E.164 with a plus. */
export function phone(window: DigitWindow, input: RuleInput): IdentifierMatch | undefined {
  if (window.digits.length > 15 || !mayBePhone(window, input)) return undefined;
  // Most windows fail on their digits; the words before them are looked at only when it matters, and once.
  let known: boolean | undefined;
  const labelled = (): boolean =>
    (known ??=
      precededBy(input.lower, window.start, 28, phoneLabel) ||
      phoneBehind.test(input.lower.slice(window.end, window.end + 24)));
  return (
    mainlandMobile(window, input, labelled) ??
    mainlandLandline(window, input, labelled) ??
    taiwanMobile(window, input, labelled) ??
    taiwanLandline(window, input, labelled) ??
    northAmerican(window, input, labelled) ??
    british(window, input, labelled) ??
    international(window, input) ??
    hongKong(window, input, labelled) ??
    otherCountries(window, input, labelled) ??
    localNumber(window, input)
  );
}

/** 139这个开头,后面是1234,再后面5678: a number told in its three parts. */
const told = /(?<!\d)(1[3-9]\d)([^\d\n]{1,12})(\d{4})([^\d\n]{1,12})(\d{4})(?!\d)/g;
const partWords = /开头|打头|前三|中间|当中|后面|再|接着|最后|末尾|尾号|后四|然后|尾数/;

export function phoneInParts(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  if (!holds(input, partWords)) return found;
  for (const match of matchesIn(input, told, input.text)) {
    const [whole, , first = '', , second = ''] = match;
    if ((!partWords.test(first) && !partWords.test(second)) || /[人个元块次年]/.test(first + second)) continue;
    const end = match.index + whole.length;
    found.push({ type: 'phone', start: match.index, end, confidence: 0.65, rule: 'phone-in-parts' });
  }
  return found;
}
