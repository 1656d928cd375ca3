import { famousChinese } from './famous-names.ts';
import { charactersOf, WordBeginnings } from './word-beginnings.ts';

/** What stands on both sides of a Chinese name: roles, verbs, signs, titles, and what makes a name a public one. */
const roleBefore =
  /(?:合伙人|同桌|搭档|队友|自称|报销人|抄送|产妇|孕妇|男方|女方|借到|拟?录用|授权|挂失人|打[人的]+叫?|受害人|被害人|肇事者|死者|伤者|逝者|新员工|主播|承租人|出租人|转让人|受让人|考生|嫌犯|房主|卖家|买家|卖方|买方|收款方|付款方|汇款人|报案人|报修人|预约人|记得|认识|[一二三四五六七八九0-9]班|护工|月嫂|保洁|钟点工|工头|骑手|站长|网格员|社工|志愿者|房客|租户|病友|舅妈|姑父|嫂子|伴郎|伴娘|新郎|新娘|班主任|辅导员|导师|教授|牙医|中医|药师|姓名|名字|真名|署名|签名|签字|户名|昵称|户主|车主|机主|事主|失主|物主|业务员|学号|工号|患者|病人|病患|客户|业主|租客|租户|房东|学生|员工|职员|朋友|邻居|室友|闺蜜|同事|同学|老师|医生|大夫|护士|律师|经理|主任|总监|院长|校长|班长|组长|队长|店长|部长|科长|处长|局长|书记|会计|出纳|助理|秘书|顾问|教练|司机|师傅|保姆|阿姨|叔叔|舅舅|姑姑|姨妈|伯伯|老公|老婆|妻子|丈夫|爱人|对象|男友|女友|男朋友|女朋友|前夫|前妻|儿子|女儿|孩子|宝宝|父亲|母亲|爸爸|妈妈|爸|妈|爷爷|奶奶|外公|外婆|公公|婆婆|岳父|岳母|哥哥|姐姐|弟弟|妹妹|表哥|表姐|表弟|表妹|堂哥|堂弟|侄子|侄女|外甥|孙子|孙女|领导|老板|老总|下属|实习生|候选人|应聘者|面试者|申请人|联系人|收件人|收货人|寄件人|发件人|经办人|负责人|审批人|报告人|举报人|投诉人|法人|法定代表人|被告人?|原告|证人|嫌疑人|当事人|委托人|受托人|代理人|监护人|家长|家属|担保人|借款人|出借人|债务人|被保险人|投保人|受益人|持卡人|开户人|乘客|旅客|住户|会员|学员|选手|工程师|产品经理|程序员|设计师|销售|客服|财务|人事|主管|讲师|老乡|战友|网友|女士|先生|党员|村民|居民|乘车人|入住人|订票人|订餐人|主治|主讲|甲方|乙方|丙方)[是叫为,、:"'(\s]{0,2}$/;
/** Signs and characters that announce a name: of speech, of doing something to somebody, and ends of dates. */
const cueCharacters = new Set(
  Array.from(
    '@:,。;!?、"\'(（【[|>\n\t/=-找让给请问写叫是和跟与及在由被对把为将向见替帮按约陪骂催系娶嫁爱恨骂追甩替转接救查欠比除连只同随像陪抓揍骗逮年月日号点分的了劝致今兹就听派选等',
    (character) => character.charCodeAt(0),
  ),
);
const cueWords = new Set(
  '班里 劳烦 有劳 烦请 只要 法院判 没想到 最近 原来 隔壁 对门 对面 发现 投诉 知道 只有 起诉 状告 怀疑 喜欢 讨厌 求助 听说 据说 证明 兹有 今有 现有 收到 护士让 暗恋 相信 担心 拜访 探望 看望 照顾 抚养 举报 曝光 录用 辞退 解雇 表扬 批评 采访 咨询 冒充 替代 找到 还给 卖给 租给 送给 留给 嫁给 介绍 汇给 打给 传给 分给 退给 传达 抄送 请示 汇报 拉黑 屏蔽 得罪 羡慕 佩服 支持 反对 任命 提拔 选举 叮嘱 嘱咐 吩咐 等待 想念 想起 梦见 梦到 查一下 查下 看一下 看下 问一下 问下 改一下 改下 转告 查出 体检 昨晚 今晚 今早 刚刚 看到 遇到 遇见 碰到 见到 通知 告诉 提醒 交给 发给 寄给 转给 感谢 拜托 委托 麻烦 认识 名为 名叫 还有 以及 包括 关于 如果 因为 但是 所以 其中 分别 邀请 祝贺 推荐 昨天 今天 明天 周一 周三 周二 周五 周六 周四 上午 下午 晚上 刚才 已经'.split(
    ' ',
  ),
);

const endsOfCues = charactersOf(new RegExp([...cueWords].join('')));
/** Whether `before` ends in something that a name follows; two blanks at most may stand between. */
export function announces(before: string): boolean {
  let end = before.length;
  while (end > 0 && before.length - end < 2 && /\s/.test(before[end - 1] ?? '')) end--;
  if (end < before.length && (/[0-9\n\t]/.test(before[end - 1] ?? '') || /[\n\t]/.test(before.slice(end)))) return true;
  if (cueCharacters.has(before.charCodeAt(end - 1))) return true;
  if (endsOfCues[before.charCodeAt(end - 1)] === 0) return false;
  return [2, 3, 4].some((length) => cueWords.has(before.slice(Math.max(0, end - length), end)));
}
export const actAfter =
  /^\s?(?:审批|签收|肯|卷款|可能|情绪|交[来给了]|缴|[一二三四五六七八九十两几百千万][块元千百万十]|一起|老人|大爷|大妈|大叔|阿姨|奶奶|爷爷|叔叔|大[哥姐]|骗|偷|抢|占|跳槽|挂了|挂科|出轨|出国|出差|出事|提出|提议|手术|手机|突然|喝[多醉]|系我|系本|至今|一直|居然|竟|总|老[是爱说跟找家]|经常|常[常说来]|偶尔|从[来不]|失[业恋联眠约踪]|空腹|上[班学个]|下[班岗台]|移民|态度|脾气|性格|为人|说话|做[的了事]|户口|房[子间]|接[替手了到]|结[婚过了]|离[婚异开了过]|分[手到了]|怀[孕了上]|生[病了下孩气]|过[来去世敏生]|闹|吵|举报|投诉|起诉|批评|升[职了到]|晋升|调[岗到去来]|转[正学院来走让给发]|退[休学伍了货]|旷|加[班了我入]|值[班日]|替|代[表替我]|帮|陪|追|嫌|怕|怨|夸|劝|逼|求|催|躲|躺|摔|撞|跌|晕|昏|吐|哭|笑[了着我话]|疯|死|受[伤了不]|骨折|中风|发[烧现火病来错了的]|感染|化疗|透析|瘫|戒|吸[毒烟]|酗|赌|炒|贷|赔|垫|捐|继承|名下|账户|工资|奖金|社保|绩效|成绩|排名|学籍|档案|简历|合同|论文|作业|试卷|爸|妈|老公|老婆|丈夫|妻子|对象|女儿|儿子|孩子|全家|拉[我黑到了着入进]|学[了过习会]|改[了成名简]|喊|骂|揍|踢|咬|抱|亲[了我]|吻|牵|睡|醒|胖|瘦|长[得胖高]|矮|丑|帅|漂亮|人[品很挺不]|太|很|真|特别|挺|比[我你他她较]|随|仍|却|只|仅|承认|否认|坚持|拒绝|答应|愿|打算|准备|决定|希望|怀疑|喜欢|讨厌|爱上|恨|暗恋|获|荣获|当选|担任|兼任|接任|到场|缺席|参加|出席|发言|补充|总结|汇报|强调|指出|建议|提醒|询问|回[来家国复答]|返|抵达|开[车的了会除]|骑|走[了路]|跑|跳[楼水]|穿|戴|养|教[我的书]|看[了到过我病]|听|见|遇|碰|吃|喝|抽|玩|花[了钱]|存|租|卖|修|装|搬|丢|捡|弄|搞|爬山?|滑|钓|逛|聚|碰头|知道|认识|明白|清楚|记得|忘[了记]|涉嫌|犯|违|触|遭|结婚|3\d|[,。;!?、"')）】\]|<\n\t/:@(（=-]|说|讲|问|告诉|在|的|是|和|跟|与|及|把|已|昨|今天|今年|今早|今晚|明天|明早|后天|上周|上午|下午|上个?月|下周|周[一二三四五六日]|星期|刚|发|给|负责|电话|手机|身份证|护照|邮箱|地址|账号|卡号|工号|学号|生日|病历|去|来|住|也|都|还|没|不|会|要|想|又|就|被|让|从|于|因|他|她|先生|女士|小姐|老师|同学|医生|经理|主任|总|教授|律师|护士|男|女|你|吗|呢|吧|了|一家|家|这|那|正|将|签|提|写|做|催|持股|持有|负|请|找|欠|借|患|确诊|住院|出院|出生|生于|毕业|入职|离职|辞职|迟到|缺勤|转账|付款|汇款|打|拿|带|收|买|送|到|约|同意|表示|认为|反映|申请|报销|预订|入住|乘坐|考|得|有|能|可以|应该|需要|最近|目前|现在|现年|同志|本人|主持|主讲|主刀|等|[0-9]|$)/;
const titleAfter =
  /^\s?(?:先生|女士|小姐|老师|同学|医生|经理|主任|教授|律师|护士|同志|身份证|手机|电话|男|女|[,(]?\s?[男女][,、)\s])/;
/** An author, a ruler, a work: the name is public. */
export const publicBefore =
  /(?:诗人|作家|词人|文学家|哲学家|思想家|皇帝|总统|首相|主席|总理|科学家|物理学家|数学家|化学家|画家|书法家|音乐家|作曲家|歌手|歌星|演员|影星|影帝|影后|明星|球星|球员|运动员|冠军|导演|主持人|企业家|创始人|将军|元帅|名将|名医|烈士|院士|古代|唐代|宋代|明代|清代|元代|汉代|晋代|东汉|西汉|三国|南宋|北宋|唐朝|宋朝|明朝|清朝|民国|角色|主角|男主|女主|虚构|示例|例如|假设|比如|英雄|作者|译者|饰演|扮演|公司|品牌|集团)[:"\s是叫,]{0,2}$/;
export const publicAfter =
  /^\s?(?:总理|总统|主席|总书记|皇帝|将军|院士|的?《|主演|执导|饰演|等人?著|著(?!急)|的诗|的词|的小说|传(?![染来给说了过])|纪念馆|故居|定理|定律|路(?![上过])|街|镇|村|县|市|省|区|山|河|湖|江|岛|桥|寺|庙|公司|集团|大学|学院|中学|小学|医院|牌|店(?!长)|杯|奖(?!学|金)|银行|股份|科技)/;

/** Where none of the words of `actAfter` and `titleAfter` can begin, they need not be tried. */
const mayFollow = new Set(Array.from(actAfter.source + titleAfter.source, (character) => character.charCodeAt(0)));

export const isHan = (code: number): boolean => code >= 0x4e00 && code <= 0x9fff;

const endsOfPublic = charactersOf(publicBefore);
const endsOfRoles = charactersOf(roleBefore);

/** Context weights on the left of a name; undefined where it cannot be a name. */
export function leftScore(text: string, start: number, weight: number): number | undefined {
  if (start === 0) return 0.8;
  const code = text.charCodeAt(start - 1);
  const before = text.slice(Math.max(0, start - 9), start);
  if (endsOfPublic[code] === 1 && publicBefore.test(before)) return undefined;
  if (endsOfRoles[code] === 1 && roleBefore.test(before)) return 2.2;
  if (announces(before)) return isHan(code) ? (weight < 1 ? 0.3 : 0.7) : 0.8;
  if (!isHan(code)) return code === 32 ? 0.8 : 0;
  // 小王明…, 老李…, 姓张的.
  if ('小老阿姓'.includes(text[start - 1] ?? '')) return undefined;
  return weight >= 2 ? -0.1 : weight >= 1.5 ? -0.7 : -2.2;
}

export function rightScore(text: string, end: number): number | undefined {
  const after = text.slice(end, end + 6);
  if (publicAfter.test(after)) return undefined;
  const code = text.charCodeAt(end);
  if (isHan(code) && !mayFollow.has(code)) return -0.4;
  if (titleAfter.test(after)) return 1.3;
  if (actAfter.test(after)) return 0.8;
  return isHan(code) ? -0.4 : 0.5;
}

/** 来 begins given names such as 来福. 刚 before a verb is an adverb (张伟刚到); inside a name, or at the end of one, it is a part of it (徐瑶刚,). */
export function isNameGang(text: string, index: number, end: number): boolean {
  if (text[index] === '来') return index + 1 < end && '福喜旺顺宝娣弟庆运'.includes(text[index + 1] ?? ' ');
  return text[index] === '刚' && (index + 1 < end || !isHan(text.charCodeAt(end)));
}

/** A ruler by the name of a temple: 唐玄宗, 明太祖, 汉武帝. */
const ruler =
  /^(?:[唐宋明元金辽清后周](?:[高太中睿玄肃代德顺宪穆敬文武宣懿僖昭哀真仁英神哲徽钦孝光宁理度恭成景思圣世][宗祖])|[汉魏晋隋梁][文武景昭宣元成哀平明章和安顺桓灵献炀]帝)$/;

const rulers = Array.from('唐宋明元金辽清后周', (dynasty) =>
  Array.from('高太中睿玄肃代德顺宪穆敬文武宣懿僖昭哀真仁英神哲徽钦孝光宁理度恭成景思圣世', (title) => dynasty + title),
).flat();
const emperors = Array.from('汉魏晋隋梁', (dynasty) =>
  Array.from('武文景昭宣元成哀平明章和安顺桓灵献炀', (title) => dynasty + title),
).flat();
const publicBeginnings = new WordBeginnings([...famousChinese, ...rulers, ...emperors]);

/** Whether a public name may begin at a place of a text. */
export const mayBePublic = (text: string, at: number): boolean => publicBeginnings.mayBegin(text, at);
export const isPublicName = (name: string): boolean =>
  mayBePublic(name, 0) && (famousChinese.has(name) || ruler.test(name));
