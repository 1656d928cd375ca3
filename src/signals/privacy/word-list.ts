import type { NormalisedText } from './normalise.ts';
import { normalise } from './normalise.ts';
import { TermMatcher } from './term-matcher.ts';
import type { IdentifierMatch } from './types.ts';

const ideograph = /[\u3400-\u9fff]/;

/** A user's own words (project names, customers, formulas), compared without case, width or invisible characters. */
export type WordList = {
  size: number;
  /** Matches in one normalised text; offsets in it. */
  find(normalised: NormalisedText): IdentifierMatch[];
};

/** Builds the matcher once; finding is linear in the text, whatever the number of words. Empty words are left out. */
export function makeWordList(words: Iterable<string>): WordList {
  const terms: { text: string; tag: number }[] = [];
  const spacedTerms: { text: string; tag: number }[] = [];
  for (const word of words) {
    const text = normalise(word).lower.trim().replace(/\s+/g, ' ');
    if (text === '') continue;
    terms.push({ text, tag: terms.length });
    // Blanks inside a Chinese word hide it from no reader, so they hide it from us neither.
    if (ideograph.test(text)) spacedTerms.push({ text: text.replace(/\s/g, ''), tag: terms.length });
  }
  const matcher = new TermMatcher(terms);
  const spacedMatcher = new TermMatcher(spacedTerms);
  const match = (start: number, end: number): IdentifierMatch => ({
    type: 'word-list',
    start,
    end,
    confidence: 1,
    rule: 'word-list',
  });
  return {
    size: terms.length,
    find: (normalised) => {
      const found: IdentifierMatch[] = [];
      if (terms.length === 0) return found;
      matcher.scan(normalised.lower, (_, start, end) => found.push(match(start, end)));
      if (spacedTerms.length > 0 && /\s/.test(normalised.lower)) {
        const positions: number[] = [];
        let squeezed = '';
        for (let index = 0; index < normalised.lower.length; index++) {
          const character = normalised.lower[index] ?? '';
          if (/\s/.test(character)) continue;
          squeezed += character;
          positions.push(index);
        }
        spacedMatcher.scan(squeezed, (_, start, end) =>
          found.push(match(positions[start] ?? 0, (positions[end - 1] ?? 0) + 1)),
        );
      }
      return found;
    },
  };
}
