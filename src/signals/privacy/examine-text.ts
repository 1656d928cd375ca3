import { findEncodedText } from './encoded-text.ts';
import { findIdentifiers, withoutOverlaps } from './identifiers/identifiers.ts';
import { normalise, originalRange } from './normalise.ts';
import { classifyTopics } from './topics/classify.ts';
import { sensitiveTopics, type IdentifierMatch } from './types.ts';
import type { WordList } from './word-list.ts';

export type TextExamination = {
  /** Offsets in the original text. */
  matches: IdentifierMatch[];
  /** In the order of `sensitiveTopics`; all zero where topics were not asked for. */
  topicScores: Float64Array;
};

/** Base64 inside base64 is followed this deep. */
const maximumDepth = 2;

/** Examines one text: identifiers, the user's words, topics, and the same inside base64. Pure. */
export function examineText(
  text: string,
  options: { topics: boolean; wordList?: WordList | undefined },
  depth = 0,
): TextExamination {
  const normalised = normalise(text);
  const matches = findIdentifiers(normalised);
  if (options.wordList !== undefined) matches.push(...options.wordList.find(normalised));
  const topicScores = options.topics ? classifyTopics(normalised) : new Float64Array(sensitiveTopics.length);
  if (depth < maximumDepth) {
    for (const encoded of findEncodedText(normalised.text)) {
      const inner = examineText(encoded.text, options, depth + 1);
      for (const match of inner.matches) {
        matches.push({ ...match, start: encoded.start, end: encoded.end, rule: `${match.rule}-base64` });
      }
      inner.topicScores.forEach((score, topic) => {
        if (score > (topicScores[topic] ?? 0)) topicScores[topic] = score;
      });
    }
  }
  return {
    matches: withoutOverlaps(matches).map((match) =>
      Object.assign({}, match, originalRange(normalised, match.start, match.end)),
    ),
    topicScores,
  };
}
