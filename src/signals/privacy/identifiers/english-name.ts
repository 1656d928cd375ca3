import type { IdentifierMatch } from '../types.ts';
import type { Anchor } from './chinese-name-slot.ts';
import { ambiguousFirstNames, firstNames, lastNames, notLastNames, pinyinSurnames } from './english-name-words.ts';
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
  /(?:\b(?:mr|mrs|ms|miss|dr|patient|client|customer|employee|applicant|candidate|tenant|student|teacher|nurse|colleague|coworker|neighbou?r|friend|wife|husband|son|daughter|brother|sister|mother|father|mom|dad|uncle|aunt|cousin|boss|manager|supervisor|assistant|landlord|roommate|partner|name|names|by|contact|attn|attention|cc|to|from|for|with|and|dear|hi|hello|regards|sincerely|signed|attendees?|guest|passenger|recipient|owner|holder|beneficiary|witness|defendant|plaintiff|called|named|told|asked|met|emailed|i'm|i am|is|that|my|our|ask|tell|email|call|meet|invite|remind|user|assignee|reporter|author|wrote|write|saw|paid|owe|owes|loves?|hate|after|about|before|of|c\/o|under|as|lists?|says?|asks?|between|or|when|because|if|since|met|knows?|believe|think|promote|hire|fire|fired|hired|pay|forward|reply|respond|sue|report|reported|suspects?|thank|introduce|recommend|interview|interviewed|diagnosed|treat|treated|admitted|discharged|visit|visited|marry|divorce|dating|kissed|hit|support|over|than|where|while|although|but|so|this|sure|through|against|behind|without|like|at|on|including|plus|via|per|re|see|saw|share|shared|left|let|make|made|give|gave|send|sent|show|shows|help|helped|get|got|let|lets|remember|forgot|miss|missed|blame|trust|love|hug|cover|covers|covering|replace|replaced|succeed|join|joined|beat|teach|teaches|taught|train|trained)[.:"'\s(=,-]{1,4}|[|,:;"'([\t\n>@=/·、-]\s{0,3}|^\s*|[.!?]\s|[\u4e00-\u9fa5]\s?)$/i;
const strongPersonBefore =
  /\b(?:mrs?|ms|miss|dr|prof|professor|sir|madam|patient|client|customer|employee|applicant|candidate|tenant|student|nurse|colleague|coworker|neighbou?r|friend|wife|husband|son|daughter|brother|sister|mother|father|uncle|aunt|cousin|boss|manager|supervisor|assistant|landlord|roommate|name|contact|attn|dear|regards|sincerely|signed|guest|passenger|recipient|beneficiary|witness|defendant|plaintiff|called|named|i'm|i am|victim|director|shareholder|secretary|guarantor|borrower|lender|signatory|spouse|heir|trustee|executor|nominee|visitor|renter|driver|payee|payer|sender|host|professor|instructor|lawyer|attorney|counsel|doctor|therapist|girlfriend|boyfriend|fiancee?|flatmate|godmother|godfather|grandmother|grandfather|niece|nephew|c\/o|estate of|booking under|concern|representative|under the name(?: of)?|child's name is|baby's name is|real name is|full name is|name is|signed|hu ming|xing ming|ming zi|jiao)[.:"'\s(=,-]{1,4}$|(?:姓名|名字(?:是|叫)?|英文名(?:是|叫)?|户名|叫做?|名叫|室友|同学|同事|朋友|老师|医生|客户|代表|先生|女士|收件人|联系人|寄给|转给|发给|联系|找|我是)[:\s是]{0,3}$/i;
const personAfter =
  /^(?:'s\b|\s?[,;|)"\]<\n(/:]|\s(?:is|was|has|had|will|said|says|told|asked|wrote|called|lives?|lived|works?|worked|born|and|at|from|on|in|who|for|about|to|came|left|sent|needs|wants|paid|owes|signed|joined|moved|got|just|did|does|can|could|would|should|missed|failed|passed|booked|reported|complained|emailed|texted|died|married|lives|goes|gave|took|made|went|keeps|never|always|also|if|when|because|before|after|or|by|as|of|this|that|her|his|my|me|him|us|them|the|a|an|your|our|it|have|hasn't|hadn't|isn't|wasn't|didn't|doesn't|won't|can't|couldn't|refuses?d?|filed?|files|threaten(?:ed|s)|admitted|denied|claims?|claimed|wants|hates?|loves?|likes?|thinks?|knows?|knew|feels?|felt|seems?|looks?|looked|earns?|makes|owns?|bought|sold|lost|found|won|quit|resigned|retired|passed|applied|submitted|requested|agreed|disagreed|promised|lied|stole|borrowed|lent|rents?|rented|moved|visited|stayed|slept|suffers?|suffered|underwent|takes|starts?|started|finished|ended|runs?|ran|drives?|drove|drinks?|drank|smokes?|cheated|hit|slapped|yelled|shouted|cried|laughed|again|yesterday|today|tomorrow|tonight|last|next|every|about|over|under|out|up|down|back|there|here|too|either|instead|without|during|since|until|while|where|which|than|then|so|but|yet|via|regarding|re)\b|\s\d|\.|\?|!|[，,、·=@#*-]|\s{2}|\s?[\u4e00-\u9fa5]|\s*$)/;
const institutionAfter =
  /^(?:'s)?\s?(?:&|(?:Street|St|Avenue|Ave|Road|Rd|Lane|Drive|University|College|School|Hospital|Church|Park|Station|Airport|Hotel|Museum|Library|Cent(?:er|re)|Company|Co|Inc|Corp|Ltd|LLC|Group|Bank|Club|Foundation|Institute|Award|Prize|Theorem|Stadium|Building|Tower|Hall|Memorial|Square|Bridge|Furniture|Watch|Perfume|Shoes|whiskey|theorem|equation|novel|movie|film|album|song|biography|quote|quotes|brand|handbag)\b)/;
const publicBefore =
  /(?:president|senator|king|queen|prince|princess|singer|actor|actress|author|poet|novelist|scientist|physicist|mathematician|composer|painter|director|player|founder|philosopher|emperor|character|protagonist|hero|heroine|detective|captain|written by|novel by|book by|directed by|starring|played by|brand|saint|e\.g\.|example|placeholder|sample|dummy|fictional)[\s,:"'(]{1,3}$/i;

/** Endings that family names of Europe and the Caucasus have and words do not. */
const familyEnding =
  /.{2}(?:qvist|quist|wicz|wski|wska|cki|cka|ska|sson|ssen|nsen|rsen|tsen|ski|sky|wicz|berg|stein|mann|worth|ovich|evich|enko|opoulos|akis|escu|elli|etti|andez|inez|iguez|oulos|strom|lund|gaard|dottir|adze|shvili|oglu|greaves|nathy|erty|wright|smith|shaw|combe|bury)$/;

const oneSyllable = new RegExp(
  `^(?:${syllable}|kar|hei|wai|ling|fai|wing|yuen|chee|seng|hock|choon|kwok|shuk|sze|tze|kee|lok|yiu)$`,
  'i',
);
const doubleSyllable = new RegExp(`^${syllable}${syllable}$`, 'i');

function isPinyinName(first: string, last: string): boolean {
  const [a, b] = [first.toLowerCase(), last.toLowerCase()];
  if (!pinyinGiven.test(a) || !pinyinGiven.test(b)) return false;
  return pinyinSurnames.has(a) || pinyinSurnames.has(b);
}

/** Vietnam puts the family in front (Nguyen Thi Lan), Korea in Latin letters mostly behind (Jun Ho Park). */
const vietnameseFamilies = /^(?:nguyen|tran|le|pham|hoang|huynh|phan|vu|vo|dang|bui|do|ho|ngo|duong|ly|trinh|dinh)$/i;
const vietnameseGiven =
  /^(?:thi|van|minh|anh|duc|huu|quang|quoc|thanh|ngoc|thu|hong|kim|bich|dinh|xuan|tuan|hoang|lan|linh|mai|hoa|huong|hang|nga|nhung|phuong|thao|trang|tuyet|yen|hung|dung|cuong|hieu|khanh|long|nam|phong|son|tam|tien|toan|tri|tung|viet|binh|chi|giang|ha|hai|lam|loan|my|nhi|oanh|quynh|thuy|van|vy)$/i;
const koreanFamilies =
  /^(?:kim|lee|park|choi|jung|jeong|kang|cho|yoon|jang|lim|han|shin|seo|kwon|hwang|ahn|song|ryu|hong|moon|bae|baek|yoo|nam|ko|oh|son)$/i;
const koreanSyllable =
  /^(?:jun|jin|ji|jae|joo|ju|ho|hoon|hyun|hye|ha|hee|in|eun|young|yeon|yoon|yong|woo|won|wook|sang|seo|seok|seung|su|soo|sun|sung|sook|tae|dong|do|da|bin|bo|byung|chan|chul|kyu|kyung|ki|min|mi|myung|na|rae|ra|sik|suk|ah|rin|chae)$/i;

function isThreePartName(one: string, two: string, three: string): boolean {
  if (three === '') return false;
  return (
    (vietnameseFamilies.test(one) && vietnameseGiven.test(two) && vietnameseGiven.test(three)) ||
    (koreanSyllable.test(one) && koreanSyllable.test(two) && koreanFamilies.test(three)) ||
    (koreanFamilies.test(one) && koreanSyllable.test(two) && koreanSyllable.test(three))
  );
}

/** Words on forms, in capitals as names are. */
const keyWords =
  /\b(?:passport|phone|email|e-mail|mail|account|card|number|order|server|address|tel|mobile|bank|visa|form|please|dear|hello|hi|hkid|ssn|iban|swift|code|id|no|ref|reference|invoice|customer|client|service|support|help|desk|national|insurance|driver|member|policy|health|record|hospital|office|team|department|social|security|date|birth|credit|debit|contact|home|work|wire|transfer|payment|tax|permit|licen[cs]e|plate|driver|ip|dns|port|host|login|user|username|password|api|key|token|secret|access|deutsche|commerz|sparkasse|barclays|hsbc|chase|revolut|flight|ticket|booking|room|hotel|street|road|new|old|my|your|his|her|our|their|send|reply|call|text|whatsapp|wechat)\b/;
const anchorReach = 14;

/** Whether one part is a known surname and the other two syllables written together (Ruoxi). */
function twoSyllables(a: string, b: string): boolean {
  const given = pinyinSurnames.has(a) ? b : a;
  return given.length >= 4 && doubleSyllable.test(given);
}

/** Confidence that two capitalised words name a person, 0 where they do not, undefined for a public name. */
function judge(
  text: string,
  start: number,
  end: number,
  [first, middle, last]: [string, string, string],
  anchored: boolean,
): number | undefined {
  const [a, b] = [first.toLowerCase(), (last.split(' ').at(-1) ?? '').toLowerCase()];
  const pinyin = isPinyinName(first, last);
  if ((notLastNames.has(a) && !(pinyin && b.length >= 4)) || notLastNames.has(b)) return 0;
  const middleName = middle.replace('.', '').toLowerCase();
  if (famousEnglish.has(`${a} ${b}`) || famousEnglish.has(`${a} ${middleName}`)) return undefined;
  const before = text.slice(Math.max(0, start - 28), start);
  const after = text.slice(end, end + 24);
  if (publicBefore.test(before) || institutionAfter.test(after)) return 0;
  const knownFirst = firstNames.has(a);
  const plainFirst = knownFirst && !ambiguousFirstNames.has(a);
  const knownLast = lastNames.has(b) || familyEnding.test(b);
  if (middle.length > 2 && !(knownFirst && (knownLast || firstNames.has(middleName)))) return 0;
  const left = personBefore.test(before);
  const right = personAfter.test(after);
  const role = strongPersonBefore.test(before);
  if (knownFirst && knownLast) return left || right ? 0.8 : 0.6;
  // The number of a document or a telephone beside two capitalised words names the one it belongs to.
  if (anchored && left && b.length > 2 && !keyWords.test(`${a} ${b}`))
    return knownFirst || knownLast || pinyin ? 0.75 : 0.6;
  if (knownFirst && b.length > 2)
    return role
      ? 0.75
      : left && right && /^[a-z'-]+$/.test(b)
        ? 0.55
        : plainFirst && (left || right) && b.length > 3
          ? 0.5
          : 0;
  if (knownLast && a.length > 2 && !pinyin) {
    if (role) return 0.65;
    // Xiaolin Lindqvist: a given name in pinyin.
    return (familyEnding.test(b) || a.includes('-')) && pinyinGiven.test(a) && left && right ? 0.55 : 0;
  }
  // Two syllables run together are a given name; one alone could be any word.
  if (pinyin) return role ? 0.75 : left && right ? 0.6 : (left || right) && twoSyllables(a, b) ? 0.55 : 0;
  return role && right && a.length > 2 && b.length > 3 && !keyWords.test(`${a} ${b}`) ? 0.55 : 0;
}

/** Full names in Latin letters in a normalised text. `text` keeps its case. */
export function englishNames(text: string, anchors: readonly Anchor[] = []): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  pair.lastIndex = 0;
  for (let match = pair.exec(text); match !== null; match = pair.exec(text)) {
    const [whole, first = '', middle = '', last = ''] = match;
    const start = match.index;
    let end = start + whole.length;
    // Tan Mei Ling: a surname and two syllables, each with a capital.
    const third = /^\s([A-Z][a-z]{1,5})(?![A-Za-z])/.exec(text.slice(end, end + 8));
    const threeSyllables =
      middle === '' &&
      pinyinSurnames.has(first.toLowerCase()) &&
      oneSyllable.test(last) &&
      oneSyllable.test(third?.[1] ?? '');
    const threeParts = !threeSyllables && middle === '' && isThreePartName(first, last, third?.[1] ?? '');
    if (threeSyllables || threeParts) end += third?.[0].length ?? 0;
    const anchored = anchors.some(
      (anchor) =>
        (anchor.start >= end && anchor.start - end <= anchorReach) || (anchor.end <= start && start - anchor.end <= 2),
    );
    const judged = judge(text, start, end, [first, middle, last], anchored);
    if (judged === undefined) continue;
    const confidence =
      (threeSyllables || threeParts) && !famousEnglish.has(`${first} ${last}`.toLowerCase())
        ? Math.max(judged, 0.55)
        : judged;
    if (confidence > 0) {
      found.push({ type: 'person-name', start: match.index, end, confidence, rule: 'name-latin' });
    } else {
      // The second word may begin a name: "Yesterday John Smith".
      pair.lastIndex = match.index + first.length + 1;
    }
  }
  // Tickets: GARCIA/MARIA MS.
  for (const match of text.matchAll(
    /(?<![A-Z/])[A-Z]{2,20}\/[A-Z]{2,20}(?:\s[A-Z]{2,20})?\s?(?:MR|MS|MRS|MISS|MSTR|CHD)(?![A-Z])/g,
  )) {
    found.push({
      type: 'person-name',
      start: match.index,
      end: match.index + match[0].length,
      confidence: 0.75,
      rule: 'name-ticket',
    });
  }
  return found;
}
