import type { IdentifierMatch } from '../types.ts';
import type { RuleInput } from './rule-input.ts';

const assignment =
  /(?:密码|密碼|口令|暗号|解压码|提取码|mima|[a-z]{0,16}[_.-]?(?:password|passwd|passphrase|passwort)|(?<![a-z])(?:pwd|psw|pw|pass|passcode|pin(?: code)?))(?:(?:\s(?:for|to|of|on)\s[^\n:=]{1,30}?)(?=\s(?:is|was)\s|:)|\([^()\n]{1,16}\)|(?:我|给你|一直|目前|现在|统一|默认|暂时|初始|还|先|仍|依然|用的?)*)?["'`]?((?:都|就|还)?\s{0,2}(?:是|为|为了|设为|设成|设置为|改成|改为|换成|用的是|=>|is|was|to|shi|:|=)+\s{0,2}|\s{1,2}(?=\S*\d))["'“`]?([!-~]{4,64})/g;
/** Words that follow "password is" in ordinary sentences, types and placeholders. */
const notAValue =
  /^(?:required|incorrect|wrong|invalid|not|too|weak|strong|expired|reset|empty|null|undefined|none|true|false|string|str|number|int|char|varchar|text|hashed?|encrypted|protected|stored|always|never|the|a|an|my|your|his|her|their|missing|blank|being|also|used|what|set|case|correct|important|forgotten|secure|usually|only|in|at|on|to|and|or|for|with|must|should|that|this|it|input|field|here|password|123abc\.\.\.|example|changeme|placeholder|xxxx+|\*+|\.{2,}|<.*|\$.*|\{.*|\[.*|%.*|#\{.*|process\.env.*|os\.(?:environ|getenv).*|env\..*|config\..*|self\..*|req(?:uest)?\..*|getpass.*|input\(.*|bcrypt.*|hash.*|form\..*|user\..*|data\..*|z\..*|models\..*|str\(.*|fields\..*|[a-z_]+\(.*|=.*)[.,;:!?"')}\]]*$/i;
const unit = /^\s{0,2}(?:位|个|个字符|次|字符|characters?\b|chars?\b|digits?\b|位数|天|分钟|days|attempts|tries)/;

/** Passwords and PINs that a person or a file states: `密码是…`, `password=…`, `my pin is …`. */
export function password(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  for (const match of input.lower.matchAll(assignment)) {
    const value = (match[2] ?? '').replace(/[.,;:"'`)}\]]+$/, '');
    if (value.length < 4 || notAValue.test(value)) continue;
    const start = match.index + match[0].length - (match[2] ?? '').length;
    if (unit.test(input.lower.slice(start + value.length, start + value.length + 12))) continue;
    const link = match[1] ?? '';
    const varied = /\d/.test(value) || /[^a-z0-9]/.test(value.slice(0, -1));
    // A word without digits counts only when the sentence clearly gives it: "my password is sunshine".
    const given = /(?:我|my|我们|家|wifi|登录|银行|手机|our|the wifi)[^\n。.]{0,16}$/.test(
      input.lower.slice(Math.max(0, match.index - 20), match.index),
    );
    if (!varied && !(given && /是|为|is|shi|:|改|换|to/.test(link))) continue;
    const inCode = /^["']?\s*=\s*$|:\s*$/.test(link) && !varied;
    if (inCode) continue;
    found.push({
      type: 'password',
      start,
      end: start + value.length,
      confidence: varied ? 0.9 : 0.7,
      rule: 'password-stated',
    });
  }
  return found;
}
