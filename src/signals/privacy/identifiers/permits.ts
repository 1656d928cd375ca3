import type { IdentifierMatch, IdentifierType } from '../types.ts';
import { passesHongKongIdCheck, passesTaiwanIdCheck } from './checksums.ts';
import { holds, matchesIn, numberLabel, precededBy, type RuleInput } from './rule-input.ts';

/** A document whose number has no checksum: it counts with its label, or bare where its form is rare enough. */
type LabelledDocument = {
  type: IdentifierType;
  rule: string;
  label: RegExp;
  number: RegExp;
  bare?: RegExp;
  nearby?: RegExp;
};

/** Between a label and its number: particles, punctuation, a few words. */
const gap = '[^\\n。;]{0,20}$';
/** A form names the document on one line and its number on the next. */
const formGap = '[^。;]{0,20}(?:证件号码?|证号|号码|编号|number|no\\.?)[:\\s是为]{0,4}$';
const documents: LabelledDocument[] = [
  {
    type: 'passport',
    rule: 'passport',
    label: new RegExp(`(?:护照|passport|huzhao|hu zhao|旅行证)(?:${gap}|${formGap})`),
    // Foreign forms: nine digits, one to three letters and digits, Germany's C…K with letters inside, France's 12AB34567.
    number:
      /(?<![a-z0-9])(?:(?!dob|born|tel|fax|no |id |on |at |is |exp|age|zip)[a-z]{1,3}[ -]?\d(?:[ -]?\d){5,8}|\d{2}[a-z]{2}\d{5}|[a-z]\d{3}[a-z]\d{4}|(?=[a-z0-9]*\d[a-z0-9]*\d[a-z0-9]*\d)[cfghjklp][0-9cfghjklmnprtvwxyz]{8}|(?!(?:19|20)\d\d[ -]?[01]\d[ -]?[0-3]\d(?!\d))\d(?:[ -]?\d){7,8})(?![a-z0-9])/g,
    // Mainland ordinary passports: E or G with eight digits, or E, a letter and seven digits (since 2017).
    bare: /^(?:[eg]\d{8}|e[a-hj-np-z]\d{7})$/,
  },
  {
    type: 'travel-permit',
    rule: 'hk-macau-permit',
    label: new RegExp(
      `(?:港澳通行证|往来港澳|港澳证|通行证|tongxingzheng|travel permit|(?<![a-z])eep(?![a-z])|exit-entry permit)${gap}`,
    ),
    number: /(?<![a-z0-9])[cw][a-z]?[ -]?\d(?:[ -]?\d){6,7}(?![a-z0-9])/g,
    bare: /^(?:c\d{8}|c[a-hj-np-z]\d{7})$/,
  },
  {
    type: 'travel-permit',
    rule: 'home-return-permit',
    label: new RegExp(`(?:回乡[证卡]|来往内地|home return|通行证|permit)${gap}`),
    number: /(?<![a-z0-9])[hm][ -]?\d(?:[ -]?\d){7,9}(?:[ -]?\d{2})?(?![a-z0-9])/g,
    bare: /^[hm]\d{8}(?:\d{2})?$/,
  },
  {
    type: 'travel-permit',
    rule: 'taiwan-compatriot-permit',
    label: new RegExp(
      `(?:台胞证|台胞|来往大陆|往来台湾|赴台|入台证|入台许可证?|台湾通行证|大通证|大陆通行证|台湾居民|台湾旅客|台湾同胞|taibaozheng|taiwan compatriot|taiwan[ _](?:travel )?permit|mainland[ _]permit|taiwan resident|mainland travel permit|mtp)(?:${gap}|${formGap})`,
    ),
    number: /(?<![a-z0-9])[lt]?[ -]?\d(?:[ -]?\d){7,11}(?:\([a-z]\))?(?![a-z0-9])/g,
    // L and eight digits is nothing else where the sentence is about Taiwan.
    bare: /^[lt]\d{8}$/,
    nearby: /台湾|台北|高雄|台中|台胞|入台|赴台|来台|taiwan|taipei|kaohsiung/,
  },
  {
    type: 'hkid',
    rule: 'macau-id',
    label: new RegExp(`(?:澳门身份证|澳门居民|macau id|(?<![a-z])bir(?![a-z]))${gap}`),
    number: /(?<![a-z0-9])[1578]\/?\d{6}\/?\(?\d\)?(?![a-z0-9])/g,
  },
  {
    type: 'travel-permit',
    rule: 'officer-or-residence-card',
    label: new RegExp(
      `(?:军官证|士兵证|警官证|永久居留身?份?证|永居证|居留许可|居留证|签证号|visa (?:number|no)|residence permit|green card|uscis|alien registration|driver'?s? licen[sc]e|(?<![a-z])dl ?#|驾驶证号|驾照号|档案编号)${gap}`,
    ),
    number: /(?<![a-z0-9])(?:[\u4e00-\u9fa5]字第)?[a-z]{0,3}-?\d(?:-?\d){5,14}号?(?![a-z0-9])/g,
  },
];

