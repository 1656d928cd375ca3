import { topicModelData } from '../../data/topic-model.ts';
import type { NormalisedText } from '../normalise.ts';
import { sensitiveTopics, type SensitiveTopic } from '../types.ts';
import { extractFeatures, gramRoom, type TextFeatures } from './features.ts';
import { splitSentences } from './sentences.ts';
import { loadTopicModel, scoreTopics, sumGrams, type GramSums, type TopicModel } from './topic-model.ts';

/**
 * Sensitive topics. The rule the data follows: a sentence is sensitive when it is about a private matter of the speaker
 * or of somebody in particular (我最近总是心慌,医生开了美托洛尔). General knowledge (什么是高血压), fiction, statistics,
 * code and public figures are not, whatever the topic.
 *
 * Each sentence, each pair of neighbours and each short text as a whole is judged; a topic's score is the highest of
 * them. So text that is added as sentences of its own can only raise a score: saying "this is public" takes nothing back.
 */
export type TopicScore = { topic: SensitiveTopic; score: number };

/** A text up to this length is also judged as a whole. */
const wholeTextLimit = 280;

let model: TopicModel | undefined;
/** Unpacked on first use. */
export function topicModel(): TopicModel {
  model ??= loadTopicModel(topicModelData);
  return model;
}

/** Score of each topic in one text, 0–1, in the order of `sensitiveTopics`. */
export function classifyTopics(normalised: NormalisedText, using: TopicModel = topicModel()): Float64Array {
  const { lower } = normalised;
  const highest = new Float64Array(sensitiveTopics.length);
  const raise = (scores: Float64Array): void => {
    // Weak evidence for several topics adds up (noisy or) and counts for the strongest one: a private matter between two
    // topics, such as a child's illness, must not slip below both thresholds.
    let none = 1;
    let strongest = 0;
    for (let topic = 0; topic < scores.length; topic++) {
      const score = scores[topic] ?? 0;
      none *= 1 - score;
      if (score > (scores[strongest] ?? 0)) strongest = topic;
    }
    for (let topic = 0; topic < scores.length; topic++) {
      const raised = topic === strongest ? 1 - none : (scores[topic] ?? 0);
      if (raised > (highest[topic] ?? 0)) highest[topic] = raised;
    }
  };
  const spans = splitSentences(lower);
  const room = new Uint32Array(gramRoom(Math.max(0, ...spans.map(({ start, end }) => end - start))));
  const features: TextFeatures[] = [];
  const grams: GramSums[] = [];
  for (const { start, end } of spans) {
    const part = extractFeatures(lower, start, end, room);
    features.push(part);
    grams.push(sumGrams(using, part));
  }
  features.forEach((part, index) => {
    const sums = grams[index];
    if (sums === undefined) return;
    raise(scoreTopics(using, [part], [sums]));
    const before = features[index - 1];
    const sumsBefore = grams[index - 1];
    if (before !== undefined && sumsBefore !== undefined) raise(scoreTopics(using, [before, part], [sumsBefore, sums]));
  });
  if (features.length > 2 && lower.length <= wholeTextLimit) raise(scoreTopics(using, features, grams));
  return highest;
}
