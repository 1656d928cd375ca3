import type { IdentifierMatch } from '../types.ts';
import { exampleWords, holds, matchesIn, precededBy, type RuleInput } from './rule-input.ts';

/**
 * Credentials that announce themselves by their prefix. Forms from the issuers' own documentation; the lengths are
 * lower bounds, because issuers lengthen their tokens.
 */
const tokens: [rule: string, form: RegExp][] = [
  ['aws-access-key', /^(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ANVA)[A-Z0-9]{12,}$/],
  ['github-token', /^(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})$/],
  ['gitlab-token', /^gl(?:pat|dt|rt|ptt|cbt|soat)-[A-Za-z0-9_-]{16,}$/],
  ['anthropic-key', /^sk-ant-[A-Za-z0-9_-]{16,}$/],
  ['openai-key', /^sk-(?:proj-|svcacct-|admin-|or-v1-|live-)?[A-Za-z0-9_-]{16,}$/],
  ['stripe-key', /^(?:sk|rk|pk|whsec)_(?:live|test)?_?[A-Za-z0-9]{16,}$/],
  ['slack-token', /^xox[abeoprs]-[A-Za-z0-9-]{10,}$|^xapp-[A-Za-z0-9-]{10,}$/],
  ['google-api-key', /^AIza[A-Za-z0-9_-]{30,}$/],
  ['google-oauth', /^(?:ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,})$/],
  ['json-web-token', /^eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}$|^eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.?$/],
  ['npm-token', /^npm_[A-Za-z0-9]{30,}$/],
  ['pypi-token', /^pypi-[A-Za-z0-9_-]{40,}$/],
  ['hugging-face-token', /^hf_[A-Za-z0-9]{24,}$/],
  ['aliyun-key', /^LTAI[A-Za-z0-9]{12,}$/],
  ['tencent-cloud-key', /^AKID[A-Za-z0-9]{13,}$/],
  ['sendgrid-key', /^SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}$/],
  ['digitalocean-token', /^do[opr]_v1_[a-f0-9]{32,}$/],
  ['databricks-token', /^dapi[a-f0-9]{32,}$/],
  ['telegram-bot-token', /^\d{8,10}:[A-Za-z0-9_-]{35}$/],
  ['zhipu-key', /^[a-f0-9]{32}\.[A-Za-z0-9]{16}$/],
  ['volcengine-key', /^AKLT[A-Za-z0-9_-]{20,}$/],
  ['baidu-key', /^(?:ALTAK-?[A-Za-z0-9]{16,}|bce-v3-?[A-Za-z0-9-]{16,})$/],
  ['twilio-key', /^(?:SK|AC)[a-f0-9]{32}$/],
  ['mailgun-key', /^key-[a-f0-9]{32}$/],
  ['mailchimp-key', /^[a-f0-9]{32}-us\d{1,2}$/],
  ['shopify-token', /^shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}$/],
  ['square-token', /^(?:sq0[a-z]{3}-|EAAA)[A-Za-z0-9_-]{20,}$/],
  ['discord-token', /^[MNO][A-Za-z0-9_-]{22,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}$/],
  ['facebook-token', /^EAA[A-Za-z0-9]{40,}$/],
  ['vault-token', /^hv[sbr]\.[A-Za-z0-9_-]{20,}$/],
  ['vendor-token', /^(?:lin_api_|ntn_|secret_|figd_|glsa_|glc_|NRAK-|pat-(?:na|eu)1-|ATATT3|ATCTT3|ATBB|sntrys_|sntryu_|PMAK-|rubygems_|sbp_|vercel_|pscale_(?:tkn|pw|oauth)_|phc_|phx_|rnd_|HRKU-|AGE-SECRET-KEY-|tfp_|fo1_|dp\.pt\.|dp\.st\.|pul-|cio_|CFPAT-|ops_|nfp_|ghu_|tskey-|oy2)[A-Za-z0-9_.-]{20,}$/],
  // Words joined by underscores are names in code, so the rest has to be in one piece and hold digits.
  ['prefixed-token', /^(?:sk|rk|pk|key|api|ak|tok|at|pat|bot|app)_(?:live_|test_|prod_)?(?=(?:[A-Za-z]*\d){3})[A-Za-z0-9]{20,}$/],
  ['docker-token', /^dckr_pat_[A-Za-z0-9_-]{20,}$/],
  ['xai-key', /^(?:xai|gsk|pplx|nvapi|r8|tvly|fw)[-_][A-Za-z0-9_-]{24,}$/],
]; // prettier-ignore

