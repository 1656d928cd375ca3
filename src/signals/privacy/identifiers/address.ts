import type { IdentifierMatch } from '../types.ts';
import { holds, matchesIn, type RuleInput } from './rule-input.ts';

const number = '(?:\\d{1,5}|[一二三四五六七八九十百]{1,5})';
/** A number and what it counts: without one no Chinese address goes down to a house. */
const numberOfHouse = /[\d一二三四五六七八九十百]\s?(?:[号栋幢座楼弄巷组社队]|单元|村民小组|[-#])/;
/** What an address ends in: a road with a number, or an estate with a building and a flat. */
const road = new RegExp(
  `[\\u4e00-\\u9fa5]{1,8}(?:大道|大街|路|街|巷|弄|胡同|道|村|里|屯|组|段)(?:[东南西北中]|(?:[一二三四五六七八九十]|\\d{1,2})段)?\\s?${number}\\s?(?:号|弄|巷)(?!线|楼?台|店|公交|公路|高铁|文件|令|案)(?:院)?`,
  'g',
);
const estate = new RegExp(
  `[\\u4e00-\\u9fa5a-z0-9]{2,12}(?:小区|花园|公寓|大厦|家园|苑|社区|新村|广场|公馆|府|庄园|城|湾|园|居|庭|轩|阁|村|宿舍|中心|号院|里)[^\\n,。;、\\u4e00-\\u9fa5]{0,3}(?:(?:[东南西北a-z一二三四五六七八九十]|\\d{1,2})区|[一二三四五六]期)?\\s?${number}\\s?(?:栋|幢|号楼|座|楼|单元|#|号|-)`,
  'g',
);
/** Floors, units and flats after the first part. */
const tail = new RegExp(
  `^(?:[\\s,-]{0,2}(?:${number}|[a-z](?![a-z])|[东南西北])\\s?(?:号楼|栋|幢|座|楼|单元|室|房|层|号|门|户|梯|-|(?=\\D|$)))+`,
);
const flat = new RegExp(
  `${number}\\s?(?:栋|幢|号楼|座|#)[\\s-]?(?:${number}\\s?单元)?[\\s-]?\\d{3,4}(?:室|房|号|户)?`,
  'g',
);
const division = /[\u4e00-\u9fa5]{2,10}(?:省|自治区|自治州|市|地区|盟|区|县|旗|镇|乡|街道)/g;
/** A village ends in a group and a house: 石桥村3组12号. */
const village = new RegExp(
  `[\\u4e00-\\u9fa5]{2,10}(?:村|屯|寨|庄|社区|大队|乡|镇|沟|坪|湾)[\\u4e00-\\u9fa5]{0,4}第?${number}\\s?(?:组|社|队|村民小组)(?:\\s?${number}\\s?号)?`,
  'g',
);
const homeCue =
  /(?:住在?|家在|地址|住址|收货|寄到|送到|邮寄|现居|户籍|门牌|搬到|租在|上门|到我家|我家|公司在|位于|租的?)[^\n。]{0,24}$/;
/** What stands at an address that everybody may know, as the subject of the sentence. */
const publicPlace =
  /(?:故宫|博物[馆院]|美术馆|纪念馆|大使馆|领事馆|图书馆|体育[馆场]|大剧院|医院|大学|学院|法院|检察院|派出所|公安局|政府|税务局|民政局|车站|火车站|机场|景区|公园|寺|总部|门店|分店|旗舰店|营业厅|支行|酒店|饭店|商场)(?:的)?(?:地址|位置)?(?:在|位于|是|为|:)/;
/** Buildings that are names rather than homes. */
const wellKnown = /唐宁街10号|贝克街221|女贞路4号|黄金甲|宾夕法尼亚大道1600|长安街1号|中南海/;
const words =
  /^(?:[室房户号楼]?[到至](?=[\u4e00-\u9fa5]{2})|设成|设为|我|他|她|你|们|的|了|是|住|在|家|到|从|去|往|位于|地址|送|寄|请|搬|回|来|和|与|跟|于|址|现|就|把|给|帮|将|为|叫|租|买|:)+/;

/** Walks back over the divisions (省市区镇) that stand before the first match and drops the words before them. */
function beginning(lower: string, start: number): number {
  let begin = start;
  while (begin > 0 && start - begin < 24 && /[\u4e00-\u9fa5]/.test(lower[begin - 1] ?? '')) begin--;
  const before = lower.slice(begin, start);
  // The match itself may begin inside the name of a city, so its first characters are looked at too.
  const skipped = (before + lower.slice(start, start + 6)).search(/[\u4e00-\u9fa5]{2,4}(?:省|自治区|市|区|县)/);
  return skipped < 0 ? start : Math.min(start, begin + skipped);
}

function trimmed(lower: string, start: number, end: number): number {
  let begin = start;
  const cut = lower.slice(begin, end);
  const lead =
    /^.*(?:住在|家在|地址是|地址|位于|住址是|住址|寄到|送到|搬到|我在|现居|租在)[::]?\s?/.exec(cut)?.[0].length ?? 0;
  begin += lead;
  begin += words.exec(lower.slice(begin, end))?.[0].length ?? 0;
  return Math.min(begin, end - 3);
}

function chineseAddresses(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  const { lower } = input;
  const add = (match: RegExpExecArray, base: number, rule: string): void => {
    let end = match.index + match[0].length;
    const more = tail.exec(lower.slice(end, end + 24))?.[0] ?? '';
    end += more.replace(/[\s,-]+$/, '').length;
    const from = beginning(lower, match.index);
    const whole = lower.slice(from, end);
    if (wellKnown.test(whole)) return;
    const cued =
      homeCue.test(lower.slice(Math.max(0, from - 26), from)) ||
      homeCue.test(lower.slice(from, match.index + match[0].length - 4));
    const divided = division.test(whole);
    division.lastIndex = 0;
    const precise = /[室房户]|单元|\d{3,4}$/.test(whole);
    const confidence = base + (cued ? 0.2 : 0) + (divided ? 0.15 : 0) + (precise ? 0.15 : 0);
    const begins = trimmed(lower, from, end);
    const open = !cued && publicPlace.test(lower.slice(Math.max(0, begins - 14), end));
    const asked = !cued && /^\s?是(?:什么|哪家|哪个)/.test(lower.slice(end, end + 5));
    if (confidence < 0.5 || open || asked) return;
    found.push({
      type: 'address',
      start: begins,
      end,
      confidence: Math.min(0.97, confidence),
      rule,
    });
  };
  for (const match of matchesIn(input, road)) add(match, 0.5, 'address-road');
  for (const match of matchesIn(input, estate)) add(match, 0.38, 'address-estate');
  if (/[组社队]/.test(lower))
    for (const match of matchesIn(input, village)) add(match, match[0].endsWith('号') ? 0.55 : 0.35, 'address-village');
  for (const match of matchesIn(input, flat)) add(match, 0.3, 'address-flat');
  return found;
}

const streetWords =
  'Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Terrace|Way|Crescent|Close|Square|Parkway|Pkwy|Circle|Highway|Hwy|Plaza|Row|Walk|Gardens|Grove|Mews|Trail|Alley|Loop|Quay|Hill|Broadway|View|Wharf|Heights|Rise';
const english = new RegExp(
  `(?<![\\d.$])\\d{1,5}[A-Za-z]?\\s+(?:[NSEW]\\.?\\s+|North\\s+|South\\s+|East\\s+|West\\s+)?(?:(?:[A-Z][a-z'’]+|\\d{1,3}(?:st|nd|rd|th))\\s+){1,3}(?:${streetWords})\\b\\.?(?:,?\\s+(?:Apt|Apartment|Unit|Suite|Ste|Flat|#)\\.?\\s*#?[A-Za-z0-9-]{1,6})?(?:,\\s*[A-Z][a-zA-Z]+(?:\\s[A-Z][a-z]+)?)?(?:,?\\s+[A-Z]{2})?(?:\\s+\\d{5}(?:-\\d{4})?)?`,
  'g',
);
const capitalised = "[A-ZÀ-Ý][\\wÀ-ÿ'’-]+";
const particle =
  "(?:(?:de|du|des|d'|la|le|les|l'|del|della|dei|delle|degli|di|do|da|dos|das|el|los|las|van|von|der|den|am|an|im|zum|zur)\\s?){0,3}";
/** A house number after or before the street, as on the continent; a postcode and a town may follow. */
const continental = new RegExp(
  `(?:(?:(?<![\\d.$])\\d{1,4}[a-z]?(?:\\s(?:bis|ter))?,?\\s+)?(?:[Rr]ue|[Aa]v(?:enue|enida)|[Bb]oulevard|[Pp]lace|[Cc]hemin|[Aa]llée|[Qq]uai|[Ii]mpasse|[Vv]ia|[Vv]iale|[Pp]iazza|[Cc]orso|[Vv]icolo|[Cc]alle|[Pp]laza|[Pp]aseo|[Cc]arrer|[Rr]ua|[Pp]raça|[Uu]l\\.|[Uu]lica|[Uu]litsa)\\s+${particle}${capitalised}(?:\\s+${particle}${capitalised}){0,3}|${capitalised}(?:stra(?:ß|ss)e|str\\.|platz|weg|allee|gasse|ring|damm|ufer|straat|laan|gracht|plein|kade|gatan|vägen|vej|veien|gade|katu|tie)|${capitalised}\\s(?:Stra(?:ß|ss)e|Str\\.|Platz|Weg|Allee))(?:,?\\s+\\d{1,4}\\s?[a-z]?(?![\\w-]))?(?:,\\s*(?:[A-Z]{1,2}-)?\\d{4,5}(?:\\s?[A-Z]{2})?\\s+${capitalised}(?:\\s${capitalised})?)?`,
  'g',
);
/** Japan: block, house and the ward, the district or the town that follows. */
const japanese =
  /(?<![\d-])\d{1,2}-\d{1,2}-\d{1,3},?\s+[A-Z][a-z]+(?:-(?:ku|cho|machi|shi))?,\s*[A-Z][a-z]+(?:-(?:ku|shi|to|fu|ken))?/g;

const publicEnglish = /1600 Pennsylvania|10 Downing|221B? Baker|11 Wall St/;
const postOfficeBox =
  /(?<![A-Za-z\d])\d{1,2}\/F,?\s+[A-Z][^\n]{4,60}?\d{1,4}\s+[A-Z][a-z]+(?:\s[A-Z][a-z]+)?|(?<![\d-])\d{1,2}-\d{1,2}-\d{1,3},?\s+[A-Z][a-z]+(?:-[A-Z]?[a-z]+)*,\s*[A-Z][a-z]+(?:-[a-z]+)?|(?<![A-Za-z])[Pp]\.?\s?[Oo]\.?\s?[Bb]ox\s+#?\d{1,6}|(?:Flat|Apartment|Apt\.?|Unit)\s+#?\d{1,6}[A-Z]?,\s+\d{1,4}\s+[A-Z][a-z]+|(?:邮政信箱|信箱)\s?\d{1,6}\s?号?/g;

/** Postal addresses: Chinese ones by road and number or estate and building, English ones by number and street. */
export function address(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  if (holds(input, /[\u4e00-\u9fa5]/) && numberOfHouse.test(input.lower)) found.push(...chineseAddresses(input));
  if (/\d/.test(input.text) && /[A-Z][a-z]|[Pp]\.?\s?[Oo]|信箱/.test(input.text)) {
    for (const match of matchesIn(input, english, input.text)) {
      if (publicEnglish.test(match[0])) continue;
      found.push({
        type: 'address',
        start: match.index,
        end: match.index + match[0].length,
        confidence: 0.85,
        rule: 'address-english',
      });
    }
    for (const pattern of [continental, japanese]) {
      for (const match of matchesIn(input, pattern, input.text)) {
        // A street without a number is a street.
        if (!/\d/.test(match[0])) continue;
        const end = match.index + match[0].length;
        found.push({ type: 'address', start: match.index, end, confidence: 0.75, rule: 'address-continental' });
      }
    }
    for (const match of matchesIn(input, postOfficeBox, input.text)) {
      found.push({
        type: 'address',
        start: match.index,
        end: match.index + match[0].length,
        confidence: 0.75,
        rule: 'address-english',
      });
    }
  }
  return found;
}
