import type { IdentifierMatch } from '../types.ts';
import { passesLuhn } from './checksums.ts';
import type { DigitWindow } from './digit-windows.ts';
import { labelledValues } from './labelled-value.ts';
import { numberLabel, precededBy, type RuleInput } from './rule-input.ts';

const cardLabel =
  /(?:卡号|[到的我]卡|卡里|卡是|银行卡|储蓄卡|信用卡|借记卡|工资卡|尾号|credit card|debit card|card number|card no|card|yinhangka|kahao|visa|mastercard|amex)[^\n]{0,14}$/;

/** ISO/IEC 7812 issuer ranges with the lengths that each issues. Sources: the networks' published ranges. */
const issuers: { prefix: RegExp; lengths: number[]; rule: string }[] = [
  { prefix: /^62|^81/, lengths: [16, 17, 18, 19], rule: 'bank-card-unionpay' },
  { prefix: /^4/, lengths: [16], rule: 'bank-card-visa' },
  { prefix: /^5[1-5]|^2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)/, lengths: [16], rule: 'bank-card-mastercard' },
  { prefix: /^3[47]/, lengths: [15], rule: 'bank-card-amex' },
  { prefix: /^6011|^64[4-9]|^65/, lengths: [16, 19], rule: 'bank-card-discover' },
  { prefix: /^35(?:2[89]|[3-8])/, lengths: [16], rule: 'bank-card-jcb' },
  { prefix: /^3(?:0[0-5]|[689])/, lengths: [14], rule: 'bank-card-diners' },
  // Mainland debit cards issued before the 62 range: ICBC 9558, ABC 103, CMB 6090xx and 9988, BOC 6013, and others.
  { prefix: /^9558|^103|^60(?:13|14|34|90)|^68|^69(?:07|0755)|^9400|^9843|^9666|^9988|^4367/, lengths: [16, 17, 18, 19], rule: 'bank-card-cn' },
]; // prettier-ignore

const bankWords =
  /(?:银行|汇丰|恒生|渣打|中银|东亚|花旗|(?<![a-z])(?:chase|hsbc|barclays|lloyds|natwest|santander|monzo|dbs|posb|ocbc|uob|citi|wells fargo|rbc|scotia|westpac|commbank)(?![a-z])|支行|分行|信用社|农商|邮储|[工建农中招交]行|开户|户头|存折|折子|打款|汇款|转账|汇到|打到|打进|转到|收款|退款|工资卡|社保卡|beneficiary|iban|swift|bic|bank|wire|transfer|a\/c|acc(?:oun)?t)[^。;]{0,30}$/;
const notAnAccount =
  /(?:流水|订单|编号|单号|票号|热线|客服|电话|手机|传真|税号|金额|余额|额度|代码|邮编|身份证|证件|工号|时间|日期)[^\d。;]{0,8}$/;

/** 6013820800098765432是中行的, 往75592818776883856汇三万. */
const bankBehind =
  /^\s?(?:这?个?(?:账户|户头|卡))?(?:里|上)?(?:汇|转|打|存)(?:入|了|进)?\s?[\d一二两三四五六七八九十]|^[\s,(]{0,2}(?:这?张?是|\()?(?:中国|上海|北京|民生|浦发|光大)?[工建农中招交]?(?:商|设|业|国|通)?(?:银行|行|邮储|农商|信用社)(?:的|卡(?!号)|账户|[),。\s]|$)/;

/** The number that stands behind the name of a bank or a word for paying, without a checksum to go by. */
export function accountNearBank(window: DigitWindow, input: RuleInput): IdentifierMatch | undefined {
  const { digits, start, end } = window;
  if (!input.mentionsBank || digits.length < 9 || window.fraction || window.decimal) return undefined;
  // Branch, kind, number and check digit parted by dashes.
  const dashed = /^-+$/.test(window.separators);
  if ((window.shape === 'irregular' || digits.length < 10) && !dashed) return undefined;
  if (window.shape !== 'whole' && !window.bounded) return undefined;
  if (/^1[3-9]\d{9}$|^0\d{9,11}$|^(?:19|20)\d\d(?:0[1-9]|1[0-2])|^(\d)\1+$/.test(digits)) return undefined;
  const near =
    precededBy(input.lower, start, 46, bankWords) ||
    (digits.length >= 15 && bankBehind.test(input.lower.slice(end, end + 16)));
  if (!near || precededBy(input.lower, start, 20, notAnAccount)) return undefined;
  if (precededBy(input.lower, start, 20, numberLabel) || /[a-z_.¥$+]/.test(input.lower[start - 1] ?? ''))
    return undefined;
  if (/^(?:\s?(?:元|块|万|%)|[a-z_])/.test(input.lower.slice(end, end + 3))) return undefined;
  return { type: 'bank-account', start, end, confidence: 0.6, rule: 'bank-account-near-word' };
}

const bankInitials = /(?<![a-z])(?:icbc|abc|boc|ccb|cmb|bcm|psbc|cmbc|spdb|citic|ceb|cgb|pab|hxb)$/;

/** Bank and credit cards: the issuer's range, the length, and the Luhn digit. */
export function bankCard(window: DigitWindow, input: RuleInput): IdentifierMatch | undefined {
  const { digits, start, end } = window;
  if (digits.length < 14 || !passesLuhn(digits) || window.fraction || window.decimal || /^(\d)\1*$/.test(digits))
    return undefined;
  const labelled = precededBy(input.lower, start, 28, cardLabel);
  const issuer = issuers.find(({ prefix, lengths }) => lengths.includes(digits.length) && prefix.test(digits));
  if (issuer === undefined) {
    // A labelled number with the right checksum is a card of an issuer that this list does not know.
    return labelled && digits.length >= 15 && window.shape !== 'irregular'
      ? { type: 'bank-card', start, end, confidence: 0.85, rule: 'bank-card-labelled' }
      : undefined;
  }
  // A tenth of all numbers pass Luhn, so an unlabelled one has to be written as one number.
  if (!labelled && window.shape !== 'whole' && !window.bounded) return undefined;
  if (!labelled && precededBy(input.lower, start, 20, numberLabel)) return undefined;
  if (/[a-z_]/.test(input.lower[start - 1] ?? '') && !labelled && !precededBy(input.lower, start, 6, bankInitials))
    return undefined;
  if (/^[a-wyz_]/.test(input.lower.slice(end, end + 1))) return undefined;
  return { type: 'bank-card', start, end, confidence: labelled ? 0.99 : 0.9, rule: issuer.rule };
}

/** The three or four digits on the back of a card. */
export const cardSecurityCode = labelledValues([
  {
    type: 'bank-card',
    rule: 'card-security-code',
    confidence: 0.85,
    hint: /cvv|cvc|cvn|安全码|security code/,
    label:
      '(?<![a-z])(?:cvv2?|cvc2?|cvn2?)(?![a-z])|(?:卡片?|背面|信用卡)?(?:的|后面的?|背面的?)?(?:三位)?安全码|(?:card )?security code(?: on (?:the|my)? ?(?:back|card))?',
    value: '\\d{3,4}(?!\\d|\\s?(?:位|digit))',
  },
]);
