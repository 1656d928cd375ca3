import type { IdentifierMatch } from '../types.ts';
import { ambiguousFirstNames, firstNames, lastNames, notLastNames, pinyinSurnames } from './english-name-words.ts';
import { famousEnglish } from './famous-names.ts';
import type { RuleInput } from './rule-input.ts';

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
  /(?<![A-Za-z/&-])([A-Z]{2,14}),?\s([A-Z][a-z]{1,12})(?:[ -]([A-Za-z][a-z]{1,9}))?(?![A-Za-z&-])/g;
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

export function nameForms(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  const { text, lower } = input;
  const add = (start: number, end: number, confidence: number, rule: string): void => {
    found.push({ type: 'person-name', start, end, confidence, rule });
  };
  if (/[A-Z]{2},? {1,2}[A-Z]/.test(text)) {
    for (const pattern of [capitals, familyInCapitals]) {
      for (const match of text.matchAll(pattern)) {
        const parts = match.slice(1).flatMap((part) => (part === undefined ? [] : [part.toLowerCase()]));
        // One short syllable behind capitals is any word: HE Can, MA Li.
        if (pattern === familyInCapitals && parts.length === 2 && (parts[1] ?? '').length < 4) continue;
        if (!isName(parts)) continue;
        const end = match.index + match[0].length;
        const around = `${lower.slice(Math.max(0, match.index - 40), match.index)} ${lower.slice(end, end + 30)}`;
        const paper = paperWords.test(around) || (pattern === familyInCapitals && parts.length === 3);
        if (paper) add(match.index, end, 0.65, 'name-capitals');
      }
    }
  }
  if (/name|i am|i'm|this is|signed|patient|regards|ask for|attn/.test(lower)) {
    for (const match of lower.matchAll(introduced)) {
      const [whole, first = '', last = ''] = match;
      const known = firstNames.has(first) && lastNames.has(last) && !ambiguousFirstNames.has(first);
      if (!known || notLastNames.has(last) || famousEnglish.has(`${first} ${last}`)) continue;
      const end = match.index + whole.length;
      add(end - first.length - last.length - 1, end, 0.7, 'name-small-letters');
    }
  }
  if (/first|given|fore/.test(lower) && /last|family|surname/.test(lower)) {
    const given = [...text.matchAll(givenKey)].filter((match) => !notAValue.test(match[1] ?? ''));
    const family = [...text.matchAll(familyKey)].filter((match) => !notAValue.test(match[1] ?? ''));
    if (given.length > 0 && family.length > 0) {
      for (const match of [...given, ...family]) {
        const end = match.index + match[0].length;
        const value = match[1] ?? '';
        if (/^[A-Z\u4e00-\u9fa5]/.test(value)) add(end - value.length, end, 0.6, 'name-in-two-keys');
      }
    }
  }
  if (/[次扎卓多旺达格平顿央拉洛丹边普强索仁白罗德曲措旦益晋贡才梅桑江加斯泽邓尼巴]/.test(text))
    for (const match of text.matchAll(tibetan)) add(match.index, match.index + match[0].length, 0.6, 'name-tibetan');
  if (text.includes('·')) {
    for (const match of text.matchAll(xinjiang))
      if (xinjiangParts.test(match[0]) && !publicXinjiang.test(match[0]))
        add(match.index, match.index + match[0].length, 0.6, 'name-xinjiang');
  }
  return found;
}
