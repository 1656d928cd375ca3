import { givenWeights, isDoubleSurname, neverGiven, slotSurnames, surnameWeights } from './chinese-name-characters.ts';
import {
  actAfter,
  announces,
  isHan,
  isNameGang,
  isPublicName,
  publicAfter,
  publicBefore,
} from './chinese-name-context.ts';
import { notGivenPairs, wordsLikeNames } from './chinese-name-words.ts';
import { charactersOf } from './word-beginnings.ts';

/** A form's key or words that announce a name: with a separator whatever looks like a name is one. */
const slotBefore =
  /(?:姓名|名字|真名|本名|全名|大名|中文名|户名|署名|落款|签名|签字|抬头|收件人?|收货人?|取件人?|寄件人?|联系人?|所有人|驾驶人|车主|机主|户主|业主|被保险人|保险人|投保人|受益人|委托人|受托人|代理人|原告|被告|证人|当事人|嫌疑人|法人|代表人?|经办人|负责人|持卡人|开户人|申请人|乘客|旅客|患者|病人|家属|监护人|学生|员工|乙方|甲方|作者|编辑|译者|老师|医生|护士|律师|爸爸|妈妈|父亲|母亲|爷爷|奶奶|外公|外婆|姥姥|姥爷|老公|老婆|丈夫|妻子|儿子|女儿|哥哥|姐姐|弟弟|妹妹|同事|同学|同桌|朋友|室友|邻居|老人|叫做?|名叫|我是|他是|她是|答|给|找|写|交给|转给|寄给)(姓名|名字|本名|名)?([:\s是为叫"'(]{0,3})$/;
/** What follows only a person: a greeting, a number or the key of one, sex, birth. */
const personBehind =
  /^\s?(?:[,、;:(|-]\s?)?(?:联系)?(?:电话|手机|手机号|身份证|证件|公民身份|护照|通行证|邮箱|微信|qq|工号|学号|卡号|账号|病历|医保|身份号|号码|笔名|开户|她?现?住(?![院])|男[,;、\s]|女[,;、\s]|生于|出生|汉族|(?:19|20)\d\d\s?[-年/.])|^\s?(?:您好|你好|先生|女士|小姐|老师|医生|律师|教练|师傅|同学|经理|主任|收(?![入到据购集获款费])|亲启|敬上|启$|打电话|回电)/;
/** Ends of words for an office or a kind of people: 安全员, 高中生. */
const officeEnd = new Set(Array.from('员师生人工家手者长客士兵汉族们组队部科局司厂院校班方款费单表号码额'));
/** The keys of forms among them, where nothing but a name follows. */
const formKey =
  /(?:姓名|名字|真名|本名|全名|中文名|户名|署名|落款|签名|签字|抬头|收件人|收货人|取件人|寄件人|联系人|所有人|驾驶人|车主|户主|被保险人|投保人|受益人|委托人|受托人|原告|被告|证人|法定代表人|经办人|负责人|持卡人|开户人|申请人|患者|乙方|甲方|作者)[:\s是为叫"'(]{0,3}$/;
/** Somebody's work: 插画师, 班主任, 快递员. */
const occupation =
  /[\u4e00-\u9fa5](?:师|师傅|主任|经理|教练|队长|组长|总监|助理|[快送店柜护营业务管理检验驾驶指导]员|画家|作家|工人|保姆|月嫂|中介|销售|客服|会计|司机)$/;
/** Words for papers and numbers end in these. */
const paperEnd = new Set(Array.from('证码卡址券费款号额表单信'));
const endsOfSlots = charactersOf(slotBefore);
const endsOfWork = charactersOf(occupation);
const works = (before: string): boolean =>
  endsOfWork[before.charCodeAt(before.length - 1)] === 1 && occupation.test(before);
/** How far a number may stand from the name that it belongs to. */
const anchorReach = 8;

/** First characters of `personBehind` and `actAfter`. */
const followers = new Set(
  Array.from(
    '联电手身证公护通邮微工学号卡账病医笔开她现住男女生出汉先小老律教师同经主收亲敬启打回您你说讲问告在的是和跟与及把已昨今明后上下周星刚发给负地去来也都还没不会要想又就被让从于因他总吗呢吧了一家这那正将签提写做催持请找欠借患确入离辞迟缺转付汇拿带买送到约表认反申报预乘考得有能可应需最目本',
    (character) => character.charCodeAt(0),
  ),
);
const mayEndAt = (text: string, end: number): boolean => {
  const code = text.charCodeAt(end);
  return end === text.length || !isHan(code) || followers.has(code);
};

/** Where a finding with a form of its own stands: names gather around them. */
export type Anchor = { start: number; end: number };

/** A name in a slot of a form or a sentence, whatever its characters mean elsewhere (贺新春, 蓝天蔚). */
export function nameInSlot(text: string, start: number, anchors: readonly Anchor[]): { end: number } | undefined {
  // 产品经理和项目经理: a conjunction between two words.
  if (text[start] === '和' && isHan(text.charCodeAt(start - 1))) return undefined;
  const isDouble = isDoubleSurname(text, start);
  if (!isDouble && !slotSurnames.has(text.charCodeAt(start))) return undefined;
  // Most places fail on what follows: nothing ends here, and no key of a form, greeting or verb begins.
  const length = isDouble ? 2 : 1;
  if (!mayEndAt(text, start + length + 1) && !mayEndAt(text, start + length + 2)) return undefined;
  const before = text.slice(Math.max(0, start - 10), start);
  const last = before.charCodeAt(before.length - 1);
  const slot = endsOfSlots[last] === 1 ? slotBefore.exec(before) : null;
  if (slot === null && start > 0 && isHan(text.charCodeAt(start - 1)) && !announces(before) && !works(before))
    return undefined;
  if (publicBefore.test(before) && !/作者[:\s]?$/.test(before)) return undefined;
  const form = slot !== null && formKey.test(before);
  const plain = (surnameWeights.get(text.charCodeAt(start)) ?? 0) >= 1.6;
  const parted = slot !== null && (slot[2] ?? '') !== '';
  const anchorBefore = anchors.some(({ end }) => end <= start && start - end <= 2);
  const surnameLength = isDouble ? 2 : 1;
  let best: { end: number; score: number } | undefined;
  for (const given of [2, 1]) {
    const end = start + surnameLength + given;
    if (end > text.length) continue;
    let sum = 0;
    for (let index = start + surnameLength; index < end; index++) {
      const code = text.charCodeAt(index);
      // 上 and 来 are particles that names do hold (梁上飞, 祝福来): more has to speak for them.
      const doubtful = code === 0x4e0a || code === 0x6765;
      if (!isHan(code) || (neverGiven.has(code) && !(doubtful && slot !== null) && !isNameGang(text, index, end)))
        sum = Number.NEGATIVE_INFINITY;
      sum += (givenWeights.get(code) ?? 0.3) > 1 ? 0.5 : 0;
    }
    // 凌晨入住: the rest of a verb.
    if (text[end - 1] === '入') continue;
    if (sum < 0 || paperEnd.has(text[end - 1] ?? '')) continue;
    const name = text.slice(start, end);
    if (isPublicName(name) || wordsLikeNames.has(name)) continue;
    // 张总您好: a surname and a title.
    if (given === 1 && '总董工哥姐叔姨爷奶嫂队处局科导老'.includes(text[end - 1] ?? '')) continue;
    // A word as such: 高兴, 安全. With one more character it has to stand in a form.
    const likeWord =
      wordsLikeNames.has(text.slice(start, start + 2)) ||
      notGivenPairs.has(text.slice(start + surnameLength, start + surnameLength + 2));
    const after = text.slice(end, end + 12);
    if (publicAfter.test(after)) continue;
    const person = personBehind.test(after);
    const anchorBehind = anchors.some(
      (anchor) =>
        anchor.start >= end && anchor.start - end <= anchorReach && !/[。!?\n]/.test(text.slice(end, anchor.start)),
    );
    const rightEnd = end === text.length || !isHan(text.charCodeAt(end));
    const role = slot !== null ? (parted ? 2 : 1) + (form && rightEnd ? 1 : 0) : works(before) ? 1 : 0;
    const near = anchorBehind && rightEnd ? (plain ? 2 : 1.5) : anchorBefore ? 1.5 : 0;
    const signs = role + (person ? 2 : 0) + near;
    if (signs < 4 && officeEnd.has(text[end - 1] ?? '')) continue;
    // Two characters that seldom are a surname and a name: 家庭住址, 写封信.
    if (given === 1 && surnameLength === 1 && !plain && !(parted && form && rightEnd)) continue;
    const needed = likeWord ? 3 : 2;
    if (signs < needed || !(rightEnd || person || (signs >= 3 && actAfter.test(after)))) continue;
    // Two signs from the left alone: a word may well stand there (给高中生, 我是安全员).
    if (
      slot !== null &&
      !person &&
      !anchorBehind &&
      !anchorBefore &&
      (likeWord || !surnameWeights.has(text.charCodeAt(start)))
    ) {
      if (!/[:：]\s?$/.test(before)) continue;
    }
    const score = signs + sum + given * 0.1;
    if (best === undefined || score > best.score) best = { end, score };
  }
  return best;
}
