import type { IdentifierMatch } from '../types.ts';
import { givenWeights, isDoubleSurname, neverGiven, slotSurnames, surnameWeights } from './chinese-name-characters.ts';
import { isPublicName } from './chinese-name-context.ts';
import type { Anchor } from './chinese-name-slot.ts';
import { notGivenPairs, wordsLikeNames } from './chinese-name-words.ts';
import { ambiguousFirstNames, firstNames, lastNames, notLastNames, pinyinSurnames } from './english-name-words.ts';
import { famousChinese, famousEnglish } from './famous-names.ts';
import { holds, matchesIn, type RuleInput } from './rule-input.ts';

/**
 * Names in writings of their own: in capitals as on tickets and passports, the family name alone in capitals, in small
 * letters behind an introduction, in two keys of a form, and names of Tibet and Xinjiang.
 */

const syllable =
  /^(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?(?:i?ang|i?ong|u?ang|[aei]ng|i?[ao]n|[iu]an|u?ai|i?ao|[eu]i|ou|[eiu]n|i[aeu]|u[aoe]|v[e]?|er|[aeiouv])$/;
const cantonese =
  /^(?:kar?|hei|wai|ling|fai|wing|yuen|chee|seng|hock|choon|kwok|shuk|sze|tze|kee|lok|yiu|siu|man|tai|ming|chi|ho|yan|yee|mei|kit|chun|hoi|lai|sin|suk|tsz|hin|pui|kin|yin|kwan)$/;
const twoSyllables =
  /^(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])[aeiouv]{1,3}(?:ng?)?(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])[aeiouv]{1,3}(?:ng?)?$/;

/** Papers, tickets and forms, where names stand in capitals. */
const paperWords =
  /passport|护照|姓名|name|乘客|旅客|乘机|登机|(?<![a-z])(?:mrs?|ms|miss|dr)(?![a-z])|hkid|ticket|机票|visa|booking|签证|证件|拼音|passenger|applicant|holder|guest|dob|pinyin|signature/;

function isGiven(part: string): boolean {
  return syllable.test(part) || cantonese.test(part) || twoSyllables.test(part);
}

/** Two or three parts, lower case, the family name at either end. */
function isName(parts: readonly string[]): boolean {
  const [one = '', two = ''] = parts;
  const last = parts.at(-1) ?? '';
  if (famousEnglish.has(`${one} ${last}`) || notLastNames.has(last) || notLastNames.has(one)) return false;
  if (pinyinSurnames.has(one) && parts.slice(1).every(isGiven)) return true;
  if (pinyinSurnames.has(last) && parts.slice(0, -1).every(isGiven)) return true;
  return (firstNames.has(one) && lastNames.has(last)) || (lastNames.has(one) && firstNames.has(two));
}

const capitals = /(?<![A-Za-z/&-])([A-Z]{2,14}),?[ ]{1,2}([A-Z]{2,14})(?:[ -]([A-Z]{2,14}))?(?![A-Za-z/&-])/g;
const familyInCapitals =
  /(?<![A-Za-z/&-])([A-Z]{2,14}),?\s([A-Z][a-z]{1,12})(?:(?:\s|-)([A-Z][a-z]{1,9})|-([a-z]{2,9}))?(?![A-Za-z&-])/g;
