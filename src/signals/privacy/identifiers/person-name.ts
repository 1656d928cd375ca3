import { foldTraditional } from '../fold-traditional.ts';
import type { IdentifierMatch } from '../types.ts';
import { doubleSurnames, givenNameCharacters, notInName, singleSurnames } from './chinese-surnames.ts';
import { chineseNames } from './chinese-name.ts';
import { englishNames } from './english-name.ts';
import { famousChinese, famousEnglish } from './famous-names.ts';
import { nameForms } from './name-forms.ts';
import { holds, matchesIn, precededBy, type RuleInput } from './rule-input.ts';

const surname = `(?:${doubleSurnames.join('|')}|[${singleSurnames}])`;
const any = `[^\\x00-\\u4dff\\ua000-\\uffff${notInName}]`;
const typical = `[${givenNameCharacters}]`;
const strongName = `${surname}${any}{1,2}`;
const typicalName = `${surname}${typical}{1,2}`;

const roles =
  '姓名|名字|真名|本名|联系人|患者|病人|收件人|收货人|寄件人|户主|法人|法定代表人|申请人|委托人|当事人|原告|被告|投保人|被保险人|受益人|持卡人|开户人|户名|监护人|家长|学生|员工|乘客|乘车人|客户|业主|租客|房东|证人|嫌疑人|签名|署名';
/** A label and a colon (or 是, 为, 叫): whatever looks like a name is one. */
const labelled = new RegExp(
  `(?:${roles})(?:姓名|名字|名)?\\s{0,2}(?:[:]|是|为|叫)\\s{0,2}(${strongName})(?![${givenNameCharacters}]{2})|(?:姓\\s?名)\\s{0,3}(${surname}[\\u4e00-\\u9fa5]{1,3}?)(?=\\s{0,3}(?:性\\s?别|民\\s?族|出\\s?生|身份|年龄|科室|门诊|住院|证件|账号|卡号|$|\\n))`,
  'g',
);
/** A role directly before the name: only characters that names are made of. */
const roleBefore = new RegExp(
  `(?:患者|病人|收件人|联系人|法人代表|业主|嫌疑人|当事人|学生|员工|申请人|客户)\\s?(${typicalName})(?=[,，、。;:\\s(（]|男|女|今年|于|因|身份|电话|手机|$)`,
  'g',
);
const introduced = new RegExp(
  `(?:我叫|我的名字(?:是|叫)|我名字(?:是|叫)|本人(?:姓名|叫)?|我本名|我真名(?:叫|是)?|(?:他|她|孩子|儿子|女儿|老公|老婆|妻子|丈夫|爸爸?|妈妈?|父亲|母亲|朋友|同事|老板|领导|女友|男友|弟弟|哥哥|姐姐|妹妹|同学|邻居|爷爷|奶奶)(?:的?名字)?(?:叫|名叫|是叫)|名叫)\\s{0,2}(${strongName})(?=[^\\u4e00-\\u9fa5]|$|今|住|是|来|在|男|女|家|的|和|电|手|身|生|出|有|现|他|她|刚|最|从|这|上|确|患|得|,)`,
  'g',
);
const iAm = new RegExp(
  `(?:我是|我就是)(?!高[一二三中]|成年|单[身亲]|金[牛星]|双[子鱼])(${surname}${typical}{1,2})(?=[,，。.!；;\\s(（]|$)`,
  'g',
);
const honoured = new RegExp(
  `(?<![\\u4e00-\\u9fa5])(?:联系|找|是|给|叫|我是|致|尊敬的)?(${typicalName})(?:先生|女士|小姐|同学|老师|律师)`,
  'g',
);
const pinyin =
  /(?:wo jiao|wo de mingzi (?:shi|jiao)|wo shi|xingming)[\s:]{1,2}([a-z]{2,8}(?: [a-z]{2,8}){0,2})(?=[,.\s]|$)/g;

const englishName =
  '[A-Z][a-z][a-z’-]{0,19}(?:\\s+(?:[A-Z]\\.?(?=\\s)|de|van|von|bin|al|la))?(?:\\s+[A-Z][a-z][a-z’A-Z-]{0,19}){0,2}';
