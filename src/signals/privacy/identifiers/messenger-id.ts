import type { IdentifierMatch } from '../types.ts';
import { digitCount, labelledValues } from './labelled-value.ts';
import { holds, matchesIn, precededBy, type RuleInput } from './rule-input.ts';

/** Words that fill the place of a value in ordinary sentences, settings and code. */
const ordinaryWord =
  /^@?(?:accounts?|number|users?|username|group|bot|channel|login|logout|messages?|support|please|which|where|there|should|premium|developer|business|official|enabled?|disabled?|string|share|sharing|payment|config|default|client|server|image|status|callback|android|windows|iphone|desktop|official_account|miniprogram|mini_program|public|private|because|before|after|maybe|about|instead|through|without|people|friends?|family|customer|marketing|wechat|weixin|telegram|discord|twitter|instagram|poem\.?)$/;
const technicalName =
  /^(?:iphone|android|windows|python|win|ios|mp|h|utf|sha|md|version|wechat|weixin|mini|sdk|api|http|error|code|v)[-_]?\d*$/;
/** Part numbers look like names too. */
const productName = /^[a-z]+-\d+(?:-[a-z\d]+)*$/;

/** Signs and words between a messenger and a name: 微信❤: , VX👉, 微信号改成了, wechat id =. */
const signs =
  '(?:[^a-z\\d\\u4e00-\\u9fa5\\n@]|[是为係系叫搜的吧哈哦呀啊呢]|\\/?手机同号|同号|全拼|拼音|小写|就是|换成了?|改成了?|改为|我的|加我|用户名|昵称|账号|帐号|名字|(?<=\x27)s(?![a-z])|(?<![a-z])(?:is|id|uid|as|under|at|handle|username|me)(?![a-z])){1,9}';
const maybeSigns = signs.replace('{1,9}', '{0,9}');
const weChatName = '(?:wxid_[a-z0-9]{6,24}|[a-z][a-z0-9_-]{5,19})(?![a-z0-9_:(/-]|@|\\.[a-z0-9])';
const handle = '@?[a-z0-9](?:[a-z0-9_-]|[.#](?=[a-z0-9])){3,31}(?![a-z0-9_(/:-]|@)';
const notWord = (value: string): boolean => !ordinaryWord.test(value) && !technicalName.test(value);
const personal = /我|他|她|加|联系|客户|找|搜|\b(?:my|her|his|add|me|find|mine|reach|contact|dm)\b/;

