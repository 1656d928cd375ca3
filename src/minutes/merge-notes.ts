/** The same thing said in two parts, or written down twice, is one item. */
import type { MinutesItem } from '../core/minutes.ts';
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