const candidate = /[A-Za-z0-9_:][A-Za-z0-9_.:-]{14,4095}/g;
const prefixes =
  /AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ANVA|gh[pousr]_|github_pat_|gl[a-z]{2,4}-|sk-|[srp]k_|whsec|xox|xapp-|AIza|ya29|GOCSPX|eyJ|npm_|pypi-|hf_|LTAI|AKID|SG\.|do[opr]_v1|dapi|dckr_|xai-|gsk_|pplx-|nvapi-|r8_|tvly-|fw_|AKLT|ALTAK|bce-v3|SK[a-f0-9]{8}|AC[a-f0-9]{8}|key-|shp[a-z]{2}_|sq0|EAA|hv[sbr]\.|lin_api_|ntn_|secret_|figd_|gls?[ac]_|NRAK-|pat-|AT[AC]TT3|ATBB|sntry|PMAK-|rubygems_|sbp_|vercel_|pscale_|ph[cx]_|rnd_|HRKU-|AGE-S|tfp_|fo1_|dp\.|pul-|cio_|CFPAT-|ops_|nfp_|tskey-|oy2|(?:key|api|ak|tok|at|pat|bot|app)_/;
/** Tokens that begin like many other words; all of them are longer than this. */
const longTokens = /\d{8}:|[a-f0-9]{32}[.-]|[MNO][A-Za-z0-9_-]{22,27}\./;
const longToken = 36;
const pem =
  /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[^-]{0,8000}(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----)?/g;
