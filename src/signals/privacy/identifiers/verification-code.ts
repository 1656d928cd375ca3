import type { IdentifierMatch } from '../types.ts';
import { exampleWords, matchesIn, numberLabel, precededBy, type RuleInput } from './rule-input.ts';

/** Four to eight digits, in groups or not, that no further digits and no unit follow. */
const unit =
  '(?![\\d.]*\\d|-\\d|\\s{0,2}(?:位|个|分钟?|秒|次|元|块|像素|px|min|sec|digit|char|天|小时|条|hour|day|年|月|%|kb|mb))';
const code = `(?<![\\d.])(\\d(?:[ -]?\\d){3,7})${unit}`;
/** What a code is called. 取件码 and the like open a locker for a parcel; they say nothing about anybody. */
const label =
  '验\\s?证\\s?码|校验码|(?:两步|双重|二次|短信|登录)验证码?|动态(?:密?码|口令)|短信(?:密)?码|激活码|登[录陆]码|确认码|认证码|验证器|令牌(?:上|里)?(?:显示|的)|安全中心|登[录陆]校验|id ?验证|身份校验|一次性(?:密码|口令|码)|授权码|注册码|yan ?zheng ?ma|(?<![a-z])yzm(?![a-z])|verif(?:y|ication)[ _-]?(?:code|pin|number)|verification(?=\\s?[:#=])|security code|one[ -]time (?:code|password|passcode|pin)|(?:log|sign)[ -]?in code|auth(?:entication|enticator|orization)?[ _-]?code|(?:2fa|mfa|totp|otp|sms|two[- ]factor)(?:[ _-]?(?:code|password|pin))?(?![a-z])|smscode|confirmation code|passcode|pass code|pin (?:sent|texted)[^\\d\\n]{0,16}|access code|authenticator|(?:text(?:ed)?|sms) (?:me )?(?:a |the )?(?:code|pin|number)|(?:code|pin|number)s? (?:that )?(?:they|he|she|you|it|i|the bank|google|apple|whatsapp) (?:just )?(?:text(?:ed)?|sent|got|received|messaged|gave)(?: me)?|(?:code|number|pin) (?:on|in|from) (?:the|my|that) (?:text|sms|phone|message|app|bank)';
const labelled = new RegExp(`(?:${label})(?![^\\n。]{0,4}(?:位|长度|有效))[^\\n\\d。;?]{0,18}?${code}`, 'g');
/** Letters and digits mixed, right behind the label. */
const mixed = new RegExp(
  `(?:验证码|校验码|动态码|登录码|确认码|激活码|verification code|one-time code)(?:[\\s:"'【\\[是为]|is){1,4}((?=[a-z]*\\d)(?=\\d*[a-z])[a-z\\d]{5,8})(?![a-z\\d])`,
  'g',
);
/** 482913是你的验证码, 482913(登录验证码), 482913 is your WhatsApp code. */
const before = new RegExp(
  `(?<![\\d.]|(?<!(?<![a-z])g)-)(\\d(?:[ -]?\\d){3,7})${unit}[^\\n\\d。;]{0,20}?(?:验证码|校验码|动态码|短信码|登录码|(?:is|as) (?:your|my|the) [^\\n,。.\\d]{0,24}?(?:code|otp|pin|passcode|one-time password)|to (?:verify|log ?in|sign ?in|confirm your|reset your|authenticate)|验证使用|(?:来|以)?完成(?:登[录陆]|验证|注册|绑定|认证))(?![^\\n。\\d]{0,8}\\d)`,
  'g',
);
/** Told of without its name: what the text message said, what somebody wants to hear. */
const told = new RegExp(
  `(?:(?:短信|收到|发来|发过来|发给我|发了|发的|来了)[^\\n\\d。;]{0,10}(?:数字|那串|六位|四位|码|说|写|里|内容|的)[^\\n\\d。;]{0,6}|(?:[四六]|[46])位数?(?:字|的?码)?(?:是|为|:)?\\s?|[念报读](?:给[^\\d\\n]{1,4})?(?:一下|出|了)?|(?:[四六]|[46])个数字(?:是|:)?\\s?|(?:短信来了|收到(?:了|验证短信|短信)?一?个?|发来(?:的是|一串|了)?|发的那个|发过来的?是?|[要报]的(?:数字|那串|码)(?:是)?)[,:\\s]{0,3}(?=\\d{6}(?!\\d))|(?:text|sms|message) (?:says?|said|reads|read) (?:that |it's )?(?=\\d{3}[ -]?\\d{3}(?!\\d))|says? (?:to )?enter |(?:six|four|6|4)[- ]digits?(?: (?:code|number|pin)(?:s)?)?(?: is| was|[^\\d\\n。.;]{0,30}?(?:told|gave|sent|read|said|typed)[^\\d\\n。.;]{0,12}?)?[:,]?\\s?|(?:your|my) (?:[a-z]+ ){1,3}(?:code|pin)(?: is)?[:,]?\\s{0,2}|(?:they|he|she|it|bank) (?:just )?(?:sent|texted|messaged) me |(?:use|enter)(?: the)?(?: code)? )${code}`,
  'g',
);
const toldContext =
  /says|app|网银|码|数字|验证|短信|收到|位数|digit|骗|客服|银行|告诉|code|text|sms|scam|log ?in|sign ?in|verif|read it|otp|message/;
