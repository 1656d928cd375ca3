import type { IdentifierMatch } from '../types.ts';
import { famousChinese, famousEnglish } from './famous-names.ts';
import { holds, matchesIn, precededBy, type RuleInput } from './rule-input.ts';

const numeric =
  '(?:19|20)\\d{2}年[一二三四五六七八九十]{1,3}月[一二三四五六七八九十]{1,3}[日号]|(?:19|20)\\d{2}\\s?[-/.年]\\s?\\d{1,2}\\s?[-/.月]\\s?\\d{1,2}\\s?[日号]?|(?:19|20)\\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])(?!\\d)|\\d{1,2}[-/.]\\d{1,2}[-/.](?:19|20)\\d{2}|\\d{2}年\\d{1,2}月\\d{1,2}[日号]';
const months = '(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\\.?';
const worded = `${months}\\s+\\d{1,2}(?:st|nd|rd|th)?,?\\s+(?:19|20)\\d{2}|\\d{1,2}(?:st|nd|rd|th)?\\s+(?:of\\s+)?${months},?\\s+(?:19|20)\\d{2}`;
const monthAndDay =
  '(?:农历|阴历|阳历)?(?:\\d{1,2}|[一二三四五六七八九十正腊]{1,3})月(?:\\d{1,2}|[一二三四五六七八九十初廿]{1,3})[日号]?';
const date = `(?:${numeric}|${worded})`;

/** A form's label, or the speaker's own words: whatever date follows is a birth date. */
const labelled = new RegExp(
  `(?:出生(?:日期|年月日?|时间)|生日|date of birth|d\\.?o\\.?b\\.?|birth ?date|birthday|chu ?sheng(?: ?ri ?qi)?|sheng ?ri)[\\s:是为('s-]{0,5}(?:is |was |on |shi )?(${date})`,
  'g',
);
const own = new RegExp(
  `(?:我|本人|俺|我(?:儿子|女儿|老公|老婆|爸爸?|妈妈?|孩子|宝宝)|他|她|患者|孩子|宝宝|儿子|女儿)(?:是|的)?(?:在|于)?\\s?(${date})\\s?(?:出生|生(?:的|人)?(?![产意]))|(?:我|本人|孩子|宝宝|儿子|女儿|老婆|老公|患者)[^\\n。]{0,6}(?:出生(?:于|在)|生于)\\s?(${date})|(?:i was|i'm|she was|he was|son was|daughter was|baby was|wife was|husband was|patient,?(?: was)?)\\s+born (?:on |in )?(?:the )?(${date})|我(?:的|今年)?生日(?:是|在|:)?\\s?(${monthAndDay})`,
  'g',
);
const beforeBorn = new RegExp(`(${date})(?:日)?(?:出生|生人)`, 'g');
const year = '(?:19[2-9]\\d|20[0-2]\\d)';
const loose = `${date}|\\d{1,2}[-/ ]${months}[-/ ](?:19|20)?\\d{2}(?!\\d)|\\d{2}年\\d{1,2}月|${year}年(?:\\d{1,2}月)?|${year}[-/.]\\d{1,2}(?!\\d)|${year}\\s+on\\s+the\\s+\\d{1,2}(?:st|nd|rd|th)?\\s+of\\s+${months}|the\\s+\\d{1,2}(?:st|nd|rd|th)?\\s+of\\s+${months},?\\s+${year}|${months}\\s+${year}|民国[一二三四五六七八九十\\d]{1,3}年|${months}\\s+\\d{1,2}(?:st|nd|rd|th)?(?!\\d)|\\d{1,2}(?:st|nd|rd|th)?\\s+(?:of\\s+)?${months}(?![a-z])|${monthAndDay}|\\d{1,2}[-/.]\\d{1,2}[-/.]\\d{2,4}(?!\\d)|\\d{2}[-/.]\\d{1,2}[-/.]\\d{1,2}(?!\\d)`;
/** The word and its date a few words apart; a year before 1920 is history. */
const wordThenDate = new RegExp(
  `(?:(?:出生|(?<=[他她子女宝])诞生)(?:日期|年月日?|时间|日|于)?|生日|生辰|(?<![发产])生于|geburtsdatum|b-?day(?:'s)?|birth(?=\\s?:)|birth ?(?:date|day)|date of birth|d\\.?o\\.?b\\.?|\\bborn\\b)["']?(?:[^\\n\\d。;!?]{0,18}?)(${loose}|(?:0?[1-9]|1[0-2])[./](?:0?[1-9]|[12]\\d|3[01])(?![\\d.]))`,
  'g',
);
const dateThenWord = new RegExp(
  `(${loose})[^\\n\\d。;!?]{0,4}?(?:出生|生人|顺产|剖腹产|娩|诞下|产下|(?:是|为|就是)?[我他她你]?[^\\n\\d,。]{0,6}(?:的)?生日(?![派快蛋礼祝聚会卡])|(?<![先医学女男考师新发产陌])生的|(?<![先医学女男考师新发产陌])生(?=[,。;、|\\s)]|于|在|$)|[,\\s(]{1,2}(?:is (?:my|his|her) birthday|birthday|born|dob)\\b)`,
  'g',
);
/** 我的生日0817, 她是1992-04-07的, turns six on May 3rd, b. 12.05.1961, I was born in 1974. */
const person =
  '(?:我|本人|俺|他|她|老公|老婆|爱人|爸爸?|妈妈?|父亲|母亲|孩子|宝宝|儿子|女儿|哥哥?|姐姐?|弟弟?|妹妹?|爷爷|奶奶|外公|外婆|对象)';
