import type { IdentifierMatch } from '../types.ts';
import { holds, matchesIn, precededBy, type RuleInput } from './rule-input.ts';

const pair =
  /(?<![\d.])([-+]?\d{1,3}\.\d{2,12})\s?[°度]?\s?([nsew北南东西])?\s{0,2}[,;\s/、|和]\s{0,2}(?:[nsew]\s?|[东西南北][经纬]?\s?)?(?:(?:经度|纬度|lng|lon|long|longitude|lat)\s{0,2}[:=]?\s{0,2})?([-+]?\d{1,3}\.\d{2,12})(?![\d.])\s?[°度]?\s?([nsew北南东西])?/g;
const named =
  /(?:纬度|北纬|lat(?:itude)?)["']?\s{0,2}(?:[:=是为约]|is|of)?\s{0,2}(-?\d{1,2}\.\d{2,12})°?[^\d]{0,20}?(?:经度|东经|西经|lng|long?(?:itude)?)["']?\s{0,2}(?:[:=是为约]|is|of)?\s{0,2}(-?\d{1,3}\.\d{2,12})/g;
const namedReversed =
  /(?:经度|东经|lng|lon(?:gitude)?)["']?\s{0,2}(?:[:=是为约]|is|of)?\s{0,2}(-?\d{1,3}\.\d{2,12})°?[^\d]{0,20}?(?:纬度|北纬|南纬|lat(?:itude)?)["']?\s{0,2}(?:[:=是为约]|is|of)?\s{0,2}(-?\d{1,2}\.\d{2,12})/g;
/** Open Location Code, in full: eight characters, a plus, two or three more. */
const plusCode = /(?<![a-z0-9+])[23456789cfghjmpqrvwx]{8}\+[23456789cfghjmpqrvwx]{2,3}(?![a-z0-9+])/g;
/** Three words that name a square of three metres. */
const threeWords = /(?:what3words|w3w|三词地址)[^\n]{0,20}?\/{0,3}((?:[a-z]{3,16}\.){2}[a-z]{3,16})(?![a-z.])/g;
const arc = `(?:[东西南北][经纬]|[nsew])?\\s?\\d{1,3}\\s?[°度]\\s?\\d{1,2}(?:\\.\\d+)?\\s?['′分]\\s?(?:\\d{1,2}(?:\\.\\d+)?\\s?["″秒'′]{1,2})?\\s?[nsew]?`;
const degrees = new RegExp(`${arc}[\\s,、和/]{0,3}${arc}`, 'g');
const cue =
  /(?:坐标(?![系轴])|地图|maps?|geo:|[?&](?:ll|q|center|loc)=|@$|停在|到了|发给|分享|spot|经纬|定位|位置|gps|coord|location|located|lat|i'?m at|here|现在在|我在|家在|住|导航|pin)[^\n]{0,24}$/;

const behindCue = /^[\s)\]}]{0,3}[^\n,。;]{0,6}(?:我家|家的?位置|的?位置|坐标|定位|我在|住)/;

const decimals = (value: string): number => value.length - value.indexOf('.') - 1;

/** Positions precise to about 100 m or better: two decimal degrees, or degrees with minutes. */
export function coordinates(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  const add = (match: RegExpExecArray, confidence: number, rule: string): void => {
    found.push({
      type: 'coordinates',
      start: match.index,
      end: match.index + match[0].trimEnd().length,
      confidence,
      rule,
    });
  };
  if (holds(input, /\d\.\d/)) {
    for (const match of matchesIn(input, pair)) {
      const [, first = '', firstMark, second = '', secondMark] = match;
      const a = Math.abs(Number(first));
      const b = Math.abs(Number(second));
      if (a > 180 || b > 180 || (a > 90 && b > 90) || (a < 1 && b < 1)) continue;
      const marked = firstMark !== undefined && secondMark !== undefined;
      const cued =
        marked ||
        precededBy(input.lower, match.index, 36, cue) ||
        behindCue.test(input.lower.slice(match.index + match[0].length, match.index + match[0].length + 16));
      // Data columns look like pairs too: without a cue both need the precision that only a receiver gives.
      if (!cued && (decimals(first) < 4 || decimals(second) < 4 || decimals(first) > 8 || a < 3 || b < 3)) continue;
      if (!cued && /^[\s,;]{0,3}[-\d]/.test(input.lower.slice(match.index + match[0].length))) continue;
      if (!cued && /[\d,;[]\s?$/.test(input.lower.slice(Math.max(0, match.index - 2), match.index))) continue;
      add(match, cued ? 0.9 : 0.6, 'coordinates-decimal');
    }
    for (const pattern of [named, namedReversed])
      for (const match of matchesIn(input, pattern)) add(match, 0.92, 'coordinates-named');
  }
  if (input.lower.includes('+'))
    for (const match of matchesIn(input, plusCode)) if (/\d/.test(match[0])) add(match, 0.75, 'coordinates-plus-code');
  if (holds(input, /what3words|w3w|三词地址/))
    for (const match of matchesIn(input, threeWords)) add(match, 0.8, 'coordinates-three-words');
  if (holds(input, /[°度]/)) for (const match of matchesIn(input, degrees)) add(match, 0.8, 'coordinates-degrees');
  return found;
}
