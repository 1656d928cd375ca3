/** Value of each character that people write for a digit, with the radio words 幺 拐 洞 勾 两. */
const values: Record<string, number> = {
  〇: 0, 零: 0, 洞: 0, 一: 1, 壹: 1, 幺: 1, 弌: 1, 二: 2, 贰: 2, 貳: 2, 两: 2, 兩: 2, 三: 3, 叁: 3, 參: 3, 四: 4, 肆: 4,
  五: 5, 伍: 5, 六: 6, 陆: 6, 陸: 6, 七: 7, 柒: 7, 拐: 7, 八: 8, 捌: 8, 九: 9, 玖: 9, 勾: 9,
}; // prettier-ignore

/** One more than the value, from U+3007 on; 0 for what is no numeral. */
const firstNumeral = 0x3007;
const byCharCode = new Uint8Array(0x10000 - firstNumeral);
for (const [character, value] of Object.entries(values)) byCharCode[character.charCodeAt(0) - firstNumeral] = value + 1;

/** 0–9 for an ASCII digit or a Chinese numeral, otherwise −1. */
export function digitValue(charCode: number): number {
  if (charCode >= 48 && charCode <= 57) return charCode - 48;
  if (charCode < firstNumeral) return -1;
  return (byCharCode[charCode - firstNumeral] ?? 0) - 1;
}

const numerals = Object.keys(values).join('');
/** Four in a row, or six and more in groups of two and three: 零四六 四五四 二八六. */
const run = new RegExp(
  `[0-9${numerals}]{4,}|[${numerals}]{2,3}(?:[ -][${numerals}]{2,3}){1,7}(?![${numerals}])|(?<=码[^0-9\\n]{0,4})[${numerals}](?:[ ,、][${numerals}]){3,7}(?![${numerals}])`,
  'g',
);
const anyNumeral = new RegExp(`[${numerals}]`);
/** One numeral behind ASCII digits begins a word (8000一直, 300两人). */
const wordBehind = new RegExp(`\\d[${numerals}]$`);
/** 零七一一九八两分钟: the last one counts what follows. */
const counted = /^(?:分钟|小时|秒|天|位数?|个|次|周|星期|块|万|千|百)/;

/** Every numeral as its ASCII digit, one for one. */
export const convertNumerals = (text: string): string =>
  Array.from(text, (character) => values[character] ?? character).join('');

/** 验证码:四 八 二 九: one numeral at a time behind a word for a code. */
const spelledCode = new RegExp(`码[^0-9\\n]{0,4}[${numerals}][ ,、][${numerals}]`);
/** Whether a numeral stands directly beside another one or a digit: in every run one does. */
function hasNeighbours(text: string): boolean {
  let before = false;
  let numeralBefore = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const is = digitValue(code) >= 0;
    const numeral = is && code > 57;
    if (is && before && (numeral || numeralBefore)) return true;
    before = is;
    numeralBefore = numeral;
  }
  return false;
}

/**
 * Turns runs of four or more numerals into ASCII digits, one for one, so that offsets stay what they were. Shorter runs
 * are ordinary words (一二, 三三两两 aside) and stay.
 */
export function convertNumeralRuns(text: string): string {
  if (!hasNeighbours(text) && !spelledCode.test(text)) return text;
  return text.replace(run, (match, offset: number) => {
    if (!anyNumeral.test(match)) return match;
    if (match.length < 7 && /[ -]/.test(match)) return match;
    const end = offset + match.length;
    const counts = !/\d$/.test(match) && counted.test(text.slice(end, end + 3));
    const kept = counts || wordBehind.test(match) ? match.slice(-1) : '';
    const converted = kept === '' ? match : match.slice(0, -1);
    return Array.from(converted, (character) => values[character] ?? character).join('') + kept;
  });
}