const travelWords =
  /证|permit|香港|澳门|港澳|hong kong|macau|通关|过关|口岸|旅客|乘客|过境|入境|签注|酒店|入住|机票|船票/;

/** Letters and digits of a number, as in L8 for L65732450: entries of one list have the same. */
const shapeOf = (number: string): string =>
  number.replace(/[^a-z0-9]/g, '').replace(/\d+/g, (run) => String(run.length));
/** How far apart the entries of a list are at most, characters. */
const listGap = 60;

function labelledDocument(document: LabelledDocument, input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  let listed: { shape: string; end: number } | undefined;
  for (const match of matchesIn(input, document.number)) {
    const end = match.index + match[0].length;
    const labelled =
      precededBy(input.lower, match.index, 60, document.label) ||
      // `12345678 是我的台胞证`: the words behind, read as if they stood before.
      document.label.test(/^[^\n。;\d]{0,20}/.exec(input.lower.slice(end))?.[0] ?? '') ||
      // The label of a list stands before its first entry only.
      (listed !== undefined &&
        match.index - listed.end < listGap &&
        /[a-z]/.test(match[0]) &&
        listed.shape === shapeOf(match[0]));
    if (!labelled && !standsBare(document, input, match.index, end)) continue;
    if (labelled) listed = { shape: shapeOf(match[0]), end };
    const confidence = labelled ? 0.95 : 0.6;
    found.push({ type: document.type, start: match.index, end, confidence, rule: document.rule });
  }
  return found;
}

/** Whether a number without a label is still one of the document, by its form and the words around. */
function standsBare(document: LabelledDocument, input: RuleInput, start: number, end: number): boolean {
  if (document.bare?.test(input.lower.slice(start, end)) !== true) return false;
  if (!/^[A-Z]/.test(input.text.slice(start, end))) return false;
  if (precededBy(input.lower, start, 20, numberLabel) || /[#/._=-]/.test(input.lower[start - 1] ?? '')) return false;
  const around = input.lower.slice(Math.max(0, start - 60), end + 40);
  if (document.nearby !== undefined) return document.nearby.test(around);
  // H or M and digits are part numbers too: eight need a word about travelling or documents nearby.
  return document.rule !== 'home-return-permit' || travelWords.test(around);
}

const hongKongId = /(?<![a-z0-9])([a-z]{1,2})[ -]?(\d{3})[ -]?(\d{3})[ -]?\(?([0-9a])\)?(?![a-z0-9])/g;
const taiwanId = /(?<![a-z0-9])[a-z][ -]?[1289][ -]?\d(?:[ -]?\d){7}(?![a-z0-9])/g;

/** Hong Kong identity card, with its check digit. Without parentheses or a label the form is too common. */
function hongKongIds(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  for (const match of matchesIn(input, hongKongId)) {
    const [whole, letters = '', first = '', second = '', check = ''] = match;
    if (!passesHongKongIdCheck(letters.toUpperCase(), first + second, check.toUpperCase())) continue;
    const labelled = precededBy(
      input.lower,
      match.index,
      24,
      /(?:香港|身份证|hkid|hkic|hk id|identity|id)[^\n]{0,14}$/,
    );
    if (!labelled && !whole.includes('(')) continue;
    const confidence = labelled ? 0.97 : 0.85;
    found.push({ type: 'hkid', start: match.index, end: match.index + whole.length, confidence, rule: 'hkid' });
  }
  return found;
}

function taiwanIds(input: RuleInput): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  for (const match of matchesIn(input, taiwanId)) {
    const value = match[0].replace(/[ -]/g, '').toUpperCase();
    if (!passesTaiwanIdCheck(value)) continue;
    const labelled = precededBy(
      input.lower,
      match.index,
      24,
      /(?:台湾|身[份分]证|统一编号|统一证号|居留证|id)[^\n]{0,12}$/,
    );
    if (!labelled && precededBy(input.lower, match.index, 20, numberLabel)) continue;
    const end = match.index + match[0].length;
    found.push({ type: 'taiwan-id', start: match.index, end, confidence: labelled ? 0.98 : 0.7, rule: 'taiwan-id' });
  }
  return found;
}

/** Passports, permits between the mainland, Hong Kong, Macau and Taiwan, and the identity cards there. */
export function permits(input: RuleInput): IdentifierMatch[] {
  if (!holds(input, /\d{2}|\d[ -]\d/)) return [];
  return [
    ...documents.flatMap((document) => labelledDocument(document, input)),
    ...hongKongIds(input),
    ...taiwanIds(input),
  ];
}
