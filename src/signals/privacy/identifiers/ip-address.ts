import type { IdentifierMatch } from '../types.ts';
import { holds, matchesIn, precededBy, type RuleInput } from './rule-input.ts';

/** Dots in brackets are how reports keep an address from becoming a link; 点 and 。 are how it is said and typed. */
const dot = '(?:\\.|\\[\\.\\]|\\(\\.\\)|[。点])';
const four = new RegExp(`(?<![\\w.])(\\d{1,3})${dot}(\\d{1,3})${dot}(\\d{1,3})${dot}(\\d{1,3})(?![\\w]|\\.\\d)`, 'g');
const six =
  /(?<![\w:.])(?:[0-9a-f]{1,4}:){2,7}(?:[0-9a-f]{1,4}|:)(?::?[0-9a-f]{1,4}){0,7}(?![\w:])|(?<![\w:.])[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,5}::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,5})?(?![\w:])/g;

/** Resolvers that everybody uses: naming them says nothing about anybody. */
const publicResolvers = new Set(
  '8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 9.9.9.9 114.114.114.114 114.114.115.115 223.5.5.5 223.6.6.6 119.29.29.29 180.76.76.76 208.67.222.222 208.67.220.220 4.2.2.2 1.2.3.4'.split(
    ' ',
  ),
);

/**
 * Whether an IPv4 address can point at somebody. The decision: a public address identifies a line or a server and is a
 * finding. Private (RFC 1918), shared (RFC 6598), loopback, link-local, documentation (RFC 5737), multicast and reserved
 * ranges mean the same in every network and are not.
 */
function pointsAtSomebody(a: number, b: number, c: number, d: number): boolean {
  if ([a, b, c, d].some((part) => part > 255) || a === 0 || a === 10 || a === 127 || a >= 224) return false;
  if ((a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168) || (a === 169 && b === 254)) return false;
  if (a === 100 && b >= 64 && b <= 127) return false;
  if ((a === 192 && b === 0 && (c === 2 || c === 0)) || (a === 198 && b === 51 && c === 100)) return false;
  return !(a === 203 && b === 0 && c === 113) && !(a === 198 && (b === 18 || b === 19)) && !(c === 0 && d === 0);
}

function isPublicSix(address: string): boolean {
  const groups = address.split(':').filter((group) => group !== '');
  if (address.split('::').length > 2 || groups.length > 8) return false;
  if (!address.includes('::') && groups.length !== 8) return false;
  // Global unicast is 2000::/3 (RFC 4291); 2001:db8::/32 is for documents (RFC 3849).
  if (!/^[23][0-9a-f]{3}$/.test(groups[0] ?? '') || groups.length < 2) return false;
  return !/^2001:0?db8/.test(address) && !/^2001:4860:4860::8[84]|^2606:4700:4700/.test(address);
}

/** Public IPv4 and IPv6 addresses; see `pointsAtSomebody` for what is left out. */
export function ipAddress(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  for (const match of matchesIn(input, four)) {
    const [whole, a, b, c, d] = match;
    if (!pointsAtSomebody(Number(a), Number(b), Number(c), Number(d)) || publicResolvers.has(whole)) continue;
    // Four-part versions and section numbers.
    if (
      precededBy(
        input.lower,
        match.index,
        24,
        /(?:(?<![a-z])(?:version|ver\.?|v)|版本|chrome\/|release|build|固件|驱动|章|节|条|第|section|升级到|更新到|至|upgrade\w* to)[\s::=]{0,3}[a-z]{0,10}[\s::=/-]{0,2}$/,
      )
    )
      continue;
    if (whole.length < 8) continue;
    // Other dots than full stops need the word for an address.
    const odd = /[^\d.]/.test(whole);
    const labelled = precededBy(
      input.lower,
      match.index,
      20,
      /(?:ip|地址|address|host|server|服务器|ssh|ping)[^\n]{0,12}$/,
    );
    const small = [a, b, c, d].every((part) => Number(part) < 32);
    if ((small || odd) && !labelled && !whole.includes('[')) continue;
    found.push({
      type: 'ip-address',
      start: match.index,
      end: match.index + whole.length,
      confidence: labelled ? 0.9 : 0.7,
      rule: 'ipv4-public',
    });
  }
  if (input.lower.includes('::') || holds(input, /(?:[0-9a-f]{1,4}:){4}/)) {
    for (const match of matchesIn(input, six)) {
      if (!isPublicSix(match[0])) continue;
      found.push({
        type: 'ip-address',
        start: match.index,
        end: match.index + match[0].length,
        confidence: 0.85,
        rule: 'ipv6-public',
      });
    }
  }
  return found;
}
