import type { IdentifierMatch } from '../types.ts';
import { passesLuhn } from './checksums.ts';
import type { DigitWindow } from './digit-windows.ts';
import { numberLabel, precededBy, type RuleInput } from './rule-input.ts';

const cardLabel =
  /(?:卡号|卡號|银行卡|储蓄卡|信用卡|借记卡|工资卡|尾号|credit card|debit card|card number|card no|card|yinhangka|kahao|visa|mastercard|amex)[^\n]{0,14}$/;

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
  if (/[a-z_]/.test(input.lower[start - 1] ?? '') && !labelled) return undefined;
  if (/^[a-wyz_]/.test(input.lower.slice(end, end + 1))) return undefined;
  return { type: 'bank-card', start, end, confidence: labelled ? 0.99 : 0.9, rule: issuer.rule };
}
