import type { IdentifierMatch } from '../types.ts';
import { matchesIn, type RuleInput } from './rule-input.ts';

const assignment =
  /(?:密\s?码|口令|暗号|锁屏|解压码|(?<![a-z])psk|pre-?shared key|community string|snmp community|(?:wpa[23]?|wifi|wi-fi|network) key|提取码|mima|mi ma|(?<![a-z])mm(?=[:=])|pin码|(?:gate|garage|door|alarm|entry|lock|safe|voicemail|keypad) code|requirepass|[a-z]{0,16}[_.-]?(?:password|passwd|passphrase|passwort)|(?<![a-z])(?:pwd|psw|pw|pass|passcode|pin(?: code)?))(?:'s)?(?:(?:\s(?:for|to|of|on)\s[^\n:=]{1,30}?)(?=\s(?:is|was)\s|:)|\([^()\n]{1,16}\)|(?:我|给你|一直|目前|现在|统一|默认|大写的?|小写的?|暂时|初始|还|先|仍|依然|用的?)*)?["'`]?((?:都|就|还)?\s{0,2}(?:是|为|为了|设为|设成|设置为|改成|改为|换成|用的是|=>|is|was|to|shi|:|=)+\s{0,2}|\s{1,2}(?=\S*\d))["'“`]?([!-~]{4,64})/g;