/** `code` alone is what machines, countries and shops have too. */
const bare = new RegExp(
  `(?<![a-z])(?<!(?:error|zip|postal|area|status|country|source|exit|promo|discount|qr|bar|dress|post|room|hs|hts|cpt|icd|icd-10|tariff|naics|sic|product|item|part|colou?r|building|zip-|printed|return|response|http|swift|sort|dial(?:l?ing)?|coupon|voucher|stock|ticker|course|class|model|fault|trouble|obd|plu|airline|booking|machine|op|byte|unicode|key|morse|hex|ascii|tax|cost|branch|bank|store|shop) )code\\b(?:'s)?["']?(?:[:= ,\\t-]{1,4}|\\s(?:came|arrived|come)[^\\d\\n。]{0,14}?[,\\s]{1,2})(?:it's |it is |is:? |was:? |i got |they sent )?["']?${code}`,
  'g',
);
/** 他让我把482913告诉他. */
const handedOver =
  /(?:把|将)\s?(?:这个|那个|验证码|数字)?\s?(\d{6}|\d{4}|\d{3}[ -]\d{3})\s?(?:告诉|报给|发给|念给|说给|读给|转给|填进|输进)/g;
/** Alone with its short name: 码:482913. */
const short = /(?:(?<![\u4e00-\u9fa5])|[你我]的)码[\s:是]{1,3}(\d{6})(?!\d)/g;
const secretContext =
  /came|got the|captcha|text|sms|digit|bank's|typed|sent|send|log ?in|sign|verif|account|scam|whatsapp|phone|auth|password|share|expire|minute|your code|my code|短信|登[录陆]/;

/** Codes for one login that a text message or an app gave. */
export function verificationCode(input: RuleInput): IdentifierMatch[] {
  const { lower } = input;
  if (
    !/码|令牌|安全中心|那个|告诉|enter|口令|短信|收到|发来|位数|[念报读两双]|digit|code|otp|yzm|yan ?zheng|2fa|mfa|totp|pin|verif|log ?in|sign ?in|factor|authenticator|sent|text|登[录陆]|验证|输入/.test(
      lower,
    )
  )
    return [];
  const found: IdentifierMatch[] = [];
  const each = (
    pattern: RegExp,
    confidence: number,
    rule: string,
    accept?: (start: number, end: number) => boolean,
  ): void => {
    for (const match of matchesIn(input, pattern)) {
      const value = match[1] ?? '';
      const start = match.index + match[0].lastIndexOf(value);
      const end = start + value.length;
      if (accept?.(start, end) === false || /演示|示例|举例/.test(lower.slice(end, end + 10))) continue;
      if (precededBy(lower, match.index, 12, exampleWords)) continue;
      found.push({ type: 'verification-code', start, end, confidence, rule });
    }
  };
  const around = (start: number, end: number): string => lower.slice(Math.max(0, start - 60), end + 60);
  each(labelled, 0.92, 'verification-code');
  each(mixed, 0.8, 'verification-code');
  each(before, 0.9, 'verification-code-before', (start) => !precededBy(lower, start, 20, numberLabel));
  each(
    told,
    0.65,
    'verification-code-told',
    (start, end) => toldContext.test(around(start, end)) && !precededBy(lower, start, 20, numberLabel),
  );
  each(
    handedOver,
    0.65,
    'verification-code-told',
    (start, end) => end - start > 4 || /码|短信|验证|客服/.test(around(start, end)),
  );
  each(short, 0.6, 'verification-code-told');
  each(
    bare,
    0.65,
    'verification-code-told',
    (start, end) => secretContext.test(around(start, end)) || (lower.length < 24 && end - start === 6),
  );
  return found;
}
