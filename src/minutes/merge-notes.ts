/** The same thing said in two parts, or written down twice, is one item. */
import type { MinutesItem, TranscriptLine } from '../core/minutes.ts';
import { shareIn, wordsOf } from './words.ts';

const sameShare = 0.7;

/** In order; of two that say the same the earlier stays, filled up with what only the later one knows. */
export function mergeItems<Item extends MinutesItem>(items: readonly Item[]): Item[] {
  const kept: { item: Item; words: Set<string> }[] = [];
  for (const item of items) {
    const words = wordsOf(item.text);
    const twin = kept.find((each) => each.item.at === item.at || isSame(each.words, words));
    if (twin === undefined) kept.push({ item, words });
    else twin.item = { ...item, ...twin.item };
  }
  return kept.map(({ item }) => item);
}

function isSame(first: ReadonlySet<string>, second: ReadonlySet<string>): boolean {
  return shareIn(first, second) >= sameShare && shareIn(second, first) >= sameShare;
}

/** Sentences of a summary that the meeting bears out: their numbers were said, and enough of their words. */
export function backedSentences(summary: string, transcript: string): { text: string; leftOut: number } {
  const said = wordsOf(transcript);
  const sentences = summary.match(/.*?(?:[.!?](?=\s|$)|[。！？])+\s*|.+$/gsu) ?? [];
  const kept = sentences.filter((sentence) => {
    const words = wordsOf(sentence);
    const numbers = [...words].filter((word) => /^\d+$/.test(word));
    return shareIn(words, said) >= 0.5 && numbers.every((number) => said.has(number));
  });
  return { text: kept.join('').trim(), leftOut: sentences.length - kept.length };
}

const mostTellingLines = 3;

/** The lines whose words come up most in the others: what stands in for a summary where the model has none that holds. */
export function tellingLines(lines: readonly TranscriptLine[]): string {
  const words = lines.map(({ text }) => wordsOf(text));
  const counts = new Map<string, number>();
  for (const own of words) for (const word of own) counts.set(word, (counts.get(word) ?? 0) + 1);
  const scores = words.map((own) => {
    const shared = [...own].reduce((sum, word) => sum + (counts.get(word) ?? 1) - 1, 0);
    return shared / Math.sqrt(own.size + 1);
  });
  const best = scores
    .map((score, index) => ({ score, index }))
    .sort((first, second) => second.score - first.score)
    .slice(0, mostTellingLines)
    .map(({ index }) => index);
  return best
    .sort((first, second) => first - second)
    .map((index) => lines[index]?.text ?? '')
    .join(' ');
}
