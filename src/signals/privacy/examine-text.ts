import { findEncodedText } from './encoded-text.ts';
import { findIdentifiers, withoutOverlaps } from './identifiers/identifiers.ts';
import { misreadViews } from './misread-text.ts';
import { normalise, originalRange, type NormalisedText } from './normalise.ts';
import { classifyTopics } from './topics/classify.ts';
import { sensitiveTopics, type IdentifierMatch, type TextSegment } from './types.ts';
import type { WordList } from './word-list.ts';

export type TextExamination = {
  /** Offsets in the original text. */
  matches: IdentifierMatch[];
  /** In the order of `sensitiveTopics`; all zero where topics were not asked for. */
  topicScores: Float64Array;
};

/** A text that somebody normalised before. */
export type KnownText = { original: string; normalised: NormalisedText };

/** Base64 inside base64 is followed this deep. */
const maximumDepth = 2;

/** Examines one text: identifiers, the user's words, topics, and the same inside base64. Pure. */
export function examineText(
  text: string,
  options: {
    topics: boolean;
    wordList?: WordList | undefined;
    origin?: TextSegment['origin'];
    known?: KnownText | undefined;
  },
  depth = 0,
): TextExamination {
  const { known } = options;
  const normalised = known?.original === text ? known.normalised : normalise(text);
  const matches = findIdentifiers(normalised);
  if (options.wordList !== undefined) matches.push(...options.wordList.find(normalised));
  const topicScores = options.topics ? classifyTopics(normalised) : new Float64Array(sensitiveTopics.length);
  /** All that a run of base64 says stands in the same place, so these do not exclude each other. */
  const hidden: IdentifierMatch[] = [];
  if (depth < maximumDepth) {
    for (const encoded of findEncodedText(normalised.text)) {
      const inner = examineText(encoded.text, options, depth + 1);
      for (const match of inner.matches) {
        hidden.push({
          ...match,
          ...originalRange(normalised, encoded.start, encoded.end),
          rule: `${match.rule}-base64`,
        });
      }
      // `Authorization: Basic …` is a name and a password.
      const basic = /basic\s{1,3}$/.test(normalised.lower.slice(Math.max(0, encoded.start - 8), encoded.start));
      if (basic && /^[^\s:]{1,64}:\S{3,}$/.test(encoded.text)) {
        const range = originalRange(normalised, encoded.start, encoded.end);
        hidden.push({ type: 'password', ...range, confidence: 0.95, rule: 'basic-authorization' });
      }
      inner.topicScores.forEach((score, topic) => {
        if (score > (topicScores[topic] ?? 0)) topicScores[topic] = score;
      });
    }
  }
  const found = matches.map((match) => Object.assign({}, match, originalRange(normalised, match.start, match.end)));
  for (const view of misreadViews(normalised, options.origin ?? 'text')) {
    for (const match of findIdentifiers(view.normalised)) {
      if (!view.accepts(match)) continue;
      found.push({ ...match, ...originalRange(view.normalised, match.start, match.end), rule: `${match.rule}-mended` });
    }
  }
  return {
    matches: [...withoutOverlaps(found), ...hidden],
    topicScores,
  };
}
