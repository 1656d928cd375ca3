import { TermMatcher } from '../term-matcher.ts';
import { cueWords, type CueGroup } from './cue-words.ts';
import { softTopicWords } from './soft-topic-words.ts';
import { topicWords } from './topic-words.ts';

/**
 * Features of one stretch of text. Two kinds: groups of words (which topic words, whose matter) with their products, so
 * that an unseen sentence about a known illness and the speaker is recognised; and hashed n-grams (characters of Chinese,
 * words of English) for what no list holds.
 */
const allTopicWords = { ...topicWords, ...softTopicWords };
const topicGroups = Object.keys(allTopicWords) as (keyof typeof allTopicWords)[];
const cueGroups = Object.keys(cueWords) as CueGroup[];

const personal: CueGroup[] = ['self', 'selfPlural', 'kin', 'acquaintance', 'third', 'named'];
const impersonal: CueGroup[] = [
  'general', 'arithmetic', 'fiction', 'research', 'genericPeople', 'figurative', 'technical', 'language', 'study', 'institution',
  'curiosity', 'hypothetical', 'publicFigure',
]; // prettier-ignore

const topicCount = topicGroups.length;
const cueCount = cueGroups.length;
/** Derived cues: somebody is meant and nothing says otherwise; nobody is meant; a question; digits; Chinese. */
const derivedCount = 5;
const allCues = cueCount + derivedCount;
const crossBase = topicCount + allCues;
const pairBase = crossBase + topicCount * allCues;
/** Number of dense features; a model file is bound to it. */
export const denseCount = pairBase + personal.length * impersonal.length;

const cueIndex = (group: CueGroup): number => cueGroups.indexOf(group);
const personalIndexes = personal.map(cueIndex);
const impersonalIndexes = impersonal.map(cueIndex);
const childWordIndex = topicGroups.indexOf('childWord');

let matcher: TermMatcher<number> | undefined;
/** Built on first use (about 10 ms): a page that never looks for topics does not pay for it. */
function termMatcher(): TermMatcher<number> {
  if (matcher === undefined) {
    const terms: { text: string; tag: number }[] = [];
    topicGroups.forEach((group, index) => {
      for (const text of allTopicWords[group].split('|')) terms.push({ text, tag: index });
    });
    cueGroups.forEach((group, index) => {
      for (const text of cueWords[group].split('|')) terms.push({ text, tag: topicCount + index });
    });
    matcher = new TermMatcher(terms);
  }
  return matcher;
}

/** What one sentence holds. Sentences add up, so neighbours can be judged together without reading them again. */
export type TextFeatures = {
  /** One bit for each topic group and cue group. */
  present: Uint8Array;
  /** Hashes of the n-grams, repeated ones repeated; the first `gramCount` count. */
  grams: Uint32Array;
  gramCount: number;
  question: boolean;
  digits: boolean;
  chinese: boolean;
};

/** The offset basis and prime of 32-bit FNV-1a, with a final mix. */
function mix(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (once ^ (once >>> 13)) >>> 0;
}

const isLatin = (code: number): boolean => (code >= 97 && code <= 122) || code === 39;
const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isIdeograph = (code: number): boolean => code >= 0x3400 && code <= 0x9fff;

/** Room for the n-grams of a stretch of so many characters. */
export const gramRoom = (characters: number): number => characters * 3 + 3;

/**
 * Reads the features of `lower` (normalised, lower case) between two offsets. `grams` is where the n-grams are written:
 * room for one stretch serves for all of a text where each is used before the next is read.
 */
