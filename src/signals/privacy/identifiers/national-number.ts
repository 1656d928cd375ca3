import type { IdentifierMatch } from '../types.ts';
import { passesLuhn, passesNhsCheck } from './checksums.ts';
import type { DigitWindow } from './digit-windows.ts';
import { labelledValues } from './labelled-value.ts';
import { exampleWords, matchesIn, numberLabel, precededBy, type RuleInput } from './rule-input.ts';

/**
 * Numbers under which states keep a person for insurance, health and taxes. Forms from the issuers' own pages: HMRC (NI
 * number), CRA (SIN), NHS, ATO (TFN), Revenue (PPSN), UIDAI, ICA, Receita Federal and others.
 */

/** HMRC's prefixes: no D F I Q U V, no O in second place, and six pairs that were never given out. */
const britishPrefix = '(?!bg|gb|kn|nk|nt|tn|zz)[abceghj-prstw-z][abceghj-nprstw-z]';
const british = new RegExp(
  `(?<![a-z\\d])${britishPrefix}(?:(?<gap>[ .-]?)\\d{2}\\k<gap>\\d{2}\\k<gap>\\d{2}\\k<gap>|[ -]?\\d{6}[ -]?)[a-d](?![a-z\\d]|-\\d)`,
  'g',
);
const britishMatter =
  /(?<![a-z])(?:n\.?i\.?(?:n[o.]?)?|nino)(?![a-z])|national insurance|insurance|hmrc|payroll|payslip|paye|p45|p60|p11d|dwp|universal credit|pension|starter|employ|salary|wages?|tax|self.assessment|student loan|benefit|uk\b|britain|british|england|国民保险|英国|入职|工资|税|社保|保险/;
const ownMatter = /(?<![a-z])(?:my|her|his|their|mine|i|me)(?![a-z])|我|他|她|本人/;

/** British National Insurance numbers, by their form where it is written out, otherwise near a word of their matter. */
function nationalInsurance(input: RuleInput): IdentifierMatch[] {
  const { text, lower } = input;
  const found: IdentifierMatch[] = [];
  for (const match of matchesIn(input, british)) {
    const end = match.index + match[0].length;
    const before = lower.slice(Math.max(0, match.index - 60), match.index);
    const around = `${before} ${lower.slice(end, end + 48)}`;
    if (exampleWords.test(around) && !ownMatter.test(around)) continue;
    if (britishMatter.test(around)) {
      found.push({ type: 'social-insurance', start: match.index, end, confidence: 0.93, rule: 'national-insurance' });
      continue;
    }
    // AB 12 34 56 C is hardly anything else; in one piece it may be a part of a machine.
    const capitals = /^[A-Z]{2}.*[A-D]$/.test(text.slice(match.index, end));
    if (precededBy(lower, match.index, 20, numberLabel) || !capitals) continue;
    if ((match.groups?.['gap'] ?? '') !== '' || ownMatter.test(before.slice(-24)))
      found.push({ type: 'social-insurance', start: match.index, end, confidence: 0.6, rule: 'national-insurance' });
  }
  return found;
}