const english = new RegExp(
  `(?:[Mm]y (?:full |legal |real |maiden )?name(?:'s| is)|[Mm]y name:|(?:[Mm]y|[Oo]ur) (?:wife|husband|son|daughter|boss|manager|friend|mother|mom|father|dad|sister|brother|girlfriend|boyfriend|neighbou?r|colleague|client|patient|child|kid|boy|girl|partner|ex)(?:,| is| named| is called|'s name is)?|(?:[Ff]ull |[Pp]atient |[Cc]ustomer |[Ll]egal |[Cc]ontact |[Cc]lient |[Ee]mployee |[Aa]pplicant )?[Nn]ame\\s?:|[Pp]atient:|[Ss]igned,|[Ee]mployee:|I(?:'| a)m called)\\s{1,2}(${englishName})`,
  'g',
);
const englishTwo = new RegExp(
  "(?:[Ii]'m|I am|[Pp]atient|[Mm]rs?\\.|[Mm]s\\.)\\s([A-Z][a-z'’-]{1,20}\\s+(?:[A-Z]\\.?\\s+)?[A-Z][a-z'’-]{2,20})(?![a-z])",
  'g',
);
/** Capitalised words that begin a sentence or name a people, not a person. */
const notEnglishNames =
  /^(?:The|A|An|It|This|That|There|What|How|Why|When|Where|Who|Is|Are|Do|Does|Can|Could|Please|Chinese|American|British|English|French|German|Indian|Japanese|Korean|Senior|Junior|Software|Data|Product|Project|New|Not|Very|Also|Just|So|Looking|Trying|Working|From|In|At|On|Of|Dr|Professor|Christian|Muslim|Jewish|Catholic|Buddhist|Hindu|Windows|Linux|Apple|Google|Microsoft|Claude|GPT|Python|Java|Admin|Administrator|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)\b/;

const publicEnglish =
  /(?:James Bond|Bond|Sherlock Holmes|Harry Potter|Slim Shady|Inigo Montoya|Forrest Gump|John Watson|Gregory House|Meredith Grey|Albert Einstein|Isaac Newton|William Shakespeare|Ishmael|Khan|Earl|Iron Man)/;
const fiction =
  /小说|故事|主角|剧本|童话|角色|人物设定|剧情|台词|扮演|novel|character|protagonist|fiction|screenplay|story about|short story|role-?play/;

/** Inside the title of a work, as in 《你好,李焕英》. */
function inTitle(text: string, position: number): boolean {
  const open = text.lastIndexOf('《', position);
  return open >= 0 && position - open < 40 && !text.slice(open, position).includes('》');
}

/** What is asked about people whom everybody knows. */
const knowledgeQuestion =
  /是谁|何许人|哪一?年|哪国|哪个朝代|哪部|因何|为何|生平|简介|代表作|主演|导演|票房|作者|典故|朝代|历史上|怎么(?:倒|死|败|灭亡|评价)|为什么(?:要|会|被)?|who (?:was|is|were)|where did|when did|why did|what did|biography|famous for/;
