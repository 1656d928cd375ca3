import type { IdentifierMatch } from '../types.ts';
import { precededBy, type RuleInput } from './rule-input.ts';

const numeric =
  '(?:19|20)\\d{2}\\s?[-/.年]\\s?\\d{1,2}\\s?[-/.月]\\s?\\d{1,2}\\s?[日号]?|(?:19|20)\\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])(?!\\d)|\\d{1,2}[-/.]\\d{1,2}[-/.](?:19|20)\\d{2}|\\d{2}年\\d{1,2}月\\d{1,2}[日号]';
const months = '(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\\.?';
const worded = `${months}\\s+\\d{1,2}(?:st|nd|rd|th)?,?\\s+(?:19|20)\\d{2}|\\d{1,2}(?:st|nd|rd|th)?\\s+(?:of\\s+)?${months},?\\s+(?:19|20)\\d{2}`;
const monthAndDay =
  '(?:农历|阴历|阳历)?(?:\\d{1,2}|[一二三四五六七八九十正腊]{1,3})月(?:\\d{1,2}|[一二三四五六七八九十初廿]{1,3})[日号]?';
const date = `(?:${numeric}|${worded})`;

/** A form's label, or the speaker's own words: whatever date follows is a birth date. */
const labelled = new RegExp(
  `(?:出生(?:日期|年月日?|时间)|生日|date of birth|d\\.?o\\.?b\\.?|birth ?date|birthday|chusheng(?:riqi)?|shengri)[\\s:是为('s-]{0,5}(?:is |was |on )?(${date})`,
  'g',
);
const own = new RegExp(
  `(?:我|本人|俺|我(?:儿子|女儿|老公|老婆|爸爸?|妈妈?|孩子|宝宝)|他|她|患者|孩子|宝宝|儿子|女儿)(?:是|的)?(?:在|于)?\\s?(${date})\\s?(?:出生|生(?:的|人)?(?![产意]))|(?:我|本人|孩子|宝宝|儿子|女儿|老婆|老公|患者)[^\\n。]{0,6}(?:出生(?:于|在)|生于)\\s?(${date})|(?:i was|i'm|she was|he was|son was|daughter was|baby was|wife was|husband was|patient,?(?: was)?)\\s+born (?:on |in )?(?:the )?(${date})|我(?:的|今年)?生日(?:是|在|:)?\\s?(${monthAndDay})`,
  'g',
);
const beforeBorn = new RegExp(`(${date})(?:日)?(?:出生|生人)`, 'g');
const someoneFamous =
  /(?:诗人|作家|演员|歌手|皇帝|总统|科学家|数学家|画家|音乐家|球员|导演|将军|伟人|明星|鲁迅|爱因斯坦|牛顿|president|singer|actor|actress|author|poet|scientist|composer|painter)[^\n]{0,24}$/;

/** Birth dates that a form or the speaker states. Those of public figures are common knowledge. */
export function birthDate(input: RuleInput): IdentifierMatch[] {
  if (!/生|birth|born|dob|d\.o\.b/.test(input.lower)) return [];
  const found: IdentifierMatch[] = [];
  for (const [pattern, confidence, rule] of [
    [labelled, 0.88, 'birth-date-labelled'],
    [own, 0.88, 'birth-date-own'],
    [beforeBorn, 0.6, 'birth-date'],
  ] as const) {
    for (const match of input.lower.matchAll(pattern)) {
      const value = match.slice(1).find((group) => group !== undefined);
      if (value === undefined) continue;
      if (precededBy(input.lower, match.index, 30, someoneFamous)) continue;
      const start = match.index + match[0].lastIndexOf(value);
      found.push({ type: 'birth-date', start, end: start + value.length, confidence, rule });
    }
  }
  return found;
}
