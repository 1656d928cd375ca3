/** Heard segments → lines of one thought each, and lines → parts that fit a model's context. */
import type { TranscriptLine } from '../core/minutes.ts';

const sentenceEnd = /[.!?。！？…]["'”’」』)]*$/;
const mostLineCharacters = 240;
const mostGapSeconds = 1.5;

/**
 * Speech models cut where they like. Fragments are joined up to the end of their sentence and long ones cut at theirs,
 * as far as the model writes marks at all; nothing is joined over a pause or a change of speaker.
 */
export function toLines(segments: readonly TranscriptLine[]): TranscriptLine[] {
  const marked = segments.filter(({ text }) => /[.!?。！？]/.test(text)).length;
  const hasMarks = marked * 4 >= segments.length;
  const lines: TranscriptLine[] = [];
  for (const segment of segments) {
    const text = segment.text.trim();
    if (text === '') continue;
    const last = lines.at(-1);
    const isOpen =
      hasMarks &&
      last !== undefined &&
      !sentenceEnd.test(last.text) &&
      last.speaker === segment.speaker &&
      segment.start - last.end < mostGapSeconds &&
      last.text.length + text.length < mostLineCharacters;
    if (!isOpen || last === undefined) {
      lines.push({ ...segment, text });
      continue;
    }
    lines[lines.length - 1] = { ...last, end: segment.end, text: joined(last.text, text) };
  }
  return lines.flatMap(splitSentences);
}

function joined(first: string, second: string): string {
  const tight = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}，、。]$/u.test(first);
  return tight ? first + second : `${first} ${second}`;
}

/** Times of the parts by their share of the characters. */
function splitSentences(line: TranscriptLine): TranscriptLine[] {
  const parts = line.text.match(/.*?(?:[.!?](?=\s)|[。！？])+["'”’」』)]*\s*|.+$/gsu) ?? [line.text];
  if (parts.length < 2) return [line];
  const sentences: string[] = [];
  for (const part of parts) {
    // "Dr." and "No. 3" end no sentence, and a word alone says nothing by itself.
    const last = sentences.at(-1);
    if (last !== undefined && last.trim().length < 12 && !/[。！？?!]\s*$/.test(last))
      sentences[sentences.length - 1] = last + part;
    else sentences.push(part);
  }
  const seconds = line.end - line.start;
  let taken = 0;
  return sentences.map((sentence) => {
    const start = line.start + (seconds * taken) / line.text.length;
    taken += sentence.length;
    const end = line.start + (seconds * taken) / line.text.length;
    const part = { start, end, text: sentence.trim() };
    return line.speaker === undefined ? part : Object.assign(part, { speaker: line.speaker });
  });
}

/** Generous: a line too many in a part costs a second try, a line too few nothing. */
export function estimateTokens(text: string): number {
  let tokens = 0;
  for (const character of text) tokens += character > '\u2E80' ? 1 : 0.3;
  return Math.ceil(tokens);
}

export type Part = { lines: TranscriptLine[] };

/** Parts of whole lines of about as many tokens. */
export function toParts(lines: readonly TranscriptLine[], mostTokens: number): Part[] {
  const parts: Part[] = [];
  let current: TranscriptLine[] = [];
  let tokens = 0;
  for (const line of lines) {
    const more = estimateTokens(line.text) + 6;
    if (current.length > 0 && tokens + more > mostTokens) {
      parts.push({ lines: current });
      current = [];
      tokens = 0;
    }
    current.push(line);
    tokens += more;
  }
  if (current.length > 0) parts.push({ lines: current });
  return parts;
}

/** Every tenth to fifth sign or so is Chinese: Chinese. */
export function guessLanguage(lines: readonly TranscriptLine[]): string {
  const text = lines.map((line) => line.text).join('');
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  const kana = text.match(/[\p{Script=Hiragana}\p{Script=Katakana}]/gu)?.length ?? 0;
  const han = text.match(/\p{Script=Han}/gu)?.length ?? 0;
  if (kana > letters / 10) return 'ja';
  return han > letters / 5 ? 'zh' : 'en';
}