const introduced =
  /(?:my (?:full |real |legal |maiden )?name(?:'s| is)|(?<![a-z])name["']?\s?[:=]|i am|i'm|this is|signed|patient|regards,|ask for|attn:?)[\s"']{0,3}([a-z]{2,14})\s([a-z][a-z'-]{1,16})(?![a-z])/g;
const givenKey =
  /(?:first|given|fore)[ _-]?names?["']?\s{0,2}[:=]\s{0,2}["']?([A-Z][A-Za-z'’-]{1,20}|[\u4e00-\u9fa5]{1,3})(?![A-Za-z(.])/gi;
const familyKey =
  /(?:(?:last|family)[ _-]?|sur)names?["']?\s{0,2}[:=]\s{0,2}["']?([A-Z][A-Za-z'’-]{1,20}|[\u4e00-\u9fa5]{1,3})(?![A-Za-z(.])/gi;
/** Types and placeholders in the place of a value. */
const notAValue =
  /^(?:string|str|text|varchar|char|required|optional|null|none|true|false|here|your|input|value|example|first|last|name|user|column|field|john|jane|doe|foo|bar|test|type|data|form|this|self|req|body|props)$/i;
const tibetan =
  /(?:尼玛|次仁|扎西|卓玛|多吉|旺堆|达瓦|格桑|平措|顿珠|央金|拉姆|洛桑|丹增|边巴|巴桑|普布|强巴|索朗|仁青|白玛|罗布|德吉|曲珍|措姆|旦增|益西|晋美|贡布|才让|卓嘎|梅朵|桑杰|贡嘎|江措|次旺|次旦|曲扎|旺姆|旺久|加措|斯朗|泽仁|邓珠){2}/g;
const xinjiang = /[\u4e00-\u9fa5]{2,6}·[\u4e00-\u9fa5]{1,6}/g;
const xinjiangParts =
  /买买提|阿依|古丽|艾力|吐尔|阿卜|阿不都|阿布都|努尔|克孜|木拉提|热合|依明|肉孜|艾合|沙依|帕提|库尔班|玛依|阿迪力|祖力|塔依|艾尼|吾尔|哈力|赛买提/;
const publicXinjiang = /迪丽热巴|古力娜扎|佟丽娅|尼格买提|阿凡提|库尔班大叔/;

/** Roles and keys of forms behind which a name stands, and what has to follow it. */
const roles =
  '病人|患者|贷款人|借款人|付款人|收款人|寄件人|收件人|持卡人|参保人|申请人|承租人|出租人|投保人|被保险人|受益人|监护人|联系人|户主|户名(?:就?写|是|为)?|机主|车主|本人|配偶|长者|同胞|候选人|当事人|原告|被告|证人|名字(?:是|叫|改成)?|[他她]叫|我叫|打给|转告|签名|落款|姓名(?:报一下|是|为)?|取件人改成|寄件?|收件?|落款人|经手人|乘机人|乘车人|入住人|报名[::]|查一下|HR需要|hr需要';
const role = new RegExp(
  `(?:${roles})\\s?[::]?\\s?([\\u4e00-\\u9fa5]{2,4}?)(?=[,。;、/|\\s)"'!?:]|$|的?(?:身份证|社保|医保|工号|手机|电话|病历|病案|护照|卡号|账号|生日|住址|地址|遗失|持股|车牌|证件))`,
  'g',
);
/** A name and the key of a number behind it: 5栋的花永平车牌…, 考勤机上伏海燕的工号. */
const keyBehind =
  /(?<=[^\u4e00-\u9fa5]|^|[的把给帮上要陪和与替叫是])([\u4e00-\u9fa5]{3})(?=的?(?:身份证|社保号|医保|工号|手机号|电话|病历|护照|卡号|公积金|工资卡|车牌|证件号|生日))/g;
const numberKey = /身份证|社保号|医保|工号|手机号|电话|病历|护照|卡号|公积金|工资卡|车牌|证件号|生日/;
/** Directly before a number of somebody: 米春生 皖BRY256. */
const beforeNumber = /(?:^|[^\u4e00-\u9fa5]|周[一二三四五六日])([\u4e00-\u9fa5]{2,4})[\s,:/|(]{0,3}$/;
const japanese =
  /(?:name|姓名|名字|payee|收款人|付款人|户名|联系人|护照|我叫|客户)[^\u4e00-\u9fa5\n]{0,8}((?:佐藤|铃木|高桥|田中|渡边|伊藤|山本|中村|小林|加藤|吉田|山田|佐佐木|山口|松本|井上|木村|斋藤|清水|山崎|池田|桥本|阿部|石川|山下|中岛|石井|小川|前田|冈田|长谷川|藤田|后藤|近藤|村上|远藤|青木|坂本|福田|太田|西村|藤井|金子|冈本|三浦|中野|原田|松田|竹内|上田|小野)[\u4e00-\u9fa5]{1,3})(?![\u4e00-\u9fa5])/g;

const known = (text: string, at: number): boolean => givenWeights.has(text.charCodeAt(at));

/** Whether two or three characters are a surname and characters of given names, and no word. */
function isChineseName(name: string): boolean {
  const double = isDoubleSurname(name, 0);
  const from = double ? 2 : 1;
  if (!double && !slotSurnames.has(name.charCodeAt(0)) && !surnameWeights.has(name.charCodeAt(0))) return false;
  if (name.length - from < 1 || name.length - from > 2 || isPublicName(name) || wordsLikeNames.has(name)) return false;
  for (let at = from; at < name.length; at++) {
    if (!known(name, at) || (neverGiven.has(name.charCodeAt(at)) && name[at] !== '来')) return false;
  }
  if (name.length - from === 1)
    return (surnameWeights.get(name.charCodeAt(0)) ?? 0) >= 1.6 && !wordsLikeNames.has(name);
  return !notGivenPairs.has(name.slice(from));
}

function chineseForms(input: RuleInput, simplified: string, anchors: readonly Anchor[]): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  const add = (start: number, name: string, confidence: number, rule: string): void => {
    found.push({ type: 'person-name', start, end: start + name.length, confidence, rule });
  };
  for (const match of matchesIn(input, role, simplified)) {
    const name = match[1] ?? '';
    if (isChineseName(name)) add(match.index + match[0].length - name.length, name, 0.65, 'name-behind-role');
  }
  const keyed = holds(input, numberKey) ? matchesIn(input, keyBehind, simplified) : [];
  for (const match of keyed) {
    const name = match[1] ?? '';
    if (isChineseName(name)) add(match.index, name, 0.6, 'name-before-key');
  }
  for (const match of matchesIn(input, japanese, simplified)) {
    const name = match[1] ?? '';
    if (!famousChinese.has(name)) add(match.index + match[0].length - name.length, name, 0.65, 'name-japanese');
  }
  for (const { start } of anchors) {
    const match = beforeNumber.exec(simplified.slice(Math.max(0, start - 9), start));
    const name = match?.[1] ?? '';
    if (match === null || !isChineseName(name)) continue;
    const at = Math.max(0, start - 9) + match.index + match[0].lastIndexOf(name);
    add(at, name, 0.65, 'name-before-number');
  }
  return found;
}

export function nameForms(input: RuleInput, simplified: string, anchors: readonly Anchor[]): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  const { text, lower } = input;
  const add = (start: number, end: number, confidence: number, rule: string): void => {
    found.push({ type: 'person-name', start, end, confidence, rule });
  };
  if (/[A-Z]{2},? {1,2}[A-Z]/.test(text)) {
    for (const pattern of [capitals, familyInCapitals]) {
      for (const match of matchesIn(input, pattern, text)) {
        const parts = match.slice(1).flatMap((part) => (part === undefined ? [] : [part.toLowerCase()]));
        // One short syllable behind capitals is any word: HE Can, MA Li.
        if (pattern === familyInCapitals && parts.length === 2 && (parts[1] ?? '').length < 4) continue;
        if (!isName(parts)) continue;
        const end = match.index + match[0].length;
        const around = `${lower.slice(Math.max(0, match.index - 40), match.index)} ${lower.slice(end, end + 30)}`;
        const paper =
          paperWords.test(around) ||
          (pattern === familyInCapitals && parts.length === 3) ||
          // TANG XUEQIN: a surname and two syllables in one are hardly anything else.
          parts.some((part) => part.length >= 5 && twoSyllables.test(part) && !pinyinSurnames.has(part));
        if (paper) add(match.index, end, 0.65, 'name-capitals');
      }
    }
  }
  if (holds(input, /name|i am|i'm|this is|signed|patient|regards|ask for|attn/)) {
    for (const match of matchesIn(input, introduced)) {
      const [whole, first = '', last = ''] = match;
      const isKnown = firstNames.has(first) && lastNames.has(last) && !ambiguousFirstNames.has(first);
      if (!isKnown || notLastNames.has(last) || famousEnglish.has(`${first} ${last}`)) continue;
      const end = match.index + whole.length;
      add(end - first.length - last.length - 1, end, 0.7, 'name-small-letters');
    }
  }
  if (holds(input, /first|given|fore/) && holds(input, /last|family|surname/)) {
    const given = matchesIn(input, givenKey, text).filter((match) => !notAValue.test(match[1] ?? ''));
    const family = matchesIn(input, familyKey, text).filter((match) => !notAValue.test(match[1] ?? ''));
    if (given.length > 0 && family.length > 0) {
      for (const match of [...given, ...family]) {
        const end = match.index + match[0].length;
        const value = match[1] ?? '';
        if (/^[A-Z\u4e00-\u9fa5]/.test(value)) add(end - value.length, end, 0.6, 'name-in-two-keys');
      }
    }
  }
  for (const match of matchesIn(input, tibetan, text))
    add(match.index, match.index + match[0].length, 0.6, 'name-tibetan');
  if (text.includes('·')) {
    for (const match of matchesIn(input, xinjiang, text))
      if (xinjiangParts.test(match[0]) && !publicXinjiang.test(match[0]))
        add(match.index, match.index + match[0].length, 0.6, 'name-xinjiang');
  }
  if (/[\u4e00-\u9fa5]/.test(simplified)) found.push(...chineseForms(input, simplified, anchors));
  return found;
}
