import type { IdentifierMatch } from '../types.ts';
import { holds, matchesIn, precededBy, type RuleInput } from './rule-input.ts';

const plain =
  /[a-z0-9][a-z0-9._%+-]{0,63}\s?@\s?[a-z0-9][a-z0-9-]{0,62}(?:\s?[.。点]\s?[a-z0-9-]{1,62})*\s?[.。点]\s?[a-z]{2,18}(?![a-z0-9-])/g;
/** 张三@公司.中国: letters of any script (RFC 6531). */
const international =
  /(?:[a-z0-9._-]{1,24}|[\u4e00-\u9fa5]{1,8})@[\u4e00-\u9fa5a-z0-9-]{0,20}[\u4e00-\u9fa5][a-z0-9-]{0,12}\.(?:中国|公司|网络|com|cn|net|org)(?![a-z0-9])/g;
/** name#qq.com(把#换成@), name_at_qq_dot_com, name小老鼠qq.com. */
const replaced =
  /[a-z0-9][a-z0-9.+-]{1,63}(?:#|\*|小老鼠|_at_|\$)[a-z0-9-]{2,40}(?:\.|_dot_)[a-z]{2,10}(?:\.[a-z]{2})?(?![a-z0-9])/g;
/** `name (at) host dot com`, `name 艾特 qq 点 com`. */
const disguised =
  /[a-z0-9][a-z0-9._+-]{1,63}\s*(?:[([{<]\s*at\s*[)\]}>]|\s+at\s+|艾特|圈a|#at#)\s*[a-z0-9-]{2,62}\s*(?:[([{<]\s*dot\s*[)\]}>]|\s+dot\s+|点|\.)\s*(?:[a-z]{2,10})(?:\s*(?:[([{<]\s*dot\s*[)\]}>]|\s+dot\s+|点|\.)\s*[a-z]{2,6})?(?![a-z0-9])/g;
const atSign = /艾特|圈a|#at#|[([{<]\s*at\s*[)\]}>]/;
/** Addresses of a service or of an example belong to nobody. RFC 2606 reserves the example hosts. */
/** IG @name is a name on a platform. */
const onPlatform = /^(?:ig|insta|instagram|x|twitter|tg|telegram|tiktok|snap|weibo|at)\s+@/;
const nobody = /^(?:no-?reply|do-?not-?reply|git)@|@(?:localhost|users\.noreply)/;
/** File names of icons and package versions look like addresses: logo@2x.png, vue@3.4.1. */
const fileEnding = /@\d+(?:\.\d+)*x?\.(?:png|jpe?g|gif|webp|svg|js|ts|css|json|tgz)$|@\d+\.\d+/;

/** E-mail addresses, also with the at sign and the dots spelled out. */
export function email(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  if (input.lower.includes('@')) {
    for (const match of matchesIn(input, plain)) {
      const value = match[0].replace(/\s/g, '').replace(/[。点]/g, '.');
      if (nobody.test(value) || fileEnding.test(value) || onPlatform.test(match[0])) continue;
      // The password and the host of an address such as postgres://user:password@host: `secret.ts` has it.
      if (precededBy(input.lower, match.index, 90, /:\/\/(?:[^\s/@:]{0,64}:[^\s/@]{0,64})?$/)) continue;
      found.push({
        type: 'email',
        start: match.index,
        end: match.index + match[0].length,
        confidence: 0.97,
        rule: 'email',
      });
    }
  }
  if (holds(input, /@[a-z0-9.-]{0,24}[\u4e00-\u9fa5]/)) {
    for (const match of matchesIn(input, international)) {
      const end = match.index + match[0].length;
      found.push({ type: 'email', start: match.index, end, confidence: 0.8, rule: 'email-international' });
    }
  }
  if (holds(input, /小老鼠|_at_|换成?|改成|replace|邮箱|邮件|mail/)) {
    for (const match of matchesIn(input, replaced)) {
      // A hash or a star stands for the sign where the text says so.
      const said = /小老鼠|_at_/.test(match[0]) || holds(input, /换成?\s?@|改成?\s?@|with @|for @|邮箱|邮件|e-?mail/);
      if (!said) continue;
      const end = match.index + match[0].length;
      found.push({ type: 'email', start: match.index, end, confidence: 0.8, rule: 'email-disguised' });
    }
  }
  // A plain "at" counts with a spelled dot only.
  if (holds(input, atSign) || (/\sat\s/.test(input.lower) && holds(input, /dot|点/))) {
    for (const match of matchesIn(input, disguised)) {
      // "at example.com" in a sentence is a place, not an address: only spelled dots make that form one.
      if (/\s+at\s+/.test(match[0]) && !/dot|点/.test(match[0])) continue;
      const end = match.index + match[0].length;
      found.push({ type: 'email', start: match.index, end, confidence: 0.85, rule: 'email-disguised' });
    }
  }
  return found;
}