/** Words that follow "password is" in ordinary sentences, types and placeholders. */
const notAValue =
  /^-?\d{1,3}\.\d{2,},|^(?:required|incorrect|wrong|invalid|not|too|weak|strong|expired|reset|empty|null|undefined|none|true|false|string|str|number|int|char|varchar|text|hashed?|encrypted|protected|stored|always|never|the|a|an|my|your|his|her|their|missing|blank|being|also|used|what|set|case|correct|important|forgotten|secure|usually|only|in|at|on|to|and|or|for|with|must|should|that|this|it|input|field|here|password|123abc\.\.\.|example|changeme|placeholder|xxxx+|\*+|\.{2,}|<.*|\$.*|\{.*|\[.*|%.*|#\{.*|process\.env.*|os\.(?:environ|getenv).*|env\..*|config\..*|self\..*|req(?:uest)?\..*|getpass.*|input\(.*|bcrypt.*|hash.*|form\..*|user\..*|data\..*|z\..*|models\..*|str\(.*|fields\..*|[a-z_]+\(.*|[a-z_]+=.*|=.*)[.,;:!?"')}\]]*$/i;
const unit = /^\s{0,2}(?:位|个|个字符|次|字符|characters?\b|chars?\b|digits?\b|位数|天|分钟|days|attempts|tries)/;

/** `密码739205`: in Chinese the value may follow at once, or after a few words. Four digits or more, or letters and digits. */
const direct =
  /(?:密码|口令|pin码|PIN码|提取码|解压码|门禁码|开锁码|解锁码)(?:[\u4e00-\u9fa5]{0,10}|\s{0,2})\s{0,2}["'“(]?((?=[!-~]*\d)[!-~]{4,64})/g;
/** Flags of commands that take a password: redis-cli -a, mysql -p, sshpass -p, curl -u user:password. */
const flags =
  /(?:redis-cli\b[^\n]{0,80}?\s-a\s{1,2}|(?:mysql(?:dump|admin)?|mariadb)\b[^\n]{0,80}?\s-p\s?(?=\S)|(?:sshpass|mongosh?|mongodump|docker\s+login|sqlplus|sqlcmd|ldapsearch|7z|unzip|zip|openssl|psql|mosquitto_\w+|ansible\S*|helm|az|oc)\b[^\n]{0,80}?\s(?:-p|-P|-w|--pass(?:word)?)[\s=]{0,2}|(?:curl|wget|http)\b[^\n]{0,120}?\s(?:-u|--user|-a)[\s=]{1,2}[^\s:]{1,40}:|--(?:password|passwd|pass|pw)[\s=]{1,2}|pass:|net user\s+\S{1,24}\s+)["']?([!-~]{4,64})/gi;
/** `admin888,密码就是这个`, `Xk9mQ2v is the password`: the value first. */
const behind =
  /(?<![!-~])["'“(]?((?=[!-~]{0,39}\d)(?=[!-~]{0,39}[A-Za-z])[!-~]{5,40}?)["'”)]?\s?(?:[,、]\s?|(?=是|就是|这是)|\s(?=is|was))(?:就是|这个?是|是|is|was)?\s?(?:这个|我的?|他的?|她的?|家里的?|公司的?|my|the|our|her|his)?\s?[\u4e00-\u9fa5a-z ]{0,10}?(?:密码|口令|password|passcode)(?:就是这个|就这个|$|[,。;!?\s])/g;
/** 密码忘了,之前是abc123xyz: a few words between. */
const later =
  /(?:密码|口令)[^\n。;?a-z\d]{1,12}(?:是|为|叫|:|输的?|输入|填的?|用的|设成)\s?["'“(]?((?=[!-~]{0,39}\d)(?=[!-~]{0,39}[A-Za-z])[!-~]{6,40})/g;
/** Xk9mQ2v这个密码安全吗, Xk9mQ2v作为密码, <password>…</password>, echo … | sudo -S. */
const asked =
  /(?<![!-~])["'“(]?((?=[!-~]{0,39}\d)(?=[!-~]{0,39}[A-Za-z])[!-~]{6,40}?)["'”)]?\s?(?:这个|这种|作为?|当|用作|做|as (?:a|my) )\s?(?:密码|口令|password)/g;
const inTags = /<(?:password|passwd|pwd)>([^<\s]{4,40})</gi;
const toSudo = /echo\s+["']?([!-~]{4,40}?)["']?\s*\|\s*sudo\s+-S/g;
/** Locks and screens: 手机解锁2580, 智能锁 482100#. */
const ofLock =
  /(?:(?:手机|平板|屏幕|平台)[^\n\d。]{0,4}解锁(?:码|数字)?[是为:\s]{0,2}(?=\d{4,6}(?!\d))|(?:行李箱|箱子|密码锁|自行车锁)[^\d\n。]{0,6}密码[是为:\s]{0,2}(?=\d{3,4}(?!\d))|(?:智能锁|门锁|门禁|单元门|大门)[^\d\n。]{0,6}(?=[*#]?\d{4,10}#))([*#\d]{3,12})/g;
/** A safe's three numbers. */
const combination = /(?:密码|口令|combination|combo)(?:是|为|is|:|\s){0,4}(\d{1,2}(?:\s?-\s?\d{1,2}){2,3})(?![\d-])/g;
/** A name to log in with and its password in one breath: root / Lk!39vMz0p. */
const pair =
  /(?<![a-z0-9/.:])(?:root|admin(?:istrator)?|sa|postgres|ubuntu|oracle|guest|operator|[a-z][a-z0-9_.-]{1,23})\s?[/|:、,]\s?([!-~]{6,40})/gi;
const passwordWords =
  /密码|口令|账密|用户名|堡垒机|跳板机|登[进上]|creds|账号|帐号|登录|登陆|password|passwd|passcode|\bpwd\b|credential|log ?in|\bssh\b|\bvpn\b|\b(?:root|admin)\s?[/:]/;
const word = /(?<![!-~])["'(]?([!-~]{8,40})/g;
/** Names of methods, products and versions that mix letters, digits and signs as passwords do. */
const technicalTerm =
  /^[a-z]+\[\d+$|^(?:\d{4}-\d\d-\d\dt|wpa|sha|aes|rsa|md5|utf|oauth|tls|ssl|base64|bcrypt|pbkdf|argon|hmac|ed25519|iphone|ipad|windows|win\d|android|wifi|wi-fi|http|ftp|www\.|v?\d+[.\d]*$|[a-z]+\d?\.[a-z]{2,5}$)|:\/\/|\/|\(|\)$|=|@[a-z0-9-]+\.[a-z]|^\d[\d:.,\s-]*$|[<>{}]|^[a-z]+(?:[-_.][a-z]+)*$|^[a-z_]+\d{0,2}$|^[A-Z_]+\d{0,2}$|^[A-Z]{1,4}[-_]?\d+(?:\.\d+)?$|^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i;
/** The passwords that everybody quotes when passwords are talked about. */
const usualPasswords =
  /^(?:0?123456\d*|password\d*|p@ssw0rd\d*|qwerty\d*|abc123|abc@?1234|admin\d*|111111|000000|888888|666666|1234|0000|iloveyou\d?|letmein\d?)$/i;

const shownWords = /示例|样例|例如|比如|占位|for example|e\.g\.|such as/;

/** Three kinds of characters out of four, and signs or digits inside: no ordinary word is written so. */
function looksLikePassword(value: string): boolean {
  if (value.length < 6 || technicalTerm.test(value)) return false;
  const signs = /[^A-Za-z0-9]/.test(value.slice(1, -1)) || /[!@#$%^&*~+]$/.test(value);
  const kinds = [/[a-z]/, /[A-Z]/, /\d/].filter((kind) => kind.test(value)).length + (signs ? 1 : 0);
  return kinds >= 3 && /\d/.test(value);
}

/** Without the signs behind it; 482100(移动) is a number and a word in brackets. */
const trimValue = (value: string): string => value.replace(/[.,;:"'`)}\]]+$/, '').replace(/^(\d{4,12})[([{].*$/, '$1');

/** Passwords that follow their word at once, stand in a command's flag, or look like one near the word. */
function unlinked(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  const { text, lower } = input;
  const add = (start: number, value: string, confidence: number, rule: string): void => {
    const usual = usualPasswords.test(value) || shownWords.test(lower.slice(Math.max(0, start - 16), start));
    found.push({ type: 'password', start, end: start + value.length, confidence: usual ? 0.4 : confidence, rule });
  };
  const each = (pattern: RegExp, visit: (value: string, start: number, before: string) => void): void => {
    for (const match of matchesIn(input, pattern, text)) {
      const value = trimValue(match[1] ?? '');
      if (value.length < 4 || notAValue.test(value)) continue;
      visit(value, match.index + match[0].lastIndexOf(match[1] ?? ''), match[0]);
    }
  };
  const tell = (pattern: RegExp, confidence: number, rule: string): void => {
    for (const match of matchesIn(input, pattern, text)) {
      const value = match[1] ?? '';
      if (!notAValue.test(value)) add(match.index + match[0].lastIndexOf(value), value, confidence, rule);
    }
  };
  tell(inTags, 0.8, 'password-in-tags');
  tell(toSudo, 0.8, 'password-to-sudo');
  tell(ofLock, 0.7, 'password-of-lock');
  if (/密码|口令|combination|combo|password|passcode/.test(lower)) {
    each(asked, (value, start) => {
      if (!technicalTerm.test(value) || /^[a-z]+\d{2,}[a-z]*$/i.test(value))
        add(start, value, 0.65, 'password-asked-about');
    });
    each(later, (value, start) => {
      if (!technicalTerm.test(value) || /^[a-z]+\d{2,}[a-z]*$/i.test(value)) add(start, value, 0.65, 'password-later');
    });
    each(combination, (value, start) => add(start, value, 0.75, 'password-combination'));
    each(behind, (value, start) => {
      if (!technicalTerm.test(value) || /^[a-z]+\d{2,}$/i.test(value)) add(start, value, 0.65, 'password-behind');
    });
  }
  if (/密码|口令|[取压禁锁n]码/.test(lower)) {
    each(direct, (value, start) => {
      const after = lower.slice(start + value.length, start + value.length + 12);
      if (unit.test(after) || /^\s?[年元块条种家点]/.test(after) || /^(?:19|20)\d\d$/.test(value)) return;
      if (/^\d+$/.test(value) ? value.length > 12 : technicalTerm.test(value) && !/^[a-z]+\d{2,}$/i.test(value)) return;
      add(start, value, 0.8, 'password-direct');
    });
  }
  if (/\s-[aupPw]|--pass|--user|--pw|pass:|net user/.test(text)) {
    each(flags, (value, start) => {
      if (/\d|[^A-Za-z0-9]/.test(value) && !/^[-<$%{[*]/.test(value)) add(start, value, 0.8, 'password-flag');
    });
  }
  if (passwordWords.test(lower)) {
    const near = (start: number): boolean => passwordWords.test(lower.slice(Math.max(0, start - 40), start + 60));
    for (const pattern of [pair, word]) {
      each(pattern, (value, start) => {
        if (looksLikePassword(value) && near(start)) add(start, value, 0.7, 'password-near-word');
      });
    }
  }
  return found;
}

/** Passwords and PINs that a person or a file states: `密码是…`, `password=…`, `my pin is …`. */
export function password(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  for (const match of matchesIn(input, assignment)) {
    const value = trimValue(match[2] ?? '');
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
  found.push(...unlinked(input));
  return found;
}