const told = new RegExp(
  `生日(?:是|为|:|\\s){0,3}((?:19|20)\\d\\d [01]\\d [0-3]\\d(?!\\d)|[4-9]\\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])(?!\\d))|生日(?:是|为|:|\\s){1,3}((?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])(?!\\d))|(?:属[鼠牛虎兔龙蛇马羊猴鸡狗猪][,\\s]{1,2})(\\d{2}年\\d{1,2}月\\d{0,2}[日号]?)(?=的|生)|(?:儿子|女儿|宝宝|老大|老二)[\\s:(]{1,2}(20\\d\\d[-/.年]\\d{1,2}[-/.月]\\d{1,2}日?)(?=[,。;、)\\s]|$)|${person}是\\s?((?:19[2-9]\\d|200\\d|201\\d)[-/.年]\\d{1,2}[-/.月]\\d{1,2}日?)的(?=[,。;、!\\s]|$)|\\b(?:turn(?:s|ed|ing)?|is|was) (?:\\d{1,2}|[a-z]+(?:-[a-z]+)?) on (?:the )?(${months}\\s\\d{1,2}(?:st|nd|rd|th)?|\\d{1,2}(?:st|nd|rd|th)?\\s(?:of\\s)?${months})(?![a-z])|(?<![a-z.])(?:b\\.|n[ée]e? le|geb(?:oren)?\\.?(?: am)?|nat[oa] il|nacid[oa] el)\\s?(${date})|\\b(?:i|he|she|(?:my|his|her) [a-z]{3,12})(?: was|'s|'m| is)? born in (${year})(?!\\d)`,
  'g',
);
/** A row of a table or list: the date stands alone in its cell, and is old enough to be a person's. */
const cell = new RegExp(
  `(?<=[,|\\t;、(\\s"']\\s?)((?:19[3-9]\\d|200\\d|201[0-5])[-/.年](?:0?[1-9]|1[0-2])[-/.月](?:0?[1-9]|[12]\\d|3[01])日?|(?:19[3-9]\\d|200\\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])|(?:0?[1-9]|[12]\\d|3[01])[-/.](?:0?[1-9]|[12]\\d|3[01])[-/.](?:19[3-9]\\d|200\\d|201[0-5])|(?:0?[1-9]|[12]\\d|3[01])(?:st|nd|rd|th)?\\s${months}\\s(?:19[3-9]\\d|200\\d|201[0-5])|${months}\\s(?:0?[1-9]|[12]\\d|3[01]),?\\s(?:19[3-9]\\d|200\\d|201[0-5]))(?=\\s?(?:[,|\\t;、)\\s"']|$))`,
  'gm',
);
const otherDate =
  /(?:点评|评论|评价|发帖|posted|reviewed|入职|到岗|报到|签订|签署|签发|签约|有效|到期|截止|发布|成立|更新|创建|版本|订单|下单|出版|上映|发行|竣工|建于|购|hired|joined|start|issued|expires?|due|created|updated|released|published|version|since|founded)[^\n\d]{0,8}$/;
/** 李雷 男 1990年5月12日: a sex before the date. */
const behindSex = /(?<![\u4e00-\u9fa5])[男女]性?[\s,、|;/]{1,3}$/;
const today = /(?:今天|明天|昨天|后天|下周|这周|today|tomorrow)[^\n]{0,10}$/;
const publicMatter =
  /公司|集团|\b(?:product|idea|project|team|startup|movement|genre|language) (?:was |were |is )?born|(?:品种|语言|软件|产品)[^\n,。]{0,8}(?:诞生|出生)|生日蛋糕|星座是什么|zodiac|people born|anyone born|those born|(?<!我是[^\n。]{0,14})出生的(?:人|婴儿)|python|java|大学|国家|共和国|城市|品牌|祖国|党(?!员)|成语|节日|世界|company|country|nation|brand|festival|founded|建军节|王朝|皇|诗|剧|小说|电影|角色|novel|star\b/;
