import type { IdentifierMatch } from '../types.ts';
import {
  doubleSurnameList,
  givenWeights,
  neverGiven,
  slotSurnames,
  surnameWeights,
  weakDoubleSurnames,
} from './chinese-name-characters.ts';
import { notGivenPairs, wordsLikeNames } from './chinese-name-words.ts';
import { famousChinese } from './famous-names.ts';

/**
 * Chinese full names wherever they stand. The rule: a surname (weighted by how seldom it begins an ordinary word), one
 * or two characters of given names (weighted by how much rarer they are elsewhere), and what stands on both sides
 * (punctuation, a form's key, a role such as 患者, a verb that persons do) add up to a score; a name counts from
 * `thresholdTwo` or `thresholdThree` on. Ordinary words, titles after a surname and known public names never count.
 */
const thresholdThree = 3.2;
const thresholdTwo = 3.5;

const roleBefore =
  /(?:自称|报销人|抄送|产妇|孕妇|男方|女方|借到|拟?录用|授权|挂失人|打[人的]+叫?|受害人|被害人|肇事者|死者|伤者|逝者|新员工|主播|承租人|出租人|转让人|受让人|考生|嫌犯|房主|卖家|买家|卖方|买方|收款方|付款方|汇款人|报案人|报修人|预约人|记得|认识|[一二三四五六七八九0-9]班|护工|月嫂|保洁|钟点工|工头|骑手|站长|网格员|社工|志愿者|房客|租户|病友|舅妈|姑父|嫂子|伴郎|伴娘|新郎|新娘|班主任|辅导员|导师|教授|牙医|中医|药师|姓名|名字|真名|署名|签名|签字|户名|昵称|户主|车主|机主|事主|失主|物主|业务员|学号|工号|患者|病人|病患|客户|业主|租客|租户|房东|学生|员工|职员|朋友|邻居|室友|闺蜜|同事|同学|老师|医生|大夫|护士|律师|经理|主任|总监|院长|校长|班长|组长|队长|店长|部长|科长|处长|局长|书记|会计|出纳|助理|秘书|顾问|教练|司机|师傅|保姆|阿姨|叔叔|舅舅|姑姑|姨妈|伯伯|老公|老婆|妻子|丈夫|爱人|对象|男友|女友|男朋友|女朋友|前夫|前妻|儿子|女儿|孩子|宝宝|父亲|母亲|爸爸|妈妈|爸|妈|爷爷|奶奶|外公|外婆|公公|婆婆|岳父|岳母|哥哥|姐姐|弟弟|妹妹|表哥|表姐|表弟|表妹|堂哥|堂弟|侄子|侄女|外甥|孙子|孙女|领导|老板|老总|下属|实习生|候选人|应聘者|面试者|申请人|联系人|收件人|收货人|寄件人|发件人|经办人|负责人|审批人|报告人|举报人|投诉人|法人|法定代表人|被告人?|原告|证人|嫌疑人|当事人|委托人|受托人|代理人|监护人|家长|家属|担保人|借款人|出借人|债务人|被保险人|投保人|受益人|持卡人|开户人|乘客|旅客|住户|会员|学员|选手|工程师|产品经理|程序员|设计师|销售|客服|财务|人事|主管|讲师|老乡|战友|网友|女士|先生|党员|村民|居民|乘车人|入住人|订票人|订餐人|主治|主讲|甲方|乙方|丙方)[是叫为,、:"'(\s]{0,2}$/;
const cueBefore =
  /(?:[系约娶嫁爱恨骂追甩替转接救查欠比除连只同随像陪抓揍骗逮@]|物业的|村里的|致|今|兹|就|楼[上下]的|隔壁的?|对[门面]的?|发现|投诉|知道|只有|起诉|状告|怀疑|喜欢|讨厌|求助|听说|据说|听|证明|兹有|[今现]有|收到|护士让|暗恋|相信|担心|拜访|探望|看望|照顾|抚养|举报|曝光|录用|开除|辞退|解雇|表扬|批评|处分|采访|咨询|冒充|代替|替代|除了|找到|还给|卖给|租给|送给|留给|嫁给|介绍|汇给|打给|传给|分给|退给|传达|抄送|派|请示|汇报|拉黑|屏蔽|得罪|羡慕|佩服|支持|反对|任命|提拔|推选|选举|选|叮嘱|嘱咐|吩咐|等待|等|想念|想起|梦见|梦到|骗了|打了|收了|娶了|欠了|借了|问了|找了|看了|见了|帮了|害了|查一?下|看一?下|问一?下|改一?下|约了|请了|叫了|救了|杀了|撞了|惹了|[找让给请问写叫是和跟与及在由被对把为将向见替帮按约陪骂催@:,。;!?、"'(（【[|>\n\t/=-]|联系|转告|查一下|查出|体检|昨晚|今晚|今早|刚刚|去年|今年|看到|遇到|遇见|碰到|见到|收到|通知|告诉|提醒|交给|发给|寄给|转给|感谢|拜托|委托|麻烦|认识|名为|名叫|还有|以及|包括|关于|如果|因为|但是|所以|其中|分别|指派|邀请|祝贺|推荐|介绍|昨天|今天|明天|周[一二三四五六日]|上午|下午|晚上|刚才|已经|[年月日号点分的了]|[0-9]\s)\s{0,2}$/;
const actAfter =
  /^\s?(?:交[来给了]|缴|[一二三四五六七八九十两几百千万][块元千百万十]|一起|老人|大爷|大妈|大叔|阿姨|奶奶|爷爷|叔叔|大[哥姐]|骗|偷|抢|占|跳槽|挂了|挂科|出轨|出国|出差|出事|提出|提议|手术|手机|突然|喝[多醉]|系我|系本|至今|一直|居然|竟|总|老[是爱说跟找家]|经常|常[常说来]|偶尔|从[来不]|失[业恋联眠约踪]|空腹|上[班学个]|下[班岗台]|移民|态度|脾气|性格|为人|说话|做[的了事]|户口|房[子间]|接[替手了到]|结[婚过了]|离[婚异开了过]|分[手到了]|怀[孕了上]|生[病了下孩气]|过[来去世敏生]|闹|吵|举报|投诉|起诉|批评|升[职了到]|晋升|调[岗到去来]|转[正学院来走让给发]|退[休学伍了货]|旷|加[班了我入]|值[班日]|替|代[表替我]|帮|陪|追|嫌|怕|怨|夸|劝|逼|求|催|躲|躺|摔|撞|跌|晕|昏|吐|哭|笑[了着我话]|疯|死|受[伤了不]|骨折|中风|发[烧现火病来错了的]|感染|化疗|透析|瘫|戒|吸[毒烟]|酗|赌|炒|贷|赔|垫|捐|继承|名下|账户|工资|奖金|社保|绩效|成绩|排名|学籍|档案|简历|合同|论文|作业|试卷|爸|妈|老公|老婆|丈夫|妻子|对象|女儿|儿子|孩子|全家|拉[我黑到了着入进]|学[了过习会]|改[了成名简]|喊|骂|揍|踢|咬|抱|亲[了我]|吻|牵|睡|醒|胖|瘦|长[得胖高]|矮|丑|帅|漂亮|人[品很挺不]|太|很|真|特别|挺|比[我你他她较]|随|仍|却|只|仅|承认|否认|坚持|拒绝|答应|愿|打算|准备|决定|希望|怀疑|喜欢|讨厌|爱上|恨|暗恋|获|荣获|当选|担任|兼任|接任|到场|缺席|参加|出席|发言|补充|总结|汇报|强调|指出|建议|提醒|询问|回[来家国复答]|返|抵达|开[车的了会除]|骑|走[了路]|跑|跳[楼水]|穿|戴|养|教[我的书]|看[了到过我病]|听|见|遇|碰|吃|喝|抽|玩|花[了钱]|存|租|卖|修|装|搬|丢|捡|弄|搞|爬山?|滑|钓|逛|聚|碰头|知道|认识|明白|清楚|记得|忘[了记]|涉嫌|犯|违|触|遭|结婚|3\d|[,。;!?、"')）】\]|<\n\t/:@(（=-]|说|讲|问|告诉|在|的|是|和|跟|与|及|把|已|昨|今天|今年|今早|今晚|明天|明早|后天|上周|上午|下午|上个?月|下周|周[一二三四五六日]|星期|刚|发|给|负责|电话|手机|身份证|护照|邮箱|地址|账号|卡号|工号|学号|生日|病历|去|来|住|也|都|还|没|不|会|要|想|又|就|被|让|从|于|因|他|她|先生|女士|小姐|老师|同学|医生|经理|主任|总|教授|律师|护士|男|女|你|吗|呢|吧|了|一家|家|这|那|正|将|签|提|写|做|催|持股|持有|负|请|找|欠|借|患|确诊|住院|出院|出生|生于|毕业|入职|离职|辞职|迟到|缺勤|转账|付款|汇款|打|拿|带|收|买|送|到|约|同意|表示|认为|反映|申请|报销|预订|入住|乘坐|考|得|有|能|可以|应该|需要|最近|目前|现在|现年|同志|本人|主持|主讲|主刀|等|[0-9]|$)/;
const titleAfter =
  /^\s?(?:先生|女士|小姐|老师|同学|医生|经理|主任|教授|律师|护士|同志|身份证|手机|电话|男|女|[,(]?\s?[男女][,、)\s])/;
/** An author, a ruler, a work: the name is public. */
const publicBefore =
  /(?:诗人|作家|词人|文学家|哲学家|思想家|皇帝|总统|首相|主席|总理|科学家|物理学家|数学家|化学家|画家|书法家|音乐家|作曲家|歌手|歌星|演员|影星|影帝|影后|明星|球星|球员|运动员|冠军|导演|主持人|企业家|创始人|将军|元帅|名将|名医|烈士|院士|古代|唐代|宋代|明代|清代|元代|汉代|晋代|东汉|西汉|三国|南宋|北宋|唐朝|宋朝|明朝|清朝|民国|角色|主角|男主|女主|虚构|示例|例如|假设|比如|英雄|作者|译者|饰演|扮演|公司|品牌|集团)[:"\s是叫,]{0,2}$/;
const publicAfter =
  /^\s?(?:总理|总统|主席|总书记|皇帝|将军|院士|的?《|主演|执导|饰演|等人?著|著(?!急)|的诗|的词|的小说|传(?![染来给说了过])|纪念馆|故居|定理|定律|路(?![上过])|街|镇|村|县|市|省|区|山|河|湖|江|岛|桥|寺|庙|公司|集团|大学|学院|中学|小学|医院|牌|店(?!长)|杯|奖(?!学|金)|银行|股份|科技)/;

/** Where none of the words of `actAfter` and `titleAfter` can begin, they need not be tried. */
const mayFollow = new Set(Array.from(actAfter.source + titleAfter.source, (character) => character.charCodeAt(0)));

const isHan = (code: number): boolean => code >= 0x4e00 && code <= 0x9fff;

/** Words that parents give as names; in a plain surname's company and with both sides for it they are one. */
const wordsAsGiven = new Set(
  '和平 平安 胜利 有才 国庆 光荣 海洋 永远 成功 成才 自强 长江 阳光 晨光 援朝 跃进 卫国 解放 建军 红军 红旗 爱国 爱民 爱华 立新 新华 新民 新生 春生 冬生 秋生 小满 立夏 立秋 清明 白露 夏至 吉祥 如意 安康 健康 富贵 团结 友谊 建设 文明 文化 文学 天才 春天 秋天 冬天 星星 月亮 未来 明天 明白 自然 清楚 可爱 天空 大海 山水 石头 花园 学文 学习 小雪 大雪 冬至'.split(
    ' ',
  ),
);

/** Words that end in a surname, where their first character would announce a name: 为 in 为何, 分 in 分钟. */
const wordsThatEndSo = new Set(
  '为何 如何 任何 几何 奈何 缘何 其余 剩余 业余 多余 只余 也许 或许 许许 不许 允许 准许 少许 些许 只许 对付 支付 应付 交付 设施 措施 实施 号施 健康 安康 小康 俄罗 星罗 张罗 比武 一段 阶段 手段 片段 地段 时段 比喻 生肖 耿耿 恭贺 祝贺 庆贺 分钟 分管 分成 写成 分解 和解 见解 了解 被单 对方 对应 接应 接管 接任 转任 转向 同时 同乐 同安 请安 只管 约莫 日常 月白 年华 日程 点石 点金 点单 爱车 叫车 救车 查车 随车 由于 在于 见于 对于 关于 等于 终于 至于 属于 位于 号楼 号院 号车 号房 号门 号店 分店 向南 向东 向北 向西 向前 被动 把关 系关 年关 将关 比方 的方 和方 与方 冉冉 随时 按时 和时 比时 被子 是非 是否 像素 像章 和谐 和蔼 同步 年代 年度 年金 的金 月金 随便 约定 约束 追查 救济 救护 比较 比率 比例 接触 接近 接待 接送 转换 转变 转移 除非 除夕 除法 连忙 连续 爱好 爱心 爱情 爱国 骂名 追求 追究 追踪 抓紧 骗局 骗子'.split(
    ' ',
  ),
);

type Candidate = { start: number; end: number; score: number };

/** 刚 before a verb is an adverb (张伟刚到); inside a name, or at the end of one, it is a part of it (徐瑶刚,). */
function isNameGang(text: string, index: number, end: number): boolean {
  return text[index] === '刚' && (index + 1 < end || !isHan(text.charCodeAt(end)));
}

/** A ruler by the name of a temple: 唐玄宗, 明太祖, 汉武帝. */
const ruler =
  /^(?:[唐宋明元金辽清后周](?:[高太中睿玄肃代德顺宪穆敬文武宣懿僖昭哀真仁英神哲徽钦孝光宁理度恭成景思圣世][宗祖])|[汉魏晋隋梁][文武景昭宣元成哀平明章和安顺桓灵献炀]帝)$/;
const isPublicName = (name: string): boolean => famousChinese.has(name) || ruler.test(name);

function givenScore(text: string, from: number, length: 1 | 2): number | undefined {
  let score = 0;
  for (let index = from; index < from + length; index++) {
    const code = text.charCodeAt(index);
    if (!isHan(code) || (neverGiven.has(code) && !isNameGang(text, index, from + length))) return undefined;
    score += givenWeights.get(code) ?? -1.2;
  }
  return score;
}

/** Context weights on the left of a name; undefined where it cannot be a name. */
function leftScore(text: string, start: number, weight: number): number | undefined {
  if (start === 0) return 0.8;
  const code = text.charCodeAt(start - 1);
  const before = text.slice(Math.max(0, start - 9), start);
  if (publicBefore.test(before)) return undefined;
  if (roleBefore.test(before)) return 2.2;
  if (cueBefore.test(before)) return isHan(code) ? (weight < 1 ? 0.3 : 0.7) : 0.8;
  if (!isHan(code)) return code === 32 ? 0.8 : 0;
  // 小王明…, 老李…, 姓张的.
  if ('小老阿姓'.includes(text[start - 1] ?? '')) return undefined;
  return weight >= 2 ? -0.6 : weight >= 1.5 ? -1.5 : -2.2;
}

function rightScore(text: string, end: number): number | undefined {
  const after = text.slice(end, end + 6);
  if (publicAfter.test(after)) return undefined;
  const code = text.charCodeAt(end);
  if (isHan(code) && !mayFollow.has(code)) return -0.7;
  if (titleAfter.test(after)) return 1.3;
  if (actAfter.test(after)) return 0.8;
  return isHan(code) ? -0.7 : 0.5;
}

function beginsWord(text: string, at: number): boolean {
  const word = text.slice(at, at + 2);
  return notGivenPairs.has(word) || wordsLikeNames.has(word);
}

function candidate(
  text: string,
  start: number,
  surnameLength: 1 | 2,
  weight: number,
  given: 1 | 2,
  left: number,
): Candidate | undefined {
  const from = start + surnameLength;
  const end = from + given;
  if (end > text.length) return undefined;
  const base = givenScore(text, from, given);
  if (base === undefined) return undefined;
  // The last character begins a word with the next one: 张伟明天来.
  if (given === 2 && beginsWord(text, end - 1)) return undefined;
  if (given === 1 && notGivenPairs.has(text.slice(from, from + 2))) return undefined;
  if (isPublicName(text.slice(start, end))) return undefined;
  const right = rightScore(text, end);
  if (right === undefined) return undefined;
  // Two characters prove little: both sides have to agree, or one of them strongly.
  if (given === 1 && surnameLength === 1 && (left < 0.7 || right < 0.5) && left < 2) return undefined;
  if (given === 2 && notGivenPairs.has(text.slice(from, end)) && (left < 0.7 || right < 0.8)) return undefined;
  // A weak surname needs a role or a strong given name.
  if (weight === 0 && left < 0.7) return undefined;
  if (weight < 0 && (left < 0.7 || right < 0.8 || (given === 1 && left < 2))) return undefined;
  const known = givenWeights.has(text.charCodeAt(from)) && givenWeights.has(text.charCodeAt(end - 1));
  if (!known && weight < 2 && left < 2) return undefined;
  // 朱红梅 begins as a word does: it takes a plain surname, a plain end and both sides.
  const likeWord = surnameLength === 1 && wordsLikeNames.has(text.slice(start, start + 2));
  if (
    likeWord &&
    (given === 1 ||
      weight < 1.5 ||
      left < 0.7 ||
      right < 0.8 ||
      (givenWeights.get(text.charCodeAt(end - 1)) ?? 0) < 1.6)
  )
    return undefined;
  const whole = given === 2 && surnameLength === 1 && base >= 3 ? 0.3 : 0;
  // Alone between punctuation, as in a list of those present.
  const alone = given === 1 && base >= 1.6 && left >= 0.8 && right >= 0.8 && !isHan(text.charCodeAt(end)) ? 0.4 : 0;
  return { start, end, score: weight + base + left + right + whole + alone };
}

/** Best reading of the surname at `start`, if any reading is good enough. */
function nameAt(text: string, start: number): Candidate | undefined {
  const isDouble = doubleSurnameList.has(text.slice(start, start + 2));
  const weight = isDouble
    ? weakDoubleSurnames.has(text.slice(start, start + 2))
      ? 0.9
      : 3
    : surnameWeights.get(text.charCodeAt(start));
  if (weight === undefined) return undefined;
  const surnameLength = isDouble ? 2 : 1;
  const next = text.charCodeAt(start + surnameLength);
  // Most places fail here: no character of a name follows, or only a plain surname could bear with it.
  if (!isHan(next) || (weight < 1.6 && !givenWeights.has(next))) return undefined;
  if (neverGiven.has(next) && next !== 0x521a) return undefined;
  if (wordsLikeNames.has(text.slice(start, start + 3))) return undefined;
  if (start > 0 && wordsThatEndSo.has(text.slice(start - 1, start + 1))) return undefined;
  const pair = text.slice(start + surnameLength, start + surnameLength + 2);
  const wordAsGiven = weight >= 1.6 && wordsAsGiven.has(pair);
  if (notGivenPairs.has(pair) && !wordAsGiven) return undefined;
  if (isPublicName(text.slice(start, start + 3)) || famousChinese.has(text.slice(start, start + 4))) return undefined;
  // 柴静怡 is not 柴静, where the third character hardly is anything but a part of a name.
  const famous = famousChinese.has(text.slice(start, start + 2));
  if (
    famous &&
    !((givenWeights.get(text.charCodeAt(start + 2)) ?? 0) >= 1.6 && (rightScore(text, start + 3) ?? 0) >= 0.8)
  )
    return undefined;
  const left = leftScore(text, start, weight);
  if (left === undefined) return undefined;
  const two = candidate(text, start, surnameLength, weight, 2, left);
  const one = wordAsGiven || famous ? undefined : candidate(text, start, surnameLength, weight, 1, left);
  const best = two !== undefined && two.score >= thresholdThree ? two : undefined;
  if (one !== undefined && one.score >= thresholdTwo && (best === undefined || one.score > best.score + 0.6))
    return one;
  return best;
}

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
function nameInSlot(text: string, start: number, anchors: readonly Anchor[]): { end: number } | undefined {
  // 产品经理和项目经理: a conjunction between two words.
  if (text[start] === '和' && isHan(text.charCodeAt(start - 1))) return undefined;
  const isDouble = doubleSurnameList.has(text.slice(start, start + 2));
  if (!isDouble && !slotSurnames.has(text.charCodeAt(start))) return undefined;
  // Most places fail on what follows: nothing ends here, and no key of a form, greeting or verb begins.
  const length = isDouble ? 2 : 1;
  if (!mayEndAt(text, start + length + 1) && !mayEndAt(text, start + length + 2)) return undefined;
  const before = text.slice(Math.max(0, start - 10), start);
  const slot = slotBefore.exec(before);
  if (
    slot === null &&
    start > 0 &&
    isHan(text.charCodeAt(start - 1)) &&
    !cueBefore.test(before) &&
    !occupation.test(before)
  )
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
    const role = slot !== null ? (parted ? 2 : 1) + (form && rightEnd ? 1 : 0) : occupation.test(before) ? 1 : 0;
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

/** One flag for each ideograph that a surname begins with: most text is passed over by it. */
const beginsName = new Uint8Array(0x5200);
for (const name of doubleSurnameList) beginsName[name.charCodeAt(0) - 0x4e00] = 1;
for (const code of [...surnameWeights.keys(), ...slotSurnames]) beginsName[code - 0x4e00] = 1;

/**
 * Full names in Chinese characters in a normalised text, left to right, without overlaps. `anchors` are the places of
 * numbers and addresses found before.
 */
export function chineseNames(text: string, anchors: readonly Anchor[] = []): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (!isHan(code) || beginsName[code - 0x4e00] === 0) continue;
    const name = nameAt(text, index);
    if (name !== undefined) {
      const confidence = Math.min(0.9, 0.55 + 0.08 * (name.score - thresholdThree));
      found.push({ type: 'person-name', start: name.start, end: name.end, confidence, rule: 'name-chinese' });
      index = name.end - 1;
      continue;
    }
    const inSlot = nameInSlot(text, index, anchors);
    if (inSlot === undefined) continue;
    found.push({ type: 'person-name', start: index, end: inSlot.end, confidence: 0.65, rule: 'name-chinese-in-slot' });
    index = inSlot.end - 1;
  }
  return found;
}
