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
      /(?:验证码|驗證碼|校验码|动态码|动态密码|动态口令|短信码|激活码|登录码|确认码|yanzhengma|verification code|security code|one-time (?:code|password|passcode)|login code|auth(?:entication)? code|2fa code|confirmation code|otp)(?![^\n。]{0,4}(?:位|长度|有效))[^\n\d。;?]{0,14}?(?<![\d.])(\d(?:[ -]?\d){3,7})(?![\d.]*\d)(?!\s{0,2}(?:位|个|分钟|秒|次|元|像素|px|min|sec|digit|char|天|小时|条|块|hour|day|年|月))/g,
    confidence: 0.9,
  },
  {
    type: 'verification-code',
    rule: 'verification-code-before',
    hint: /码|code/,
    pattern: /(?<![\d.])(\d{4,8})\s{0,2}(?:是|为|is)\s{0,2}(?:您的|你的|我的|your|my)?[^\n,。.]{0,12}(?:验证码|校验码|动态码|verification code|security code|login code|one-time (?:code|password))/g,
    confidence: 0.9,
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
      /(?:银行(?:账|帐)[号户]|(?:账|帐)户号码|收款(?:账|帐)[号户]|对公(?:账|帐)[号户]|开户行[^\n。]{0,24}?(?:账|帐)[号户]|bank account(?: number| no\.?)?|account (?:number|no\.?)|acct(?: no\.?)?|routing number)(?:码)?[\s:是为#.is]{0,6}(\d(?:[ -]?\d){7,24})(?![\da-z])/g,
    confidence: 0.85,
  },
  {
    type: 'bank-account',
    rule: 'bank-account-near-bank',
    hint: /银行|开户|转账|汇款|[工建农中招交]行/,
    pattern: /(?:账号|帐号|户号)[\s:是为]{0,5}(\d(?:[ -]?\d){8,24})(?![\da-z])/g,
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
    hint: /微信|薇信|v信|vx|wx|wechat|weixin|威信|加v|加我v/,
    pattern:
      /(?:微信(?:号|id)?|薇信号?|威信号?|v信号?|(?<![a-z])(?:vx|wx|wechat|weixin)(?:\s?id|号)?|加我?v)(?:[\s:是为]|is|就是|叫|→|->|➡){1,4}(?!pay|支付|公众|小程序|群|mini|app|official|and|or|for|is|的)([a-z][a-z0-9_-]{5,19}|wxid_[a-z0-9]{8,20})(?![a-z0-9_-])/g,
    confidence: 0.9,
  },
  {
    type: 'messenger-id',
    rule: 'qq-number',
    hint: /qq|扣扣|企鹅号|q号|口口/,
    pattern: /(?:(?<![a-z])qq(?:号码?|number)?|扣扣号?|企鹅号|(?<![a-z])q号|口口号?)(?:[\s:是为]|is|就是|加|→){0,4}([1-9](?:[ -]?\d){4,10})(?![\d.]|\s?(?:元|万|个|人|年|月|位|版))/g,
    confidence: 0.88,
  },
  {
    type: 'messenger-id',
    rule: 'account-name',
    hint: /支付宝|抖音号|小红书号|微博|telegram|whatsapp|instagram|snapchat|line id|skype|discord|支付宝/,
    pattern:
      /(?:支付宝(?:账号|帐号|号)|抖音号|小红书号|微博(?:id|账号|号)|telegram(?: id| handle)?|instagram(?: handle| id)|ig handle|snapchat(?: id)?|line id|skype(?: id| name)|discord(?: id| tag))(?:[\s:是为]|is){1,4}(@?[a-z0-9][a-z0-9._-]{3,29})(?![a-z0-9_-])/g,
    confidence: 0.75,
  },
]; // prettier-ignore

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
  return found;
}