const someoneFamous =
  /(?:诗人|作家|演员|歌手|皇帝|总统|科学家|数学家|画家|音乐家|球员|导演|将军|伟人|明星|鲁迅|爱因斯坦|牛顿|president|singer|actor|actress|author|poet|scientist|composer|painter)[^\n]{0,24}$/;

/** Whether the name of a public person stands within the last characters. */
function famousNear(text: string): boolean {
  for (let start = 0; start < text.length - 1; start++) {
    for (let length = 2; length <= 4; length++) {
      // A longer name may begin as a famous one does.
      const ends =
        !/^[\u4e00-\u9fa5]/.test(text.slice(start + length)) || /^[的是于在出生诞之]/.test(text.slice(start + length));
      if (ends && famousChinese.has(text.slice(start, start + length))) return true;
    }
  }
  const words = text.match(/[a-z'-]+/g) ?? [];
  return words.some((word, index) => index > 0 && famousEnglish.has(`${words[index - 1] ?? ''} ${word}`));
}

/** Dates in rows beside a full name, a sex or the number of a document. `others` are the matches found so far. */
export function birthDateInRow(input: RuleInput, others: readonly IdentifierMatch[]): IdentifierMatch[] {
  const people = others.filter(
    ({ type, confidence }) =>
      confidence >= 0.5 && ['person-name', 'resident-id', 'passport', 'travel-permit', 'hkid', 'us-ssn'].includes(type),
  );
  // A column of birth dates says so in its head.
  const headed = holds(
    input,
    /(?:^|[(,|\t\s"'_])(?:dob|date of birth|birth_?date|birthday|生日|出生日期|出生年月)[\s"']?[),|\t\n]/,
  );
  const sexes = holds(input, /[男女]/);
  if (people.length === 0 && !headed && !sexes) return [];
  const found: IdentifierMatch[] = [];
  for (const match of matchesIn(input, cell)) {
    if (precededBy(input.lower, match.index, 14, otherDate) || precededBy(input.lower, match.index, 14, today))
      continue;
    const end = match.index + match[0].length;
    const lineStart = input.lower.lastIndexOf('\n', match.index) + 1;
    const nextLine = input.lower.indexOf('\n', end);
    const lineEnd = nextLine < 0 ? input.lower.length : nextLine;
    const near =
      headed ||
      (sexes && precededBy(input.lower, match.index, 6, behindSex)) ||
      people.some(
        ({ start, end: stop }) =>
          start >= lineStart && stop <= lineEnd && match.index - stop < 60 && start - end < 40 && stop !== end,
      );
    if (near) found.push({ type: 'birth-date', start: match.index, end, confidence: 0.6, rule: 'birth-date-in-row' });
  }
  return found;
}

/** Birth dates that a form or the speaker states. Those of public figures are common knowledge. */
export function birthDate(input: RuleInput): IdentifierMatch[] {
  if (
    !holds(
      input,
      /生|属|儿子|女儿|宝宝|b-?day|geburt|birth|born|dob|d\.o\.b|sheng|turn|是\s?(?:19|20)\d\d|(?<![a-z])(?:b\.|n[ée]e? le|geb|nat[oa] il|nacid)/,
    )
  )
    return [];
  const found: IdentifierMatch[] = [];
  for (const [pattern, confidence, rule] of [
    [labelled, 0.88, 'birth-date-labelled'],
    [own, 0.88, 'birth-date-own'],
    [beforeBorn, 0.6, 'birth-date'],
    [wordThenDate, 0.6, 'birth-date-near-word'],
    [dateThenWord, 0.6, 'birth-date-near-word'],
    [told, 0.6, 'birth-date-near-word'],
  ] as const) {
    for (const match of matchesIn(input, pattern)) {
      const value = match.slice(1).find((group) => group !== undefined);
      if (value === undefined) continue;
      if (precededBy(input.lower, match.index, 30, someoneFamous)) continue;
      if (rule === 'birth-date-near-word') {
        const around = input.lower.slice(Math.max(0, match.index - 24), match.index + match[0].length + 10);
        const years = /(?<!\d)(1[0-8]\d\d|190\d|191\d)(?!\d)/.test(value);
        if (years || publicMatter.test(around) || famousNear(around)) continue;
      }
      const start = match.index + match[0].lastIndexOf(value);
      found.push({ type: 'birth-date', start, end: start + value.length, confidence, rule });
    }
  }
  return found;
}
