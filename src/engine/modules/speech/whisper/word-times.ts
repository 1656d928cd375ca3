import { endOfText, noTimestamps, timestampSeconds } from '../../../../models/whisper/whisper-tokens.ts';
import { probability } from './decode-window.ts';
import type { Vocabulary } from './vocabulary.ts';
import type { HeardSound, WhisperModel } from './whisper-model.ts';

/** Seconds from the start of the window. `tokens`: how many it was made of. */
export type TimedWord = { text: string; start: number; end: number; probability: number; tokens: number };

/** Languages that put no spaces between words: there each character is a word. */
const unspaced = new Set(['zh', 'ja', 'th', 'lo', 'my', 'yue']);
const opening = new Set(['"', "'", '“', '¿', '(', '[', '{', '-', '‘', '《', '「', '（']);
const closing = /^["'.。,，!！?？:：”)\]}、;；…’》」）-]+$/;
const medianWidth = 7;

/**
 * When each word was said: the text is read once more, and the attention that follows the sound is aligned with it by dynamic
 * time warping. Source: `timing.py` of OpenAI's Whisper.
 */
export async function timeWords(
  model: WhisperModel,
  vocabulary: Vocabulary,
  sound: HeardSound,
  request: { start: readonly number[]; text: readonly number[]; language: string; windowSeconds: number },
): Promise<TimedWord[]> {
  const { start, text } = request;
  if (text.length === 0) return [];
  const tokens = [...start, noTimestamps, ...text, endOfText];
  const { attention, logits } = await model.align(sound, tokens);
  const [heads, , positions] = attention.dims as [number, number, number];
  const used = Math.max(1, Math.min(positions, Math.ceil(request.windowSeconds / timestampSeconds)));
  const cost = alignmentCost(attention.data, { heads, tokens: tokens.length, positions, used });
  // The row before a token is the one that decided it.
  const rows = cost.slice(start.length, tokens.length - 1);
  const times = tokenTimes(rows);
  const words = splitWords(vocabulary, text, request.language);
  let index = 0;
  return words.map((word) => {
    const first = index;
    index += word.tokens;
    let product = 0;
    for (let token = first; token < index; token++) {
      product += probability(logits[start.length + token] as Float32Array, text[token] as number);
    }
    const from = times[first] ?? 0;
    return {
      text: word.text,
      tokens: word.tokens,
      start: from,
      end: Math.max(from, times[index] ?? from),
      probability: product / word.tokens,
    };
  });
}

type AttentionShape = { heads: number; tokens: number; positions: number; used: number };

/** Negative mean over the heads of the attention, brought to one scale per position and smoothed over time. */
function alignmentCost(attention: Float32Array, { heads, tokens, positions, used }: AttentionShape): Float32Array[] {
  const mean = Array.from({ length: tokens }, () => new Float32Array(used));
  for (let head = 0; head < heads; head++) {
    const rows = Array.from({ length: tokens }, (_, token) => {
      const start = (head * tokens + token) * positions;
      const row = attention.slice(start, start + used);
      const total = row.reduce((sum, each) => sum + each, 0) || 1;
      return row.map((each) => each / total);
    });
    for (let position = 0; position < used; position++) {
      let sum = 0;
      let squares = 0;
      for (const row of rows) {
        sum += row[position] as number;
        squares += (row[position] as number) ** 2;
      }
      const average = sum / tokens;
      const deviation = Math.sqrt(Math.max(1e-20, squares / tokens - average ** 2));
      for (const row of rows) row[position] = ((row[position] as number) - average) / deviation;
    }
    rows.forEach((row, token) => {
      const target = mean[token] as Float32Array;
      medianFilter(row).forEach((each, position) => {
        target[position] = (target[position] as number) - each / heads;
      });
    });
  }
  return mean;
}

function medianFilter(row: Float32Array): Float32Array {
  const half = (medianWidth - 1) / 2;
  const last = row.length - 1;
  const window = new Float32Array(medianWidth);
  return row.map((_, position) => {
    for (let offset = -half; offset <= half; offset++) {
      // Reflected at both ends.
      let place = Math.abs(position + offset);
      if (place > last) place = Math.max(0, 2 * last - place);
      window[offset + half] = row[place] as number;
    }
    return window.sort()[half] as number;
  });
}

/** The cheapest monotone path; @returns the second at which each row begins */
function tokenTimes(cost: readonly Float32Array[]): number[] {
  const columns = cost[0]?.length ?? 0;
  const rows = cost.length;
  let previous = new Float64Array(columns + 1).fill(Number.POSITIVE_INFINITY);
  previous[0] = 0;
  const steps = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const current = new Float64Array(columns + 1).fill(Number.POSITIVE_INFINITY);
    for (let column = 0; column < columns; column++) {
      const diagonal = previous[column] as number;
      const above = previous[column + 1] as number;
      const left = current[column] as number;
      let step = 2;
      let best = left;
      if (diagonal < above && diagonal < left) [step, best] = [0, diagonal];
      else if (above < diagonal && above < left) [step, best] = [1, above];
      steps[row * columns + column] = step;
      current[column + 1] = best + (cost[row]?.[column] ?? 0);
    }
    previous = current;
  }
  const starts: number[] = Array.from({ length: rows }, () => 0);
  let row = rows - 1;
  let column = columns - 1;
  while (row >= 0 && column >= 0) {
    starts[row] = column * timestampSeconds;
    const step = steps[row * columns + column];
    if (step !== 2) row--;
    if (step !== 1) column--;
  }
  return starts;
}

type Word = { text: string; tokens: number };

export function splitWords(vocabulary: Vocabulary, text: readonly number[], language: string): Word[] {
  const pieces: Word[] = [];
  let pending: number[] = [];
  for (const token of text) {
    pending.push(token);
    const decoded = vocabulary.decode(pending);
    // Half a character: the next token completes it.
    if (decoded.includes('\uFFFD') && pending.length < 4) continue;
    pieces.push({ text: decoded, tokens: pending.length });
    pending = [];
  }
  if (pending.length > 0) pieces.push({ text: vocabulary.decode(pending), tokens: pending.length });
  const words: Word[] = [];
  for (const piece of pieces) {
    const last = words.at(-1);
    const isNew = unspaced.has(language) || piece.text.startsWith(' ') || last === undefined;
    const bare = piece.text.trim();
    const joins = last !== undefined && (!isNew || closing.test(bare) || opening.has(last.text.trim()));
    if (joins) {
      last.text += piece.text;
      last.tokens += piece.tokens;
    } else words.push({ ...piece });
  }
  return words;
}
