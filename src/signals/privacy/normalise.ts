import { convertNumeralRuns } from './chinese-numerals.ts';
import { readEscape } from './escapes.ts';
import { foldCharacter } from './fold-character.ts';
import { foldTraditional } from './fold-traditional.ts';

/**
 * A text as the rules see it, with the way back. All strings have the same length; `starts[i]` and `ends[i]` give the
 * range in the original that character `i` came from.
 */
export type NormalisedText = {
  /** Half-width, visible, unescaped; case kept. */
  text: string;
  /** For comparing: lower case, simplified characters. */
  lower: string;
  /** `text` with runs of Chinese numerals written as ASCII digits. */
  digits: string;
  starts: Uint32Array;
  ends: Uint32Array;
};

/** Lower case that never changes the length (İ alone would). */
function lowerSameLength(text: string): string {
  const lower = text.toLowerCase();
  if (lower.length === text.length) return lower;
  return Array.from(text, (character) => {
    const one = character.toLowerCase();
    return one.length === character.length ? one : character;
  }).join('');
}

/** A normalised text as it is compared with words and labels. Keeps the length. */
export const comparable = (text: string): string => foldTraditional(lowerSameLength(text));

/** 0, 1, 2 … : where the characters of such a text come from, and one on where they end. Read by many, written by nobody. */
let counting = new Uint32Array(0);
/** Longer texts get numbers of their own, so that one of them does not keep its size for good. */
const longestShared = 1 << 16;

function countingTo(length: number): Uint32Array {
  if (length < counting.length) return counting;
  const numbers = Uint32Array.from({ length: Math.max(4096, length * 2) }, (_, index) => index);
  if (length <= longestShared) counting = numbers;
  return numbers;
}

/** Half-width, visible, unescaped text, and where each of its characters came from. */
type Folded = Pick<NormalisedText, 'text' | 'starts' | 'ends'>;

/** Most texts keep their length: every character becomes one other, or stays. Undefined where one does not. */
function foldOneForOne(original: string): Folded | undefined {
  let text = '';
  let from = 0;
  for (let index = 0; index < original.length; index++) {
    const code = original.charCodeAt(index);
    if (code < 0x80) {
      if ((code === 0x26 || code === 0x25 || code === 0x5c) && readEscape(original, index) !== undefined)
        return undefined;
    } else if (code < 0x4e00 || code > 0x9fff) {
      if (code >= 0xd800 && code <= 0xdfff) return undefined;
      const folded = foldCharacter(code);
      if (folded.length !== 1) return undefined;
      if (folded.charCodeAt(0) !== code) {
        text += original.slice(from, index) + folded;
        from = index + 1;
      }
    }
  }
  const numbers = countingTo(original.length + 1);
  return {
    text: from === 0 ? original : text + original.slice(from),
    starts: numbers.subarray(0, original.length),
    ends: numbers.subarray(1, original.length + 1),
  };
}

function fold(original: string): Folded {
  const plain = foldOneForOne(original);
  if (plain !== undefined) return plain;
  const pieces: string[] = [];
  // Folding can lengthen (㎡ → m2, ﷺ → 18 letters), so the map grows on demand.
  let starts = new Uint32Array(original.length + 64);
  let ends = new Uint32Array(original.length + 64);
  let length = 0;
  /** Start of a stretch of ASCII not yet copied; copying whole stretches keeps plain text quick. */
  let pending = 0;

  const reserve = (extra: number): void => {
    if (length + extra <= starts.length) return;
    const size = (length + extra) * 2;
    const moreStarts = new Uint32Array(size);
    moreStarts.set(starts);
    starts = moreStarts;
    const moreEnds = new Uint32Array(size);
    moreEnds.set(ends);
    ends = moreEnds;
  };
  const push = (text: string, start: number, end: number): void => {
    reserve(text.length);
    pieces.push(text);
    for (let index = 0; index < text.length; index++) {
      starts[length] = start;
      ends[length] = end;
      length++;
    }
  };
  const flush = (until: number): void => {
    if (until <= pending) return;
    reserve(until - pending);
    pieces.push(original.slice(pending, until));
    for (let index = pending; index < until; index++) {
      starts[length] = index;
      ends[length] = index + 1;
      length++;
    }
  };

  let position = 0;
  while (position < original.length) {
    const code = original.charCodeAt(position);
    if (code < 0x80) {
      if (code === 0x26 || code === 0x25 || code === 0x5c) {
        const escape = readEscape(original, position);
        if (escape !== undefined) {
          flush(position);
          for (const character of escape.text) {
            const codePoint = character.codePointAt(0) ?? 0;
            push(codePoint < 0x80 ? character : foldCharacter(codePoint), position, position + escape.length);
          }
          position += escape.length;
          pending = position;
          continue;
        }
      }
      position++;
      continue;
    }
    if (code >= 0x4e00 && code <= 0x9fff) {
      position++;
      continue;
    }
    const codePoint = original.codePointAt(position) ?? code;
    const width = codePoint > 0xffff ? 2 : 1;
    flush(position);
    push(foldCharacter(codePoint), position, position + width);
    position += width;
    pending = position;
  }
  flush(position);

  return { text: pieces.join(''), starts: starts.subarray(0, length), ends: ends.subarray(0, length) };
}

/** Maps text to the form the rules are written for. Linear in the length of the text. */
export function normalise(original: string): NormalisedText {
  const folded = fold(original);
  return { ...folded, lower: comparable(folded.text), digits: convertNumeralRuns(folded.text) };
}

/** `normalise(original).lower`, for what needs no more. */
export const normaliseLower = (original: string): string => comparable(fold(original).text);

/** The range of the original that a range of the normalised text came from. */
export function originalRange(normalised: NormalisedText, start: number, end: number): { start: number; end: number } {
  return { start: normalised.starts[start] ?? 0, end: normalised.ends[end - 1] ?? 0 };
}