/** A token as the user of an address: https://ghp_…@github.com. */
const userInUrl = /[a-z][a-z0-9+.-]{1,20}:\/\/([A-Za-z0-9_.~-]{16,128})@[^\s/]{3,}/g;
const credentialsInUrl = /[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@]{0,64}:([^\s@]{3,64})@[^\s/]{3,}/g;
/** `api_key: …`, `secret=…`, `token 是 …` with a value that looks random. */
const assigned =
  /(?:api[ _-]?key|secret(?:[ _-]?(?:access[ _-]?)?key)?|access[ _-]?(?:key|token)(?:[ _-]?(?:id|secret))?|auth[ _-]?token|session[ _-]?(?:id|key|token)?|(?<![a-z])sid|[a-z]{0,8}sess(?:ion)?id|sessdata|bili_jct|connect\.sid|client[ _-]?secret|private[ _-]?key|bearer|[a-z_]{0,20}(?:token|secret|apikey|accesskey|access_key|secretkey|_key|accountkey|sharedaccesskey|webhook)|signature|sig|(?<![a-z])[as]k|密钥|秘钥|私钥|令牌|凭证|授权码|访问码|签名|appsecret|app[ _-]?key|services|hook|send\?key|access_token|(?<![a-z])key|api密钥)["'`]?(?:值|串|[^\n:=a-z0-9]{0,8}?)?\s{0,3}(?:是|为|is|=>|:=|:|=|\/|\s|(?<=[密秘私]钥|令牌|凭证))\s{0,3}["'`]?((?:s:)?[A-Za-z0-9_/+.~-]{16,512}={0,2})/gi;
/** Hexadecimal digests of code and files are random too, and public. */
const placeholder =
  /^(?:your|my|the|example|xxx|test|placeholder|changeme|process|os|env|config|self|this|settings)[_.\W]|x{6,}|\*{3,}|\.{3}|<|\$\{|_here$|example$/i;

/** Shannon entropy in bits for each character. */
function entropy(value: string): number {
  const counts = new Map<string, number>();
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits;
}

/** Keys of products and codes to get back into an account: groups of letters and digits. */
const groupedKeys =
  /(?:恢复码|备用码|兑换码|cd-?key|(?<![a-z])(?:windows|office|win ?\d+|steam|software)(?: \d+)? key|licen[cs]e(?=:)|备份码|恢复密钥|激活码|激活密钥|产品密钥|许可证?密钥|序列密钥|recovery (?:code|key)|backup (?:code|key)|licen[cs]e key|product key|cd[ -]?key|serial key|activation (?:code|key))s?[\s:"'=是为(]{0,4}(?:is |are )?((?=[a-z-]{0,40}\d)[a-z\d]{4,8}(?:-[a-z\d]{4,8}){1,7}|\d{4} \d{4})(?![a-z\d-])/g;

/** The base32 secret behind a one-time password (RFC 6238), in one piece or in fours. */
const oneTimeSeed =
  /(?:totp|2fa|mfa|otp|authenticator|[二两]步验证|双重验证|动态口令|验证器)[^\n。]{0,16}?(?:seed|secret|key|密钥|秘钥)(?: key)?[\s:"'=是为(]{0,4}((?:[a-z2-7]{4}[ -]?){4,13}[a-z2-7]{0,3})(?![a-z0-9])/g;

/** The sixteen letters that mail providers give for programs. */
const mailCode = /授权码[\s:"'=是为(]{0,4}([a-z]{16})(?![a-z\d])/g;

/** Hexadecimal of a usual length, or letters of both cases mixed with several digits. */
function looksRandom(value: string): boolean {
  if (/^[a-f0-9]{24,}$/i.test(value) || /^[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}$/i.test(value)) return true;
  return (
    value.length >= 20 && /[a-z]/.test(value) && /[A-Z]/.test(value) && /\d.*\d/.test(value) && entropy(value) > 3.5
  );
}

function announced(input: RuleInput): IdentifierMatch[] {
  const { longestToken } = input.filter;
  const begins =
    (longestToken >= 15 && holds(input, prefixes, input.text)) ||
    (longestToken >= longToken && longTokens.test(input.text));
  if (!begins) return [];
  const found: IdentifierMatch[] = [];
  for (const match of matchesIn(input, candidate, input.text)) {
    const value = match[0].replace(/[.:-]+$/, '');
    const rule = tokens.find(([, form]) => form.test(value))?.[0];
    // A slug such as sk-learn-pipeline-tutorial has no digit.
    const varied = /\d/.test(value) || (value.length >= 30 && /[a-z][A-Z].*[a-z][A-Z].*[a-z][A-Z]/.test(value));
    if (rule === undefined || !varied || /x{8,}/i.test(value)) continue;
    // The keys of the issuer's own manual, where that is what is spoken of.
    const around = input.lower.slice(Math.max(0, match.index - 24), match.index + value.length + 24);
    if (/EXAMPLE(?:KEY)?$/.test(value) && exampleWords.test(around.replaceAll(value.toLowerCase(), ' '))) continue;
    found.push({ type: 'secret', start: match.index, end: match.index + value.length, confidence: 0.97, rule });
  }
  return found;
}

function assignedValues(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  const values = input.filter.longestToken < 16 ? [] : matchesIn(input, assigned, input.text);
  for (const match of values) {
    const value = match[1] ?? '';
    if (placeholder.test(value) || !/\d/.test(value) || !/[A-Za-z]/.test(value) || entropy(value) < 3) continue;
    // A key alone is also what maps and caches have.
    if (/^(?<![a-z])key/i.test(match[0]) && !looksRandom(value)) continue;
    const end = match.index + match[0].length;
    found.push({ type: 'secret', start: end - value.length, end, confidence: 0.85, rule: 'secret-assigned' });
  }
  for (const match of matchesIn(input, mailCode)) {
    const end = match.index + match[0].length;
    found.push({ type: 'secret', start: end - 16, end, confidence: 0.85, rule: 'mail-code' });
  }
  if (!holds(input, /totp|2fa|mfa|otp|authenticator|[二两][步重]|双重|动态/)) return found;
  for (const match of matchesIn(input, oneTimeSeed)) {
    const value = match[1] ?? '';
    if (!/[2-7]/.test(value)) continue;
    const end = match.index + match[0].length;
    found.push({ type: 'secret', start: end - value.length, end, confidence: 0.85, rule: 'one-time-seed' });
  }
  return found;
}

/** Keys and tokens: by prefix, as PEM, in a URL, or assigned to a name that says what they are. */
export function secret(input: RuleInput): IdentifierMatch[] {
  const found = [...announced(input), ...assignedValues(input)];
  if (input.text.includes('PRIVATE KEY')) {
    for (const match of matchesIn(input, pem, input.text)) {
      found.push({
        type: 'secret',
        start: match.index,
        end: match.index + match[0].length,
        confidence: 0.99,
        rule: 'pem-private-key',
      });
    }
  }
  if (input.lower.includes('://')) {
    for (const match of matchesIn(input, userInUrl, input.text)) {
      const value = match[1] ?? '';
      if (placeholder.test(value) || !/\d/.test(value) || entropy(value) < 3) continue;
      const start = match.index + match[0].indexOf(value);
      found.push({ type: 'secret', start, end: start + value.length, confidence: 0.9, rule: 'token-in-url' });
    }
    for (const match of matchesIn(input, credentialsInUrl)) {
      if (placeholder.test(match[1] ?? '') || /^(?:pass(?:word)?|pwd|user)$/.test(match[1] ?? '')) continue;
      found.push({
        type: 'secret',
        start: match.index,
        end: match.index + match[0].length,
        confidence: 0.85,
        rule: 'credentials-in-url',
      });
    }
  }
  for (const match of matchesIn(input, groupedKeys)) {
    const value = match[1] ?? '';
    const end = match.index + match[0].length;
    if (/^(?:x{4,}|0{4,}|1234)/.test(value) && /x{4}|0000/.test(value)) continue;
    found.push({ type: 'secret', start: end - value.length, end, confidence: 0.75, rule: 'key-in-groups' });
  }
  if (input.lower.includes('助记词') || holds(input, /seed|mnemonic|recovery phrase|secret phrase/)) {
    for (const match of matchesIn(input, /(?:[a-z]{3,8}\s+){11,23}[a-z]{3,8}/g)) {
      if (
        !precededBy(
          input.lower,
          match.index,
          24,
          /(?:助记词|(?:wallet|my) seed|seed phrase|seed words|mnemonic|recovery phrase|secret phrase)[^a-z]{0,8}(?:(?:is|are)[: ]+)?$/,
        )
      )
        continue;
      found.push({
        type: 'secret',
        start: match.index,
        end: match.index + match[0].length,
        confidence: 0.9,
        rule: 'wallet-phrase',
      });
    }
  }
  return found;
}
