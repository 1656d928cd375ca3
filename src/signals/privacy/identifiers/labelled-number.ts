import type { IdentifierMatch, IdentifierType } from '../types.ts';
import type { RuleInput } from './rule-input.ts';

/** Numbers that only their label makes personal. The value is the first capturing group. */
type Labelled = { type: IdentifierType; rule: string; hint: RegExp; pattern: RegExp; confidence: number };

const rules: Labelled[] = [
  {
    type: 'verification-code',
    rule: 'verification-code',
    hint: /码|口令|code|otp|yanzhengma/,
    pattern:
      /(?:验证码|驗證碼|校验码|动态码|动态密码|动态口令|短信码|激活码|登录码|确认码|yanzhengma|verification code|security code|one-time (?:code|password|passcode)|login code|auth(?:entication)? code|2fa code|confirmation code|otp|取件码|提货码|核销码|入场码|会议码|解锁码|授权码|passcode|pass code|access code|pin code|code (?:is|was|i got|they sent|you sent|from the (?:bank|text)))(?![^\n。]{0,4}(?:位|长度|有效))[^\n\d。;?]{0,14}?(?<![\d.])(\d(?:[ -]?\d){3,7})(?![\d.]*\d)(?!\s{0,2}(?:位|个|分钟|秒|次|元|像素|px|min|sec|digit|char|天|小时|条|块|hour|day|年|月))/g,
    confidence: 0.9,
  },
  {
    type: 'verification-code',
    rule: 'verification-code-before',
    hint: /码|code/,
    pattern: /(?<![\d.])(\d{4,8})\s{0,2}(?:是|为|is)\s{0,2}(?:您的|你的|我的|your|my)?[^\n,。.]{0,12}(?:验证码|校验码|动态码|短信码|登录码|取件码|verification code|security code|login code|one-time (?:code|password))/g,
    confidence: 0.9,
  },
  {
    type: 'verification-code',
    rule: 'verification-code-told',
    hint: /短信|收到|发来|发过来|code/,
    pattern:
      /(?:(?:短信|收到|发来|发过来|发给我)[^\n\d。;]{0,10}(?:数字|那串|六位|四位|码)[^\n\d。;]{0,6}|(?<!error |zip |postal |area |status |country |source |exit |promo |discount |qr |bar|dress |postcode )\bcode\b[:\s]{1,3}(?:is |was )?)(?<![\d.])(\d{4,8})(?![\d.]*\d|\s{0,2}(?:位|个|元|error|not found))/g,
    confidence: 0.65,
  },
  {
    type: 'medical-record',
    rule: 'medical-record-number',
    hint: /病|住院|门诊|就诊|诊疗|检查|mrn|medical|patient|hospital|处方/,
    pattern:
      /(?:病历号?|病案号|住院号|门诊号|就诊卡号?|诊疗卡号?|就诊号|检查单?号|处方号|病人id|患者id|patient (?:id|no\.?|number)|medical record(?: number| no\.?)?|mrn|hospital number)(?:码)?[\s:是为#.is]{0,6}([a-z]{0,4}-?\d(?:[ -]?[\da-z]){3,17})(?![a-z\d])/g,
    confidence: 0.93,
  },
  {
    type: 'social-insurance',
    rule: 'social-insurance-number',
    hint: /社保|医保|社会保|公积金|insurance|medicare|nhs|nino/,
    pattern:
      /(?:社保(?:卡|账|帐)?号?|医保(?:卡|账|帐)?号?|社会保障(?:卡)?号?|公积金(?:账|帐)?号?|养老保险号?|保单号|medicare(?: number| no\.?)?|nhs(?: number| no\.?)?|national insurance(?: number| no\.?)?|insurance (?:id|number|no\.?|policy number)|policy number)(?:码)?[\s:是为#.is]{0,6}([a-z]{0,3}-?\d(?:[ -]?[\da-z]){5,19})(?![a-z\d])/g,
    confidence: 0.9,
  },
  {
    type: 'bank-account',
    rule: 'bank-account-number',
    hint: /账号|帐号|账户|帐户|account|routing|sort code|开户/,
    pattern:
      /(?:银行(?:账|帐)[号户]|(?:账|帐)户号码|收款(?:账|帐)[号户]|对公(?:账|帐)[号户]|开户行[^\n。]{0,24}?(?:账|帐)[号户]|bank account(?: number| no\.?)?|account (?:number|no\.?)|acct(?: no\.?)?|routing number|sort code|存折号?|对公户|公户|收款户|工资户)(?:码)?[^\d\n。;?]{0,8}?[\s:是为#.is]{0,6}(\d(?:[\s-]{0,2}\d){7,24})(?![\da-z])/g,
    confidence: 0.85,
  },
  {
    type: 'bank-account',
    rule: 'bank-account-near-bank',
    hint: /银行|开户|转账|汇款|打款|收款|工资|退款|信用社|支行|bank|transfer|sort code|[工建农中招交]行/,
    pattern: /(?:账号|帐号|户号|账户|帐户|account)[^\d\n。;?]{0,10}?(\d(?:[\s-]{0,2}\d){7,24})(?![\da-z])/g,
    confidence: 0.8,
  },
  {
    type: 'bank-card',
    rule: 'card-security-code',
    hint: /cvv|cvc|cvn|安全码/,
    pattern: /(?:cvv2?|cvc2?|cvn2?|安全码)[\s:是为is]{0,5}(\d{3,4})(?!\d)/g,
    confidence: 0.85,
  },
  {
    type: 'messenger-id',
    rule: 'wechat-id',
    hint: /微信|薇信|v信|vx|wx|wechat|weixin|威信|加v|加我v|v:|v是/,
    pattern:
      /(?:微信(?:号|id)?|薇信号?|威信号?|v信号?|(?<![a-z])(?:vx|wx|wechat|weixin)(?:\s?id|号)?|加我?v|(?<![a-z])v)(?:[\s:是为,]|is|就是|叫|换成了?|改成了?|我的|加我|搜|→|->|➡|\(){1,5}(?!pay|支付|公众|小程序|群|mini|app|official|and|or|for|is|的)([a-z][a-z0-9_-]{5,19}|wxid_[a-z0-9]{8,20})(?![a-z0-9_-])/g,
    confidence: 0.9,
  },
  {
    type: 'messenger-id',
    rule: 'qq-number',
    hint: /qq|扣扣|企鹅|q号|口口/,
    pattern: /(?:(?<![a-z])qq(?:号码?|number)?|扣扣号?|企鹅号?|(?<![a-z])q号|口口号?)(?:[\s:是为,]|is|就是|加我?|换成了?|搜|找我|群?里?我是|→){0,4}([1-9](?:[ -]?\d){4,10})(?![\d.]|\s?(?:元|万|个|人|年|月|位|版))/g,
    confidence: 0.88,
  },
  {
    type: 'messenger-id',
    rule: 'account-name',
    hint: /支付宝|抖音|快手|小红书|微博|b站|钉钉|飞书|telegram|whatsapp|instagram|insta|snapchat|line|skype|discord|signal|kakao|wechat|微信/,
    pattern:
      /(?:(?:支付宝|抖音|快手|小红书|微博|b站|钉钉|飞书)(?:id|账号|帐号|号)|telegram(?: id| handle| name)?|insta(?:gram)?(?: handle| id| name)?|ig handle|snapchat(?: id)?|line(?: id)?|skype(?: id| name)?|discord(?: id| tag)?|kakao(?:talk)?(?: id)?|(?:my|her|his) wechat(?: id)?)(?:[\s:是为]|is|handle|as|under){1,4}(@?[a-z0-9][a-z0-9._-]{3,29})(?![a-z0-9_-])/g,
    confidence: 0.75,
  },
]; // prettier-ignore

/** A name for a messenger looks like one where somebody gives it away: letters with digits or an underscore. */
const handle = /(?<![a-z0-9@._/:-])[a-z][a-z0-9_-]{5,19}(?![a-z0-9@_/:(]|\.[a-z0-9])/g;
const messengerWords =
  /微信|薇信|绿泡泡|加微|加v|(?<![a-z])(?:vx|wx|wechat|weixin|qq)(?![a-z])|扣扣|telegram|instagram|snapchat|discord|抖音|小红书/;
const givesAway = /加|我|他|她|搜|找|联系|好友|发|\b(?:my|me|add|find|contact|reach|his|her|text|message)\b/;
const productName =
  /^(?:iphone|android|windows|python|win|ios|mp|h|utf|sha|md|version|wechat|weixin|mini|sdk|api|http|error|code)[-_]?\d*$|^[a-z]+-\d+(?:-[a-z\d]+)*$/;

function handlesNearby(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  if (!messengerWords.test(input.lower)) return found;
  for (const match of input.lower.matchAll(handle)) {
    const value = match[0];
    if (!/[\d_]/.test(value) || productName.test(value)) continue;
    const end = match.index + value.length;
    const around = `${input.lower.slice(Math.max(0, match.index - 24), match.index)} ${input.lower.slice(end, end + 16)}`;
    if (!messengerWords.test(around) || !givesAway.test(around)) continue;
    found.push({ type: 'messenger-id', start: match.index, end, confidence: 0.65, rule: 'handle-nearby' });
  }
  for (const match of input.lower.matchAll(
    /(?:(?<![a-z])qq(?![a-z])|扣扣|企鹅)[^\d\n。;]{0,12}([1-9](?:[ -]?\d){5,10})(?![\d.]|\s?(?:元|万|个|人|年|月|位|版))/g,
  )) {
    const value = match[1] ?? '';
    const end = match.index + match[0].length;
    if (!/(?:音乐|浏览器|空间|版本|群|端口|飞车|热线|客服)[^\d]{0,8}$/.test(match[0].slice(0, -value.length)))
      found.push({ type: 'messenger-id', start: end - value.length, end, confidence: 0.7, rule: 'qq-number' });
  }
  return found;
}

/** Words that fill the place of a value in ordinary sentences. */
const ordinaryWord =
  /^@?(?:account|number|users?|group|bot|channel|login|messages?|support|please|which|where|there|should|premium|developer|business)$/;

/** Verification codes, medical records, insurance and account numbers, messenger names. */
export function labelledNumber(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  for (const { type, rule, hint, pattern, confidence } of rules) {
    if (!hint.test(input.lower)) continue;
    for (const match of input.lower.matchAll(pattern)) {
      const value = match[1] ?? '';
      if (ordinaryWord.test(value) || (type === 'messenger-id' && rule === 'account-name' && !/[\d@_.]/.test(value)))
        continue;
      const start = match.index + match[0].indexOf(value);
      found.push({ type, start, end: start + value.length, confidence, rule });
    }
  }
  found.push(...handlesNearby(input));
  return found;
}
