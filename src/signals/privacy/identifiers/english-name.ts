import type { IdentifierMatch } from '../types.ts';
import { firstNames, lastNames, notLastNames, pinyinSurnames } from './english-name-words.ts';
import { famousEnglish } from './famous-names.ts';

/**
 * Full names in Latin letters wherever they stand. The rule: two capitalised words, a middle initial or name allowed,
 * of which the first is a known first name and the second a known family name; or one of the two is known and the words
 * around say that a person is meant; or both are pinyin with a pinyin surname at one end. Known public names, and those
 * that go on as a place, a firm or an institution, never count.
 */
const word = "[A-Z](?:[a-z]+|'[A-Z][a-z]+|[a-z]{1,3}[A-Z][a-z]+)(?:-[A-Z][a-z]+)?";
const pair = new RegExp(
  `(?<![A-Za-z'’.&-]|[A-Z]\\.\\s)(${word})\\s(?:([A-Z]\\.?|${word})\\s)??((?:(?:van|von|van der|van den|de|der|den|la|del|bin|al|da|di)\\s){0,2}${word})(?![A-Za-z])`,
  'g',
);
const syllable =
  '(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?(?:iang|iong|uang|ueng|ang|eng|ing|ong|ian|iao|uai|uan|ai|ei|ao|ou|an|en|in|un|ia|ie|iu|ua|uo|ui|ue|ve|er|a|o|e|i|u|v)';
const pinyinGiven = new RegExp(`^${syllable}(?:[-']?${syllable})?$`, 'i');
const personBefore =
  /(?:\b(?:mr|mrs|ms|miss|dr|patient|client|customer|employee|applicant|candidate|tenant|student|teacher|nurse|colleague|coworker|neighbou?r|friend|wife|husband|son|daughter|brother|sister|mother|father|mom|dad|uncle|aunt|cousin|boss|manager|supervisor|assistant|landlord|roommate|partner|name|names|by|contact|attn|attention|cc|to|from|for|with|and|dear|hi|hello|regards|sincerely|signed|attendees?|guest|passenger|recipient|owner|holder|beneficiary|witness|defendant|plaintiff|called|named|told|asked|met|emailed|i'm|i am|is|that|my|our|ask|tell|email|call|meet|invite|remind|user|assignee|reporter|author)[.:"'\s(=,-]{1,4}|[|,:;"'([\t\n>@]\s{0,3}|^\s*|[.!?]\s)$/i;
const strongPersonBefore =
  /\b(?:mrs?|ms|miss|patient|client|customer|employee|applicant|candidate|tenant|student|nurse|colleague|coworker|neighbou?r|friend|wife|husband|son|daughter|brother|sister|mother|father|uncle|aunt|cousin|boss|manager|supervisor|assistant|landlord|roommate|name|contact|attn|dear|regards|sincerely|signed|guest|passenger|recipient|beneficiary|witness|defendant|plaintiff|called|named|i'm|i am)[.:"'\s(=,-]{1,4}$/i;
const personAfter =
  /^(?:'s\b|\s?[,;|)"\]<\n(/:]|\s(?:is|was|has|had|will|said|says|told|asked|wrote|called|lives?|lived|works?|worked|born|and|at|from|on|in|who|for|about|to|came|left|sent|needs|wants|paid|owes|signed|joined|moved|got|just|did|does|can|could|would|should|missed|failed|passed|booked|reported|complained|emailed|texted|died|married)\b|\.|\?|!|\s*$)/;
const institutionAfter =
  /^(?:'s)?\s?(?:&|(?:Street|St|Avenue|Ave|Road|Rd|Lane|Drive|University|College|School|Hospital|Church|Park|Station|Airport|Hotel|Museum|Library|Cent(?:er|re)|Company|Co|Inc|Corp|Ltd|LLC|Group|Bank|Club|Foundation|Institute|Award|Prize|Theorem|Stadium|Building|Tower|Hall|Memorial|Square|Bridge|Furniture|Watch|Perfume|Shoes|whiskey|theorem|equation|novel|movie|film|album|song|biography|quote|quotes|brand|handbag)\b)/;
const publicBefore =
  /(?:president|senator|king|queen|prince|princess|singer|actor|actress|author|poet|novelist|scientist|physicist|mathematician|composer|painter|director|player|founder|philosopher|emperor|character|protagonist|hero|heroine|detective|captain|written by|novel by|book by|directed by|starring|played by|brand|saint|e\.g\.|example|placeholder|sample|dummy|fictional)[\s,:"'(]{1,3}$/i;

function isPinyinName(first: string, last: string): boolean {
  const [a, b] = [first.toLowerCase(), last.toLowerCase()];
  if (!pinyinGiven.test(a) || !pinyinGiven.test(b)) return false;
  return pinyinSurnames.has(a) || pinyinSurnames.has(b);
}

/** Confidence that two capitalised words name a person, 0 where they do not. */
function judge(text: string, start: number, end: number, first: string, middle: string, last: string): number {
  const [a, b] = [first.toLowerCase(), (last.split(' ').at(-1) ?? '').toLowerCase()];
  if (notLastNames.has(a) || notLastNames.has(b)) return 0;
  const middleName = middle.replace('.', '').toLowerCase();
  if (famousEnglish.has(`${a} ${b}`) || famousEnglish.has(`${a} ${middleName}`)) return 0;
  const before = text.slice(Math.max(0, start - 28), start);
  const after = text.slice(end, end + 24);
  if (publicBefore.test(before) || institutionAfter.test(after)) return 0;
  const knownFirst = firstNames.has(a);
  const knownLast = lastNames.has(b);
  if (middle.length > 2 && !(knownFirst && (knownLast || firstNames.has(middleName)))) return 0;
  const left = personBefore.test(before);
  const right = personAfter.test(after);
  const role = strongPersonBefore.test(before);
  if (knownFirst && knownLast) return left || right ? 0.8 : 0.6;
  if (knownFirst && b.length > 2) return role ? 0.75 : left && right && /^[a-z'-]+$/.test(b) ? 0.55 : 0;
  if (knownLast && role && a.length > 2) return 0.65;
  if (isPinyinName(first, last)) return role ? 0.75 : left && right ? 0.6 : 0;
  return 0;
}

/** Full names in Latin letters in a normalised text. `text` keeps its case. */
export function englishNames(text: string): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  pair.lastIndex = 0;
  for (let match = pair.exec(text); match !== null; match = pair.exec(text)) {
    const [whole, first = '', middle = '', last = ''] = match;
    const end = match.index + whole.length;
    const confidence = judge(text, match.index, end, first, middle, last);
    if (confidence > 0) {
      found.push({ type: 'person-name', start: match.index, end, confidence, rule: 'name-latin' });
    } else {
      // The second word may begin a name: "Yesterday John Smith".
      pair.lastIndex = match.index + first.length + 1;
    }
  }
  return found;
}
