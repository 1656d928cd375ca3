import { socialCreditCheckCharacter, passesLuhn, residentIdCheckCharacter } from '../privacy/identifiers/checksums.ts';

/** Makes valid identifiers and disguises them. Used by tests and the bench; `next` is uniform in [0, 1). */
export type Next = () => number;

const pick = <Item>(next: Next, items: readonly Item[]): Item => items[Math.floor(next() * items.length)] as Item;
const digits = (next: Next, count: number): string =>
  Array.from({ length: count }, () => String(Math.floor(next() * 10))).join('');
const two = (value: number): string => String(value).padStart(2, '0');

export function makeResidentId(next: Next): string {
  const region = pick(next, ['110105', '310115', '440305', '510104', '330106', '650102', '810000', '420106']);
  const year = String(1930 + Math.floor(next() * 90));
  const seventeen = `${region}${year}${two(1 + Math.floor(next() * 12))}${two(1 + Math.floor(next() * 28))}${digits(next, 3)}`;
  return seventeen + residentIdCheckCharacter(seventeen);
}

export function makeMobile(next: Next): string {
  return (
    pick(next, ['130', '138', '147', '150', '159', '166', '173', '178', '182', '188', '191', '199']) + digits(next, 8)
  );
}

export function makeUnionPayCard(next: Next): string {
  const body = pick(next, ['622202', '621700', '622848', '625912', '621661']) + digits(next, pick(next, [9, 12]));
  for (let last = 0; last < 10; last++) if (passesLuhn(body + String(last))) return body + String(last);
  return body;
}

export function makeSocialCreditCode(next: Next): string {
  const seventeen = `91${pick(next, ['110108', '310000', '440300'])}MA${digits(next, 6)}X`;
  return seventeen + (socialCreditCheckCharacter(seventeen) ?? '');
}

const fullWidth = (text: string): string =>
  Array.from(text, (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0)).join('');
const chinese = (text: string): string =>
  text.replace(/\d/g, (digit) => '零一二三四五六七八九'[Number(digit)] ?? digit);
const capitalChinese = (text: string): string =>
  text.replace(/\d/g, (digit) => '零壹贰叁肆伍陆柒捌玖'[Number(digit)] ?? digit);
const circled = (text: string): string => text.replace(/\d/g, (digit) => '⓪①②③④⑤⑥⑦⑧⑨'[Number(digit)] ?? digit);
const between = (text: string, separator: string): string => Array.from(text).join(separator);

/** Ways in which people (and people who want to hide it) write a number. */
export const disguises: Record<string, (text: string, next: Next) => string> = {
  plain: (text) => text,
  'full width': fullWidth,
  'zero width': (text) => between(text, '\u200b'),
  'bidi marks': (text) => `\u202d${text}\u202c`,
  'chinese numerals': chinese,
  'capital chinese numerals': capitalChinese,
  circled,
  'blanks everywhere': (text) => between(text, ' '),
  'dashes everywhere': (text) => between(text, '-'),
  'blanks in fours': (text) => text.replace(/(.{4})(?=.)/g, '$1 '),
  'line break': (text) => `${text.slice(0, 6)}\n${text.slice(6)}`,
  'mixed numerals': (text, next) =>
    Array.from(text, (character) => (next() < 0.5 ? chinese(character) : character)).join(''),
  'random dashes': (text, next) =>
    Array.from(text, (character) => (next() < 0.3 ? `${character}-` : character))
      .join('')
      .replace(/-$/, ''),
  'html entities': (text) => Array.from(text, (character) => `&#${character.charCodeAt(0)};`).join(''),
  percent: (text) => Array.from(text, (character) => `%${character.charCodeAt(0).toString(16)}`).join(''),
};
