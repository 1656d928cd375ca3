import type { IdentifierMatch } from '../types.ts';
import { exampleWords, publicLineWords, type RuleInput } from './rule-input.ts';

/** Values that documentation uses over and over. On their own they still count: people type them as their own, too. */
const usualNumbers =
  /^(?:(?:0086|86)?(?:13800138000|13800000000|138(?:0|1)2345678|13[0-9]12345678|15012345678|18612345678|18888888888|13888888888|13912345678|12345678901)|1?\d{3}555\d{4}|(\d)\1{6,}|4111111111111111|4242424242424242|5555555555554444|5105105105105100|378282246310005|6011111111111117|4012888888881881|5200828282828210)$/;
const usualMailboxes =
  /^(?:user(?:name)?\d?|test(?:er|ing)?\d*|foo|bar|someone|name|your[._-]?\w*|example|admin|info|support|service|contact|help|hello|sales|press|webmaster|postmaster|abuse|feedback|me|you|alice|bob|email|john\.?doe|jane\.?doe|first\.?last|zhangsan|lisi|wangwu|abc|xxx?)@/;
const exampleHosts =
  /@(?:[a-z0-9-]+\.)*(?:example|test|invalid|localhost|domain|company|yourcompany|foo|bar|mysite|acme)(?:\.|$)/;
const sharedMailboxes =
  /^(?:support|service|services|customerservice|customercare|info|contact|press|webmaster|postmaster|abuse|feedback|kefu|privacy|no-?reply)@/;
const landmarks =
  /天安门|故宫|铁塔|地标|市中心|中心点|景点|首都|自由女神|长城|珠峰|赤道|echarts|leaflet|mapbox|geojson|默认中心|大致|大约|哪个城市|哪座城|是哪里|landmark|eiffel|statue|times square|city cent(?:er|re)|capital|big ben/;
const ownWords = /我|俺|本人|\bmy\b|\bmine\b|\bi(?:'m| am)\b|\bher\b|\bhis\b|他|她/;

/** Whether a value is one that manuals, tests and public notices show, in a place that says so. */
export function isMadeUp(match: IdentifierMatch, { lower }: RuleInput): boolean {
  const { type, start, end } = match;
  if (type !== 'phone' && type !== 'email' && type !== 'bank-card' && type !== 'coordinates') return false;
  const around = `${lower.slice(Math.max(0, start - 40), start)} ${lower.slice(end, end + 24)}`;
  if (ownWords.test(around)) return false;
  const value = lower.slice(start, end).replace(type === 'email' ? /\s/g : /[^0-9]/g, '');
  if (type === 'coordinates') return landmarks.test(around) || exampleWords.test(around);
  if (type === 'email') {
    if (sharedMailboxes.test(value)) return true;
    return (
      (exampleHosts.test(value) && (usualMailboxes.test(value) || exampleWords.test(around))) ||
      (usualMailboxes.test(value) && exampleWords.test(around))
    );
  }
  // 客服:请报一下号码. 客户:… – there somebody speaks.
  if (type === 'phone' && publicLineWords.test(around.replace(/客服\s?:/g, ' '))) return true;
  return usualNumbers.test(value) && exampleWords.test(around);
}
