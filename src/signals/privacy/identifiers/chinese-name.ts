import type { IdentifierMatch } from '../types.ts';
import {
  doubleSurnameList,
  givenWeights,
  isDoubleSurname,
  neverGiven,
  slotSurnames,
  surnameWeights,
  weakDoubleSurnames,
} from './chinese-name-characters.ts';
import { isHan, isNameGang, isPublicName, leftScore, mayBePublic, rightScore } from './chinese-name-context.ts';
import { nameInSlot, type Anchor } from './chinese-name-slot.ts';
import { counts, notGivenPairs, wordsAsGiven, wordsLikeNames, wordsThatEndSo } from './chinese-name-words.ts';
import { famousChinese } from './famous-names.ts';
import { charactersOf, WordBeginnings } from './word-beginnings.ts';

/**
 * Chinese full names wherever they stand. The rule: a surname (weighted by how seldom it begins an ordinary word), one
 * or two characters of given names (weighted by how much rarer they are elsewhere), and what stands on both sides
 * (punctuation, a form's key, a role such as 患者, a verb that persons do) add up to a score; a name counts from
 * `thresholdTwo` or `thresholdThree` on. Ordinary words, titles after a surname and known public names never count.
 */
/** Tables that pass over most places. */
const likeNames = new WordBeginnings(wordsLikeNames);
const notGiven = new WordBeginnings(notGivenPairs);
const endSo = new WordBeginnings(wordsThatEndSo);
const endsOfCounts = charactersOf(counts);

const thresholdThree = 3.1;
const thresholdTwo = 3.2;

type Candidate = { start: number; end: number; score: number };

function givenScore(text: string, from: number, length: 1 | 2): number | undefined {
  let score = 0;
  for (let index = from; index < from + length; index++) {
    const code = text.charCodeAt(index);
    if (!isHan(code) || (neverGiven.has(code) && !isNameGang(text, index, from + length))) return undefined;
    score += givenWeights.get(code) ?? -1.2;
  }
  return score;
}

function beginsWord(text: string, at: number): boolean {
  if (!notGiven.mayBegin(text, at) && !likeNames.mayBegin(text, at)) return false;
  const word = text.slice(at, at + 2);
  return notGivenPairs.has(word) || wordsLikeNames.has(word);
}

function candidate(
  text: string,
  start: number,
  surnameLength: 1 | 2,
  weight: number,
  given: 1 | 2,
  left: number,
): Candidate | undefined {
  const from = start + surnameLength;
  const end = from + given;
  if (end > text.length) return undefined;
  const base = givenScore(text, from, given);
  if (base === undefined) return undefined;
  // The last character begins a word with the next one: 张伟明天来.
  if (given === 2 && beginsWord(text, end - 1)) return undefined;
  if (given === 1 && notGivenPairs.has(text.slice(from, from + 2))) return undefined;
  if (isPublicName(text.slice(start, end))) return undefined;
  const right = rightScore(text, end);
  if (right === undefined) return undefined;
  // Two characters prove little: both sides have to agree, or one of them strongly.
  const plain = weight >= 1.6 && base >= 1.6;
  if (
    given === 1 &&
    surnameLength === 1 &&
    left < 2 &&
    (left < 0.7 || right < 0.5) &&
    !(plain && (left >= 0.7 || right >= 0.8))
  )
    return undefined;
  if (given === 2 && notGivenPairs.has(text.slice(from, end)) && (left < 0.7 || right < 0.8)) return undefined;
  // A weak surname needs a role or a strong given name.
  if (weight === 0 && left < 0.7) return undefined;
  if (weight < 0 && (left < 0.7 || right < 0.8 || (given === 1 && left < 2))) return undefined;
  const known = givenWeights.has(text.charCodeAt(from)) && givenWeights.has(text.charCodeAt(end - 1));
  if (!known && weight < 2 && left < 2) return undefined;
  // 朱红梅 begins as a word does: it takes a plain surname, a plain end and both sides.
  const likeWord =
    surnameLength === 1 && likeNames.mayBegin(text, start) && wordsLikeNames.has(text.slice(start, start + 2));
  if (
    likeWord &&
    (given === 1 ||
      weight < 1.5 ||
      left < 0.7 ||
      right < 0.8 ||
      (givenWeights.get(text.charCodeAt(end - 1)) ?? 0) < 1.6)
  )
    return undefined;
  const whole = given === 2 && surnameLength === 1 && base >= 3 ? 0.3 : 0;
  // Alone between punctuation, as in a list of those present.
  const alone = given === 1 && base >= 1.6 && left >= 0.8 && right >= 0.8 && !isHan(text.charCodeAt(end)) ? 0.4 : 0;
  return { start, end, score: weight + base + left + right + whole + alone };
}