/** A name on a platform: with a digit or a sign in it, or given away by somebody. */
function isHandle(value: string): boolean {
  return notWord(value) && /[\d_@.#]/.test(value) && !/^\d+(?:\.\d+)+$/.test(value) && !/^(?:19|20)\d\d$/.test(value);
}

/** A line of code or of text, a signal and a thread have numbers too: these need somebody that they belong to. */
function isGivenAway(value: string, { lower }: RuleInput, start: number): boolean {
  const before = lower.slice(Math.max(0, start - 40), start);
  if (value.startsWith('@')) return isHandle(value) && /[\d_.]/.test(value);
  const named = /(?:id|handle|username|user|name|tag|号)[^a-z\d\u4e00-\u9fa5]{0,4}(?:is\s)?$/.test(before);
  if (/^\d+$/.test(value)) return value.length >= 6 && named;
  const ordinary = /(?<![a-z])(?:line|signal|threads?|snap|youtube|github|reddit|twitch)[^a-z]*$|飞机[^a-z]*$/.test(
    before,
  );
  if (ordinary && !personal.test(before) && !/:\s?$/.test(before)) return false;
  return isHandle(value) || (named && personal.test(before) && notWord(value));
}

/** Platforms whose accounts are told by a name or a number of their own. */
const chinesePlatforms =
  '王者|电报|telegram|支付宝|抖音|快手|小红[书薯]|微博|b站|哔哩哔哩|bilibili|知乎|豆瓣|贴吧|闲鱼|淘宝|钉钉|飞书|陌陌|探探|soul|旺旺|企业微信|视频号|虎扑|脉脉|得物|网易云|百度网盘|王者荣耀|原神|和平精英|steam';
/** Shops and devices have accounts too; their names alone lead to goods and models. */
const accountPlatforms = '京东|百度|网易|携程|12306|美团|拼多多|华为|小米|腾讯|游戏';
const chinesePlatformHint = new RegExp(chinesePlatforms);

const byLabel = labelledValues([
  {
    type: 'messenger-id',
    rule: 'wechat-id',
    confidence: 0.9,
    hint: /微信|薇|威.?信|维信|卫星号|v信|vx|wx|wechat|weixin/,
    label:
      '(?:微信|薇信|威.?信|维信|v信)(?:号码?|id|账号|帐号)|卫星号|(?<![a-z])(?:wechat|weixin|wx|vx)[ _-]?(?:id|no|account|number|name|号)',
    value: weChatName,
    between: maybeSigns,
    behind: true,
    accept: notWord,
  },
  {
    type: 'messenger-id',
    rule: 'wechat-id',
    confidence: 0.88,
    hint: /微信|徽信|wei ?xin|w x|薇|威.?信|维信|v信|vx|wx|wechat|weixin|加v|加我 ?v|[+➕]\s?[v微薇]|v\s?(?:[:❤♥)]|💚|👉)|v是|加微|加我微|微我|绿/,
    label:
      '微信|徽信|wei ?xin|加我?w x|薇信?|威.?信|维信|v信|绿泡泡|绿色软件|小?绿标|加我?微|(?<![\\u4e00-\\u9fa5])(?:有事)?微我|(?<![a-z])(?:vx|wx|wechat|weixin)(?![a-z])|(?:加我?|[+➕])\\s?[v微薇]|联系方式\\(?v\\)?|(?<![a-z\\d])v(?=\\s?(?:❤|♥|💚|👉))|(?<![a-z\\d])v(?=[:是\\s]{0,2}[:是])',
    value: `(?!pay|mini|app|official|and|or|for|is|login|sdk|api|share)${weChatName}`,
    between: signs,
    behind: true,
    // A word without digits is a name where somebody gives it away or a key stands before it.
    accept: (value, { lower }, start) =>
      notWord(value) &&
      (/[\d_-]/.test(value) ||
        /[:是为叫"=→>搜拼吧]\s?["'(]?$|\bis $/.test(lower.slice(Math.max(0, start - 4), start)) ||
        /加我?微信\s?$/.test(lower.slice(Math.max(0, start - 6), start))),
  },
  {
    type: 'messenger-id',
    rule: 'qq-number',
    confidence: 0.88,
    hint: /qq|[我她他]的?q|扣|企鹅|q号|口口|球球|加q|方式|联系|(?<![a-z])q:/,
    label:
      '(?<![a-z])qq(?:[ _-]?(?:号码?|number|id))?|扣扣号?|企鹅号?|(?<![a-z])q号|口口号?|球球号?|加我?q|(?:联系方式|联系|方式)[:\\s]?q|(?:加我?|我的?)扣|(?:我的?|她的?|他的?)q(?=\\s?[:是\\d])|(?<![a-z])q(?=[:])|(?<![\\u4e00-\\u9fa5])扣(?=[:\\s]?[1-9]\\d{5})',
    value: '[1-9](?:[ -]?\\d){4,10}(?![\\d.]|\\s?(?:元|块|万|个|人|年|月|位|版|分|%|[a-d](?![a-z])))',
    between: '(?:[\\s:"\'=,>→(]|[是为叫]|is|就是|加我?|换成了?|多少[?]?|搜|找我|群?里?我是){0,5}',
    behind: true,
    accept: (value) => digitCount(value) >= 5,
  },
  {
    type: 'messenger-id',
    rule: 'account-name',
    confidence: 0.85,
    hint: new RegExp(`${chinesePlatforms}|${accountPlatforms}`),
    label: `(?:${chinesePlatforms}|${accountPlatforms})(?:的|上)?\\s?(?:u?id|会员[名号]|旺旺号?|账号|帐号|号码?|昵称|用户名|主页|名字|好友码)`,
    value: handle,
    between: maybeSigns,
    behind: true,
    accept: (value, { lower }, start) =>
      isHandle(value)
        ? !/^\d+$/.test(value) || !/游戏[^\d]{0,8}$/.test(lower.slice(Math.max(0, start - 12), start))
        : /^\d+$/.test(value) && value.length >= 6,
  },
  {
    type: 'messenger-id',
    rule: 'account-name',
    confidence: 0.75,
    hint: chinesePlatformHint,
    label: chinesePlatforms,
    value: handle,
    between: signs,
    accept: (value, { lower }, start) =>
      (/^\d{7,12}$/.test(value)
        ? /[搜号是]\s?:?\s?$/.test(lower.slice(start - 4, start))
        : isHandle(value) && /[a-z]/.test(value)) &&
      value.length >= 6 &&
      (personal.test(lower) || /:\s?$/.test(lower.slice(start - 2, start))),
  },
  {
    type: 'messenger-id',
    rule: 'nickname',
    confidence: 0.7,
    hint: chinesePlatformHint,
    label: `(?:我|他|她|本人|对方|客户)(?:的|在)?\\s?(?:${chinesePlatforms}|微信|qq)(?:的|上)?(?:昵称|用户名|名字|id|号)?`,
    value: '@?[\\u4e00-\\u9fa5a-z\\d]{1,14}(?:[_-][\\u4e00-\\u9fa5a-z\\d]{1,14}){1,3}(?![\\u4e00-\\u9fa5a-z\\d_-])',
    between: '(?:就?[是叫]|[:\\s]){1,4}',
    accept: (value) => /[_\d]/.test(value) && /[\u4e00-\u9fa5]/.test(value),
  },
  {
    type: 'messenger-id',
    rule: 'profile-address',
    confidence: 0.7,
    hint: /\.(?:me|com|app|tv)\//,
    label:
      '(?<![a-z])(?:t|wa|paypal|m|line)\\.me(?:\\/ti\\/p)?|(?:facebook|fb|instagram|twitter|(?<![a-z])x|weibo|tiktok|snapchat|venmo|reddit|pinterest|steamcommunity)\\.com(?:\\/(?:add|u|user|id|profiles))?|linkedin\\.com\\/in|zhihu\\.com\\/people|douban\\.com\\/people|space\\.bilibili\\.com|xiaohongshu\\.com\\/user\\/profile|cash\\.app|twitch\\.tv|bsky\\.app\\/profile',
    value: `\\$?${handle}`,
    between: '\\/[@~]?',
    accept: (value, { lower }, start) =>
      notWord(value) &&
      (/\d|_/.test(value) ||
        /我|(?<![a-z])(?:my|mine|me|her|his)(?![a-z])/.test(lower.slice(Math.max(0, start - 40), start))),
  },
  {
    type: 'messenger-id',
    rule: 'platform-id',
    confidence: 0.8,
    hint: /open_?id|union_?id|(?<![a-z])gt:|zelle|好友码|friend code|gamertag|battletag|战网|riot|psn|steam|venmo|cash ?app|skype|matrix|(?<![a-z])x:/,
    label:
      '(?<![a-z])(?:open|union)_?id(?![a-z])|(?:steam|switch|任天堂|ns)?\\s?好友(?:码|代码)|(?:steam |switch )?friend code|(?:xbox )?(?:gamertag|gt(?=:))|zelle(?:\\/venmo| tag)?|battletag|战网(?:id|账号|号)?|riot id|(?<![a-z])psn(?: ?id)?(?![a-z])|venmo|cash ?app|skype|matrix|(?<![a-z])x(?=:\\s?@)',
    value:
      '(?:sw-\\d{4}-\\d{4}-\\d{4}|[$@]?(?:live:)?\\.?[a-z0-9](?:[a-z0-9_.-]|[#:](?=[a-z0-9])){4,40})(?![a-z0-9_(/])',
    between: maybeSigns,
    behind: true,
    accept: (value) =>
      notWord(value) &&
      (/[\d_]/.test(value) || /^[@$]|live:/.test(value)) &&
      (value.length >= 6 || /[a-z]/.test(value)),
  },
  {
    type: 'messenger-id',
    rule: 'own-username',
    confidence: 0.7,
    hint: /user ?name|handle|screen name|nickname|user id|用户名|昵称|网名|我的?(?:\S{0,4})(?:id|账号|帐号)/,
    label:
      '(?<![a-z])(?:my|her|his)(?: [a-z]{2,12}){0,2} (?:user ?name|handle|screen name|nickname|user id)(?: (?:on|at|for|there)(?: [a-z]{2,12}){0,2})?|(?:我|他|她)(?:的|在)?[^\\n,。;:]{0,8}?(?:用户名|昵称|网名|id|账号|帐号)',
    value: handle,
    between: signs,
    accept: (value) => isHandle(value) && /[a-z]/.test(value) && value.length >= 5,
  },
  {
    type: 'messenger-id',
    rule: 'account-name',
    confidence: 0.8,
    hint: /(?<![a-z])(?:kik|ins)|脸书|linkedin|领英|telegram|reddit|youtube|twitch|tumblr|bluesky|github|(?<![a-z])tg|电报|飞机|insta|(?<![a-z])ig|snap|line|赖|skype|discord|signal|kakao|whatsapp|twitter|推特|facebook|(?<![a-z])fb|viber|zalo|threads|tiktok/,
    label:
      '(?<![a-z])(?:kik|ins)(?![a-z])(?:账号|号|id)?|脸书|linkedin|领英|telegram|reddit|youtube|twitch|tumblr|bluesky|github|(?<![a-z])tg(?![a-z])|电报号?|(?:纸)?飞机号?|insta(?:gram)?|(?<![a-z])ig(?![a-z])|snap(?:chat)?|(?<![a-z-])line(?![a-z])|赖|skype|discord|signal|kakao(?:talk)?|whatsapp|twitter|推特|facebook|(?<![a-z])fb(?![a-z])|viber|zalo|threads|tiktok',
    value: handle,
    between: signs.replace('(?<![a-z])(?:is', '(?<![a-z])(?:name|user|account|number|tag|is'),
    accept: isGivenAway,
  },
]);

/** A name for a messenger looks like one where somebody gives it away: letters with digits or an underscore. */
const nearby = /(?<![a-z0-9@._/:-])[a-z][a-z0-9_-]{5,19}(?![a-z0-9@_/:(]|\.[a-z0-9])/g;
const messengerWords =
  /微信|薇信|绿泡泡|加微|加v|(?<![a-z])(?:vx|wx|wechat|weixin|qq)(?![a-z])|扣扣|telegram|insta|snapchat|discord|抖音|小红书|微博|推特|电报|(?<![a-z])dm(?![a-z])|find me|follow me|message me|reddit|whatsapp/;
const givesAway =
  /还是|号没?[变改]|加|我|他|她|搜|找|联系|好友|发|\b(?:my|me|add|find|contact|reach|his|her|text|message)\b/;

function handlesNearby(input: RuleInput): IdentifierMatch[] {
  const { lower } = input;
  const found: IdentifierMatch[] = [];
  // The ids that WeChat itself gives have a form of their own.
  for (const match of matchesIn(input, /(?<![a-z0-9_])wxid_[a-z0-9]{8,24}(?![a-z0-9_])/g)) {
    if (/^wxid_x+$/.test(match[0]) || precededBy(lower, match.index, 16, /示例|例如|格式|example/)) continue;
    found.push({
      type: 'messenger-id',
      start: match.index,
      end: match.index + match[0].length,
      confidence: 0.9,
      rule: 'wechat-id-given',
    });
  }
  for (const match of matchesIn(input, /(?<![a-z\d_])ou_[a-f\d]{28,36}(?![a-z\d_])/g)) {
    const end = match.index + match[0].length;
    found.push({ type: 'messenger-id', start: match.index, end, confidence: 0.8, rule: 'lark-id' });
  }
  if (!holds(input, messengerWords)) return found;
  // lulu0098(微信), @柠檬不萌_90 behind 微博.
  for (const match of matchesIn(
    input,
    /(?<![a-z\d@._/:-])([a-z][a-z\d_-]{5,19})\s?\(\s?(?:我的?)?(?:微信|薇|vx|wx|wechat|qq|抖音|小红书)|微博[^a-z\d\u4e00-\u9fa5\n]{0,3}@([\u4e00-\u9fa5a-z\d_-]{3,20})|(?:推特|群里我是|我是|dm me|dm|find me|follow me|message me)\s?@([a-z][a-z\d_.]{4,24})|(?<![a-z\d/])u\/([a-z\d_-]{4,20})/g,
  )) {
    const value = match[1] ?? match[2] ?? match[3] ?? match[4] ?? '';
    if (!/[\d_]/.test(value)) continue;
    const start = match.index + match[0].indexOf(value);
    found.push({ type: 'messenger-id', start, end: start + value.length, confidence: 0.7, rule: 'handle-in-brackets' });
  }
  for (const match of matchesIn(
    input,
    /(?<![a-z0-9])@([a-z0-9](?:[a-z0-9_]|\.(?=[a-z0-9])){3,29})\s?(?:(?:on|at|in|over)\s)(?:insta|ig|telegram|twitter|discord|snap|wechat|whatsapp)/g,
  )) {
    const value = match[1] ?? '';
    const start = match.index + 1;
    found.push({ type: 'messenger-id', start, end: start + value.length, confidence: 0.7, rule: 'handle-on-platform' });
  }
  for (const match of matchesIn(input, nearby)) {
    const value = match[0];
    if (!/[\d_]/.test(value) || technicalName.test(value) || productName.test(value)) continue;
    const end = match.index + value.length;
    const around = `${lower.slice(Math.max(0, match.index - 24), match.index)} ${lower.slice(end, end + 16)}`;
    if (!messengerWords.test(around) || !givesAway.test(around)) continue;
    found.push({ type: 'messenger-id', start: match.index, end, confidence: 0.65, rule: 'handle-nearby' });
  }
  for (const match of matchesIn(
    input,
    /(?:(?<![a-z])qq(?![a-z])|扣扣|企鹅)[^\d\n。;]{0,12}([1-9](?:[ -]?\d){5,10})(?![\d.]|\s?(?:元|万|个|人|年|月|位|版))/g,
  )) {
    const value = match[1] ?? '';
    const end = match.index + match[0].length;
    if (!/(?:音乐|浏览器|空间|版本|群|端口|飞车|热线|客服)[^\d]{0,8}$/.test(match[0].slice(0, -value.length)))
      found.push({ type: 'messenger-id', start: end - value.length, end, confidence: 0.7, rule: 'qq-number' });
  }
  return found;
}

/** Names and numbers under which messengers and platforms find a person. */
export const messengerId = (input: RuleInput): IdentifierMatch[] => [...byLabel(input), ...handlesNearby(input)];