/** Somebody's own matter, or somebody that the writer deals with. */
const ownMatter =
  /我|俺|咱|你|您|同事|朋友|邻居|室友|客户|房东|领导|老板|对象|老公|老婆|孩子|儿子|女儿|电话|手机|微信|身份证|住院|借|欠|工资|合同|\b(?:my|our|me|i|i'm|he|she|his|her)\b/;

/** A short question of general knowledge, in which nobody's own matter comes up. */
function asksForKnowledge(lower: string): boolean {
  return lower.length <= 60 && knowledgeQuestion.test(lower) && !ownMatter.test(lower);
}

/** Numbers that only people have. */
const ofPeople: ReadonlySet<IdentifierMatch['type']> = new Set([
  'resident-id', 'passport', 'travel-permit', 'hkid', 'taiwan-id', 'us-ssn', 'birth-date', 'medical-record', 'social-insurance',
]); // prettier-ignore

/** The sentence around a position: fiction is only believed where it is said, so later text cannot un-mark a name. */
function inFiction(lower: string, position: number): boolean {
  let start = position;
  while (start > 0 && position - start < 80 && !/[。!?\n;]/.test(lower[start - 1] ?? '')) start--;
  let end = position;
  while (end < lower.length && end - position < 40 && !/[。!?\n;,]/.test(lower[end] ?? '')) end++;
  return fiction.test(lower.slice(start, end));
}

/**
 * Names of people: those that a label or an introduction announces, and full names that stand in ordinary sentences
 * (`chinese-name.ts`, `english-name.ts`). In fiction, and for public figures, they do not count.
 */
export function personName(input: RuleInput, others: readonly IdentifierMatch[] = []): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  const collect = (pattern: RegExp, confidence: number, rule: string, text = input.text): void => {
    for (const match of matchesIn(input, pattern, text)) {
      const name = match[1] ?? match[2] ?? '';
      if (
        famousChinese.has(name) ||
        famousEnglish.has(name.toLowerCase()) ||
        publicEnglish.test(name) ||
        notEnglishNames.test(name)
      )
        continue;
      const start = match.index + match[0].lastIndexOf(name);
      found.push({
        type: 'person-name',
        start,
        end: start + name.length,
        // A first name alone could be anybody's.
        confidence: inFiction(input.lower, start) || (rule === 'name-english' && !/\s/.test(name)) ? 0.4 : confidence,
        rule,
      });
    }
  };
  const simplified = foldTraditional(input.text);
  if (/[\u4e00-\u9fa5]/.test(simplified)) {
    collect(labelled, 0.9, 'name-labelled', simplified);
    collect(roleBefore, 0.8, 'name-after-role', simplified);
    collect(introduced, 0.9, 'name-introduced', simplified);
    collect(iAm, 0.75, 'name-i-am', simplified);
    collect(honoured, 0.6, 'name-with-title', simplified);
  }
  if (/[a-z]/.test(input.text)) {
    if (/name|my |our |patient|signed|employee|called/i.test(input.text)) collect(english, 0.85, 'name-english');
    if (/I'm|I am|[Pp]atient|[Mm]r|[Mm]s\./.test(input.text)) collect(englishTwo, 0.7, 'name-english-full');
    if (holds(input, /wo jiao|mingzi|wo shi|xingming/)) collect(pinyin, 0.7, 'name-pinyin', input.lower);
  }
  const anchors = others.filter(
    ({ confidence, type }) => confidence >= 0.5 && type !== 'secret' && type !== 'password',
  );
  // A hotel and a shop have telephones; papers belong to people.
  const documents = others.filter(({ confidence, type }) => confidence >= 0.5 && ofPeople.has(type));
  const inSentences = [
    ...chineseNames(simplified, anchors),
    ...englishNames(input.text, documents),
    ...nameForms(input, simplified, anchors),
  ];
  if (input.text.includes('·')) {
    // 阿依古丽·买买提: names of many peoples, and of every foreign author. Where somebody's own matter comes up it is the former.
    for (const match of matchesIn(input, /[\u4e00-\u9fa5]{2,6}(?:·[\u4e00-\u9fa5]{1,6}){1,2}/g, input.text)) {
      const around = input.lower.slice(Math.max(0, match.index - 20), match.index + match[0].length + 20);
      if (!ownMatter.test(around) && !/快递|床|证|签|登记|名单|工号|学号|病/.test(around)) continue;
      inSentences.push({
        type: 'person-name',
        start: match.index,
        end: match.index + match[0].length,
        confidence: 0.55,
        rule: 'name-dotted',
      });
    }
  }
  const knowledge = others.length === 0 && asksForKnowledge(input.lower);
  for (const match of inSentences) {
    if (inTitle(input.text, match.start)) continue;
    if (publicEnglish.test(input.text.slice(match.start, match.end))) continue;
    found.push(knowledge || inFiction(input.lower, match.start) ? { ...match, confidence: 0.4 } : match);
  }
  return found.filter(({ start }) => !precededBy(input.lower, start, 3, /(?:什么|怎么|如何)$/));
}
