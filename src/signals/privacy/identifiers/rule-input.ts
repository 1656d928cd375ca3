import type { DigitCluster } from '../digit-clusters.ts';
import type { TextFilter } from '../text-filter.ts';
import type { IdentifierMatch } from '../types.ts';

/** What every rule reads: one normalised text. Offsets in matches are offsets in these strings. */
export type RuleInput = {
  /** Half-width, visible, unescaped; runs of Chinese numerals are ASCII digits. Case kept. */
  text: string;
  lower: string;
  clusters: DigitCluster[];
  /** Knows which patterns cannot match `lower`, nor `text`. */
  filter: TextFilter;
  /** Whether a word for banks or paying stands anywhere: what needs one skips its windows otherwise. */
  mentionsBank: boolean;
  /** Whether a word for telephones stands anywhere: short numbers are one only beside it. */
  mentionsPhone: boolean;
};

export const anyPhoneWord =
  /号码|香港号|澳门号|number|(?:ring|call|text|reach|whatsapp) (?:me|him|her)|座机|固话|固定电话|电话|手机|手提|市话|phone|tel|mobile|cell|landline/;

export const anyBankWord =
  /汇[\d一二两三四五六七八九十]|户名|结算户|银行|汇丰|恒生|渣打|中银|东亚|花旗|chase|hsbc|barclays|lloyds|natwest|santander|monzo|(?<![a-z])(?:dbs|posb|ocbc|uob|citi|rbc)(?![a-z])|[支分]行|信用社|农商|邮储|[工建农中招交]行|开户|户头|存折|折子|[打汇收退]款|转账|汇到|打[到进]|转到|工资卡|社保卡|beneficiary|iban|swift|bic|bank|wire|transfer|a\/c|acc(?:oun)?t/;

export type IdentifierRule = (input: RuleInput) => IdentifierMatch[];

/** All matches of a global pattern in `lower`, or in `text` (another writing of it), whichever is given. */
export function matchesIn(input: RuleInput, pattern: RegExp, text: string = input.lower): readonly RegExpExecArray[] {
  if (!input.filter.mayMatch(pattern)) return noMatches;
  const matches: RegExpExecArray[] = [];
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    matches.push(match);
    if (match[0] === '') pattern.lastIndex++;
  }
  return matches;
}
const noMatches: readonly RegExpExecArray[] = [];

/** Whether a pattern that is not global matches `lower`, or `text`. */
export const holds = (input: RuleInput, pattern: RegExp, text: string = input.lower): boolean =>
  input.filter.mayMatch(pattern) && pattern.test(text);

/** Whether the text just before `position` matches; `reach` is how many characters are looked at. */
export function precededBy(lower: string, position: number, reach: number, pattern: RegExp): boolean {
  return pattern.test(lower.slice(Math.max(0, position - reach), position));
}

/** Words of manuals, tests and tutorials: what stands beside them is made up. */
export const exampleWords =
  /示例|样例|例如|比如|占位|测试|教程|文档|正则|格式|模拟|假数据|沙箱|example|sample|dummy|placeholder|mock|fixture|sandbox|tutorial|documentation|docs\b|regex|e\.g\.|\btest(?:ing)?\b|rfc|fake|fictional|faker/;
/** Lines that a firm or an office opens to everybody. */
export const publicLineWords =
  /热线|客服|服务电话|咨询电话|投诉电话|举报电话|总机|官方电话|hotline|helpline|customer (?:service|support|care)|switchboard|toll.?free/;

/**
 * Numbers that look like something personal and are not: orders, parcels, parts, versions, logs. Anchored to the end,
 * so that the label has to stand directly before the number.
 */
export const numberLabel =
  /(?:订单|运单|单号|快递|物流|包裹|流水|批次|批号|货号|型号|编号|序列号|发票|票号|条码|条形码|版本|时间戳|错误码|端口|像素|价格|总价|金额|isbn|issn|doi|sku|upc|ean|tracking|order|invoice|serial|ticket|version|timestamp|build|error code|part|model|issue|commit|arxiv|pmid|iphone|galaxy|redmi|nova|mate|¥|\$|€)(?![^\n]{0,6}(?:打|拨|电话|手机|联系))[^\n,.;。;]{0,8}$/;