/** Best reading of the surname at `start`, if any reading is good enough. */
function nameAt(text: string, start: number): Candidate | undefined {
  const isDouble = isDoubleSurname(text, start);
  const weight = isDouble
    ? weakDoubleSurnames.has(text.slice(start, start + 2))
      ? 0.9
      : 3
    : surnameWeights.get(text.charCodeAt(start));
  if (weight === undefined) return undefined;
  const surnameLength = isDouble ? 2 : 1;
  const next = text.charCodeAt(start + surnameLength);
  // Most places fail here: no character of a name follows, or only a plain surname could bear with it.
  if (!isHan(next) || (weight < 1.6 && !givenWeights.has(next))) return undefined;
  // 刚 and 来 are parts of names, too.
  if (neverGiven.has(next) && next !== 0x521a && next !== 0x6765) return undefined;
  const mayBeWord = likeNames.mayBegin(text, start);
  if (mayBeWord && wordsLikeNames.has(text.slice(start, start + 3))) return undefined;
  if (
    start > 0 &&
    ((endSo.mayBegin(text, start - 1) && wordsThatEndSo.has(text.slice(start - 1, start + 1))) ||
      (endsOfCounts[text.charCodeAt(start)] === 1 && counts.test(text.slice(start - 1, start + 1))))
  )
    return undefined;
  const pair = text.slice(start + surnameLength, start + surnameLength + 2);
  const wordAsGiven = weight >= 1.6 && wordsAsGiven.has(pair);
  if (notGivenPairs.has(pair) && !wordAsGiven) return undefined;
  const mayBe = mayBePublic(text, start);
  if (mayBe && (isPublicName(text.slice(start, start + 3)) || famousChinese.has(text.slice(start, start + 4))))
    return undefined;
  // 柴静怡 is not 柴静, where the third character hardly is anything but a part of a name.
  const famous = mayBe && famousChinese.has(text.slice(start, start + 2));
  if (
    famous &&
    !((givenWeights.get(text.charCodeAt(start + 2)) ?? 0) >= 1.6 && (rightScore(text, start + 3) ?? 0) >= 0.8)
  )
    return undefined;
  const left = leftScore(text, start, weight);
  if (left === undefined) return undefined;
  const two = candidate(text, start, surnameLength, weight, 2, left);
  const one = wordAsGiven || famous ? undefined : candidate(text, start, surnameLength, weight, 1, left);
  const best = two !== undefined && two.score >= thresholdThree ? two : undefined;
  if (one !== undefined && one.score >= thresholdTwo && (best === undefined || one.score > best.score + 0.6))
    return one;
  return best;
}

/** One flag for each ideograph that a surname begins with: most text is passed over by it. */
const beginsName = new Uint8Array(0x5200);
for (const name of doubleSurnameList) beginsName[name.charCodeAt(0) - 0x4e00] = 1;
for (const code of [...surnameWeights.keys(), ...slotSurnames]) beginsName[code - 0x4e00] = 1;

/**
 * Full names in Chinese characters in a normalised text, left to right, without overlaps. `anchors` are the places of
 * numbers and addresses found before.
 */
export function chineseNames(text: string, anchors: readonly Anchor[] = []): IdentifierMatch[] {
  const found: IdentifierMatch[] = [];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (!isHan(code) || beginsName[code - 0x4e00] === 0) continue;
    // No name begins inside a public one.
    if (mayBePublic(text, index) && isPublicName(text.slice(index, index + 3))) {
      index += 2;
      continue;
    }
    const name = nameAt(text, index);
    if (name !== undefined) {
      const confidence = Math.min(0.9, 0.55 + 0.08 * (name.score - thresholdThree));
      found.push({ type: 'person-name', start: name.start, end: name.end, confidence, rule: 'name-chinese' });
      index = name.end - 1;
      continue;
    }
    const inSlot = nameInSlot(text, index, anchors);
    if (inSlot === undefined) continue;
    found.push({ type: 'person-name', start: index, end: inSlot.end, confidence: 0.65, rule: 'name-chinese-in-slot' });
    index = inSlot.end - 1;
  }
  return found;
}
