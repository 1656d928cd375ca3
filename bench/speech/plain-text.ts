// oxlint-disable no-restricted-imports -- measures the module, like bench/engine
import { toSimplifiedChinese } from '../../src/engine/modules/speech/simplified-chinese.ts';

const ones =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen'.split(' ');
const han = '零一二三四五六七八九十';

/**
 * What two writers of the same speech agree on: no punctuation, no capitals, no white space, small numbers in words, simplified
 * characters. The same for both sides and the reference.
 *
 * @param likeText in whose language numbers are written
 */
export function plainText(text: string, likeText = text): string {
  const isHan = /\p{Script=Han}/u.test(likeText);
  const words = text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/\d+/g, (digits) => numberWord(digits, isHan));
  return toSimplifiedChinese(words).replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, '');
}

function numberWord(digits: string, isHan: boolean): string {
  const value = Number(digits);
  const word = isHan ? han[value] : ones[value];
  return word ?? Array.from(digits, (digit) => (isHan ? han[Number(digit)] : ones[Number(digit)]) ?? digit).join(' ');
}
