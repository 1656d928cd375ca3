import type { TranscriptSegment, TranscriptWord } from '../../../../core/perception.ts';
import type { HeardToken, HeardUtterance } from './sense-voice-model.ts';
import type { TokenTable } from './token-table.ts';

export type UtteranceTimes = {
  /** Seconds from the start of the recording. */
  start: number;
  end: number;
  speechProbability: number;
  /** Between two of the model's frames. */
  stepSeconds: number;
  words: boolean;
};

/** A sentence ends here; the point of a number does not, because what follows a sentence begins a word. */
const sentenceEnd = /[。！？!?]$/;
const ideograph = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;

/** What was heard in one utterance → a segment for each sentence. */
export function segmentsOf(heard: HeardUtterance, table: TokenTable, times: UtteranceTimes): TranscriptSegment[] {
  const sentences: HeardToken[][] = [[]];
  heard.tokens.forEach((token, index) => {
    sentences.at(-1)?.push(token);
    const next = heard.tokens[index + 1];
    const text = table.decode([token.token]);
    const isPoint = text.endsWith('.') && next !== undefined && table.startsWord(next.token);
    if (next !== undefined && (isPoint || sentenceEnd.test(text))) sentences.push([]);
  });
  return sentences.flatMap((tokens, index) => {
    const [first] = tokens;
    const text = table.decode(tokens.map(({ token }) => token));
    if (first === undefined || text.trim() === '') return [];
    const following = sentences[index + 1]?.[0];
    // The padding before the first word is not its own.
    const start = times.start + first.seconds;
    const end = following === undefined ? times.end : times.start + following.seconds;
    const segment: TranscriptSegment = {
      text,
      start: Math.min(start, end),
      end,
      averageLogprob: tokens.reduce((sum, { logprob }) => sum + logprob, 0) / tokens.length,
      noSpeechProbability: 1 - times.speechProbability,
      tokens: tokens.map(({ token }) => token),
    };
    if (times.words) segment.words = wordsOf(tokens, table, { ...times, end });
    return segment;
  });
}

/** Words between spaces; each ideograph is one of its own; marks belong to the word before them. */
function wordsOf(tokens: readonly HeardToken[], table: TokenTable, times: UtteranceTimes): TranscriptWord[] {
  const groups: HeardToken[][] = [];
  for (const token of tokens) {
    const text = table.decode([token.token]);
    const group = groups.at(-1);
    const before = group === undefined ? '' : table.decode(group.map((each) => each.token));
    const isNew =
      table.startsWord(token.token) || ideograph.test(text) || (ideograph.test(before) && /^[\p{L}\p{N}]/u.test(text));
    if (group === undefined || isNew) groups.push([token]);
    else group.push(token);
  }
  return groups.flatMap((group, index) => {
    const text = table.decode(group.map(({ token }) => token));
    if (text.trim() === '') return [];
    const [first, last] = [group[0], group.at(-1)] as [HeardToken, HeardToken];
    const start = Math.min(times.start + first.seconds, times.end);
    const next = groups[index + 1]?.[0];
    // A pause is no part of the word before it.
    const most = times.start + last.seconds + 4 * times.stepSeconds;
    const end = Math.min(most, next === undefined ? times.end : times.start + next.seconds, times.end);
    const probability = Math.exp(group.reduce((sum, { logprob }) => sum + logprob, 0) / group.length);
    return { text, start, end: Math.max(start, end), probability };
  });
}
