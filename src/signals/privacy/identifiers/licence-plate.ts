import { convertNumerals } from '../chinese-numerals.ts';
import type { IdentifierMatch } from '../types.ts';
import { labelledValues } from './labelled-value.ts';
import { precededBy, type RuleInput } from './rule-input.ts';

const province = '[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]';
const gap = '[ ·.,、\\-_*]{0,2}';
const body = '[a-hj-np-z0-9]';
/** GA 36: five characters after the issuing letter, six for new-energy vehicles, or four and a suffix. */
const plate = new RegExp(
  `${province}${gap}[a-hj-np-z]${gap}(?:(?:[a-hjk]${gap}${body}(?:${gap}\\d){4}|\\d(?:${gap}\\d){4}${gap}[a-hjk])(?![a-z0-9])|${body}(?:${gap}${body}){4}(?![a-z0-9])|${body}(?:${gap}${body}){3}${gap}[学警港澳挂超使领试]|${body}{5}[使领临试])|(?<![\\u4e00-\\u9fa5])使${gap}\\d{3}${gap}\\d{3}(?!\\d)|(?<![a-z0-9])wj${gap}(?:${province}|\\d{2})${gap}${body}{4,5}(?![a-z0-9])|(?<!\\d)\\d{6}使`,
  'g',
);

const dictated = new RegExp(
  `(${province}${gap}[a-z]${gap})((?:[a-z0-9〇零一二三四五六七八九幺两洞拐勾]${gap}){5,6})`,
  'g',
);

/** How every plate begins. */
const plateWords = new RegExp(`${province}${gap}[a-hj-np-z]|使${gap}\\d|\\d使|wj`);

/** Plates of Hong Kong, Macau, Taiwan, Britain and North America: nothing but their label tells them from a part number. */
const labelledPlate = labelledValues([
  {
    type: 'licence-plate',
    rule: 'licence-plate-labelled',
    confidence: 0.75,
    hint: /车牌|牌照|plate|registration|(?<![a-z])reg(?![a-z])/,
    label:
      '车牌(?:号码?)?|牌照(?:号码?)?|licen[cs]e plate(?: (?:number|no\\.?|#))?|plate (?:number|no\\.?|#)|number plate|(?:car|vehicle) registration(?: (?:number|no\\.?))?|(?:my|his|her|car) reg(?: (?:number|no\\.?))?',
    value:
      '(?:[a-z]{1,3}[ -]?\\d{1,2}-?\\d{1,2}|\\d{2,4}[ -]?[a-z]{2,3}|[a-z]{2}\\d{2} ?[a-z]{3}|\\d[a-z]{3}\\d{3}|[a-z]{3}[ -]?\\d{3,4}|[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][a-z][\\u4e00-\\u9fa5]{0,4}[a-z0-9]{5})(?![a-z0-9-])',
    accept: (value) => /\d{2}/.test(value) && /[a-z]/.test(value),
  },
]);

/** Mainland licence plates, ordinary, new-energy and with a suffix. */
export function licencePlate(input: RuleInput): IdentifierMatch[] {
  const found = labelledPlate(input);
  if (!plateWords.test(input.lower)) return found;
  // Dictated: 沪A,幺二三,四五. Numerals count only behind the letters that begin a plate.
  const lower = input.lower.replace(dictated, (whole, head: string, rest: string) =>
    /\d/.test(rest) ? whole : head + convertNumerals(rest),
  );
  for (const match of lower.matchAll(plate)) {
    const digits = match[0].match(/\d/g)?.length ?? 0;
    if (digits < 2) continue;
    const spaced = /\s/.test(match[0]);
    const labelled = precededBy(input.lower, match.index, 16, /(?:车牌|牌照|号牌|开的|车是|plate)[^\n]{0,10}$/);
    // 新 and 青 also begin words (新A…), so a plate in lower case or with spaces needs three digits.
    if (
      !labelled &&
      digits < 3 &&
      (spaced || match[0] === input.text.slice(match.index, match.index + match[0].length))
    )
      continue;
    found.push({
      type: 'licence-plate',
      start: match.index,
      end: match.index + match[0].length,
      confidence: labelled ? 0.97 : 0.88,
      rule: 'licence-plate',
    });
  }
  return found;
}