/** By their label; the forms with letters and separators of their own by form alone. */
const labelled = labelledValues([
  {
    type: 'social-insurance',
    rule: 'national-insurance-labelled',
    confidence: 0.9,
    // Temporary and mistyped numbers too.
    hint: /national insurance|(?<![a-z])nino|(?<![a-z])ni(?: ?(?:number|no|#)|[:=])|国民保险/,
    label:
      'national insurance(?: (?:number|no\\.?))?|(?<![a-z])(?:nino|ni ?(?:number|no\\.?|#|(?=[:=])))(?![a-z])|国民保险号?',
    value: '[a-z]{2}[ -]?\\d{2}[ -]?\\d{2}[ -]?\\d{2}[ -]?[a-d](?![a-z\\d])',
    behind: true,
  },
  {
    type: 'social-insurance',
    rule: 'national-number',
    confidence: 0.85,
    hint: /aadha|steuer|vitale|tfn|tax file|pps|(?:sozial|renten)versicherung|sécu|secu|insee|マイナンバー|个人番号|my number card|(?<![a-z])(?:nif|dni|nie|bsn|pesel|ahv|avs|nric|fin|cpf)(?![a-z])|personnummer|burgerservice|codice fiscale|身份证|nrn|curp/,
    label:
      'aadhaa?r(?: card)?|steuer-?(?:id(?:entifikationsnummer|nr\\.?)?|nummer)|carte vitale|(?<![a-z])tfn(?![a-z])|tax file|(?<![a-z])ppsn?(?![a-z])|(?:sozial|renten)versicherungs?(?:nummer|nr\\.?)?|num[eé]ro de s[eé]cu(?:rit[eé] sociale)?|(?<![a-z])insee(?![a-z])|マイナンバー|个人番号|my number card|(?<![a-z])(?:nif|dni|nie|bsn|pesel|ahv|avs|cpf)(?![a-z])|personnummer|burgerservicenummer|(?<![a-z])nric(?:\\/fin)?(?![a-z])|(?<![a-z])fin (?:number|no\\.?)|新加坡身份证|codice fiscale|(?<![a-z])curp(?![a-z])',
    value:
      '(?:[a-z]{1,4}-?)?\\d(?:[ .-]?\\d){4,14}(?:[ -]?[a-z]{1,2}(?: ?\\d{3})?)?(?![a-z\\d]|\\.\\d)|[stfgm]\\d{7}[a-z](?![a-z\\d])|[a-z]{6}\\d{2}[a-z]\\d{2}[a-z]\\d{3}[a-z](?![a-z\\d])|[a-z]{4}\\d{6}[a-z]{6}[a-z\\d]\\d(?![a-z\\d])',
    behind: true,
    accept: (value) => (value.match(/\d/g)?.length ?? 0) >= 7,
  },
]);
/** CPF 529.982.247-25, AHV 756.1234.5678.97, codice fiscale, the Korean number with a date of birth in front. */
const ownForm =
  /(?<![\d.a-z-])(?:\d{3}\.\d{3}\.\d{3}-\d{2}|756\.\d{4}\.\d{4}\.\d{2}|[a-z]{6}\d{2}[abcdehlmprst](?:[0-6]\d|7[01])[a-z]\d{3}[a-z]|\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-[1-4]\d{6})(?![\d.a-z-])/g;

/** Insurance, health and tax numbers of other countries. */
export function nationalNumber(input: RuleInput): IdentifierMatch[] {
  const found = [...nationalInsurance(input), ...labelled(input)];
  for (const match of matchesIn(input, ownForm)) {
    if (precededBy(input.lower, match.index, 20, exampleWords) || precededBy(input.lower, match.index, 20, numberLabel))
      continue;
    const end = match.index + match[0].length;
    found.push({ type: 'social-insurance', start: match.index, end, confidence: 0.75, rule: 'national-number-form' });
  }
  return found;
}

export const canadian =
  /(?:(?<![a-z])s\.?i\.?n\.?(?![a-z])|social insurance|insurance number|(?<![a-z])nas(?![a-z])|工卡|社会保险号|社保号?)[^\n\d]{0,34}$/;
export const canadianBehind = /^[\s,.)]{0,3}[^\n\d.]{0,20}?(?:(?<![a-z])sin(?![a-z])|social insurance|工卡)/;
const canadianMatter =
  /(?<![a-z])(?:cra|t4|t1|rrsp|tfsa|ei|canada|canadian|ontario|toronto|vancouver|montreal|calgary|quebec)(?![a-z])|revenue agency|加拿大|多伦多|温哥华/;
export const nhs = /(?<![a-z])nhs(?![a-z])[^\n\d]{0,24}$/;
export const nhsBehind = /^[\s,.)]{0,3}[^\n\d.]{0,16}?(?<![a-z])nhs(?![a-z])/;
const isAlike = (digits: string): boolean => /^(\d)\1+$/.test(digits) || digits === '123456789';

/** Canadian SIN (nine digits, Luhn) and British NHS number (ten, modulo 11), also where they are spelled out. */
export function insuranceWindow(window: DigitWindow, input: RuleInput): IdentifierMatch | undefined {
  const { digits, start, end } = window;
  const make = (confidence: number, rule: string): IdentifierMatch => ({
    type: 'social-insurance',
    start,
    end,
    confidence,
    rule,
  });
  if (digits.length === 9) {
    if (window.fraction || isAlike(digits) || digits.startsWith('8')) return undefined;
    const labelledAs =
      precededBy(input.lower, start, 40, canadian) || canadianBehind.test(input.lower.slice(end, end + 36));
    if (passesLuhn(digits)) {
      if (labelledAs) return make(0.98, 'canadian-sin');
      const sizes = window.groups.join('-');
      return sizes === '3-3-3' &&
        window.bounded &&
        canadianMatter.test(input.lower.slice(Math.max(0, start - 80), end + 60))
        ? make(0.7, 'canadian-sin')
        : undefined;
    }
    return labelledAs && precededBy(input.lower, start, 40, /social insurance[^\n\d]{0,24}$/)
      ? make(0.6, 'canadian-sin-mistyped')
      : undefined;
  }
  if (digits.length !== 10 || window.fraction || !passesNhsCheck(digits)) return undefined;
  return precededBy(input.lower, start, 30, nhs) || nhsBehind.test(input.lower.slice(end, end + 28))
    ? make(0.96, 'nhs-number')
    : undefined;
}