export function extractFeatures(
  lower: string,
  start: number,
  end: number,
  grams: Uint32Array = new Uint32Array(gramRoom(end - start)),
): TextFeatures {
  const present = new Uint8Array(topicCount + cueCount);
  termMatcher().scan(
    lower,
    (tag) => {
      present[tag] = 1;
    },
    start,
    end,
  );
  let gramCount = 0;
  let question = false;
  let digits = false;
  let chinese = false;
  let previousWord = 0;
  let index = start;
  while (index < end) {
    const code = lower.charCodeAt(index);
    if (isIdeograph(code)) {
      chinese = true;
      previousWord = 0;
      let hash = 0x811c9dc5;
      for (let length = 0; length < 3 && index + length < end; length++) {
        const next = lower.charCodeAt(index + length);
        if (!isIdeograph(next)) break;
        hash = Math.imul(hash ^ next, 0x01000193);
        grams[gramCount++] = mix(hash ^ length);
      }
      index++;
    } else if (isLatin(code)) {
      let hash = 0x12345679;
      const from = index;
      while (index < end && isLatin(lower.charCodeAt(index))) {
        hash = Math.imul(hash ^ lower.charCodeAt(index), 0x01000193);
        index++;
        // The first five letters stand for the stem: diagnose, diagnosed, diagnosis.
        if (index - from === 5) grams[gramCount++] = mix(hash ^ 0x5757);
      }
      if (index - from !== 5) grams[gramCount++] = mix(hash);
      if (previousWord !== 0) grams[gramCount++] = mix(Math.imul(previousWord, 31) ^ hash);
      previousWord = hash;
    } else {
      if (isDigit(code)) digits = true;
      else if (code === 63) question = true;
      if (code !== 32) previousWord = 0;
      index++;
    }
  }
  return { present, grams, gramCount, question, digits, chinese };
}

function presentInAny(parts: readonly TextFeatures[]): Uint8Array {
  const [first, ...others] = parts;
  if (first === undefined) return new Uint8Array(topicCount + cueCount);
  if (others.length === 0) return first.present;
  const present = first.present.slice();
  for (const other of others) {
    for (let group = 0; group < present.length; group++) if (other.present[group] === 1) present[group] = 1;
  }
  return present;
}

/** Which topics and cues are there, in order; written anew by each call of `denseFeatures`. */
const topicsThere = new Uint16Array(topicCount);
const cuesThere = new Uint16Array(allCues);
const indexes = new Uint16Array(denseCount);

const isThere = (present: Uint8Array, cue: number): boolean => present[topicCount + cue] === 1;

/** Index of each dense feature of one or more sentences taken together. The answer is good until the next call. */
export function denseFeatures(parts: readonly TextFeatures[]): Uint16Array {
  const present = presentInAny(parts);
  let topics = 0;
  for (let group = 0; group < topicCount; group++) if (present[group] === 1) topicsThere[topics++] = group;
  let cues = 0;
  for (let group = 0; group < cueCount; group++) if (isThere(present, group)) cuesThere[cues++] = group;
  const persons = personalIndexes.some((group) => isThere(present, group));
  const somebody = present[childWordIndex] === 1 || persons;
  const elsewhere = impersonalIndexes.some((group) => isThere(present, group));
  if (somebody && !elsewhere) cuesThere[cues++] = cueCount;
  if (!somebody) cuesThere[cues++] = cueCount + 1;
  if (parts.some((part) => part.question)) cuesThere[cues++] = cueCount + 2;
  if (parts.some((part) => part.digits)) cuesThere[cues++] = cueCount + 3;
  if (parts.some((part) => part.chinese)) cuesThere[cues++] = cueCount + 4;
  let count = 0;
  for (let topic = 0; topic < topics; topic++) indexes[count++] = topicsThere[topic] ?? 0;
  for (let cue = 0; cue < cues; cue++) indexes[count++] = topicCount + (cuesThere[cue] ?? 0);
  for (let topic = 0; topic < topics; topic++) {
    const row = crossBase + (topicsThere[topic] ?? 0) * allCues;
    for (let cue = 0; cue < cues; cue++) indexes[count++] = row + (cuesThere[cue] ?? 0);
  }
  if (persons && elsewhere) {
    personalIndexes.forEach((who, row) => {
      if (!isThere(present, who)) return;
      impersonalIndexes.forEach((what, column) => {
        if (isThere(present, what)) indexes[count++] = pairBase + row * impersonal.length + column;
      });
    });
  }
  return indexes.subarray(0, count);
}
