import { makeError } from '../../../core/errors.ts';
import { sensitiveTopics } from '../types.ts';
import { denseCount, denseFeatures, type TextFeatures } from './features.ts';

const topicCount = sensitiveTopics.length;

/**
 * The committed form of the model (`data/topic-model.ts`): multi-label logistic regression. `gramEntries` is base64 of
 * records of 12 bytes: the hash of an n-gram (little endian) and one int8 weight for each topic. `denseWeights` is base64
 * of int8, `denseCount` × topics. A weight is its int8 times the scale.
 */
export type TopicModelData = {
  version: string;
  topics: readonly string[];
  denseCount: number;
  bias: readonly number[];
  denseScale: number;
  denseWeights: string;
  gramScale: number;
  gramEntries: string;
};

export type TopicModel = {
  version: string;
  bias: Float64Array;
  dense: Float32Array;
  /** Open-addressing table over hashes; 0 marks a free slot. */
  keys: Uint32Array;
  weights: Int8Array;
  /** One bit for each hash (its upper bits): most n-grams of a text are none of the model's, and this table fits the cache. */
  known: Uint32Array;
  gramScale: number;
};

function decodeBase64(text: string): Uint8Array {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

const recordBytes = 4 + topicCount;
/** Bits of a hash that `known` is addressed by. */
const knownShift = 32 - 18;

/** Unpacks a model. Throws `internal` when it was trained for other features or topics. */
export function loadTopicModel(data: TopicModelData): TopicModel {
  if (data.denseCount !== denseCount || data.topics.join() !== sensitiveTopics.join()) {
    throw makeError(
      'internal',
      { requestId: 'start' },
      { detail: 'the topic model does not fit the features; train it anew' },
    );
  }
  const denseBytes = new Int8Array(decodeBase64(data.denseWeights).buffer);
  const dense = Float32Array.from(denseBytes, (value) => value * data.denseScale);
  const entries = decodeBase64(data.gramEntries);
  const count = entries.length / recordBytes;
  let capacity = 1024;
  while (capacity < count * 2) capacity *= 2;
  const keys = new Uint32Array(capacity);
  const weights = new Int8Array(capacity * topicCount);
  const known = new Uint32Array(1 << (32 - knownShift - 5));
  const view = new DataView(entries.buffer);
  for (let record = 0; record < count; record++) {
    const hash = view.getUint32(record * recordBytes, true);
    let slot = hash & (capacity - 1);
    while (keys[slot] !== 0) slot = (slot + 1) & (capacity - 1);
    keys[slot] = hash;
    const bit = hash >>> knownShift;
    known[bit >>> 5] = (known[bit >>> 5] ?? 0) | (1 << (bit & 31));
    for (let topic = 0; topic < topicCount; topic++) {
      weights[slot * topicCount + topic] = view.getInt8(record * recordBytes + 4 + topic);
    }
  }
  return {
    version: data.version,
    bias: Float64Array.from(data.bias),
    dense,
    keys,
    weights,
    known,
    gramScale: data.gramScale,
  };
}

/** Sums of n-gram weights for one sentence: computed once, added up for neighbours. */
export type GramSums = { sums: Float64Array; count: number };

/** Adds up the weights of the n-grams that the model knows. */
export function sumGrams(model: TopicModel, features: TextFeatures): GramSums {
  const { keys, weights, known } = model;
  const mask = keys.length - 1;
  const sums = new Float64Array(topicCount);
  for (let index = 0; index < features.gramCount; index++) {
    const hash = features.grams[index] ?? 0;
    const bit = hash >>> knownShift;
    if (((known[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) continue;
    let slot = hash & mask;
    while (keys[slot] !== 0 && keys[slot] !== hash) slot = (slot + 1) & mask;
    if (keys[slot] === 0) continue;
    for (let topic = 0; topic < topicCount; topic++) {
      sums[topic] = (sums[topic] ?? 0) + (weights[slot * topicCount + topic] ?? 0);
    }
  }
  return { sums, count: features.gramCount };
}

/** Scale of n-gram values: longer texts have more of them, and none should win by length alone. */
export const gramValue = (count: number): number => 1 / Math.sqrt(Math.max(count, 9));

/** Probability of each topic for one or more neighbouring sentences. */
export function scoreTopics(
  model: TopicModel,
  parts: readonly TextFeatures[],
  grams: readonly GramSums[],
): Float64Array {
  const scores = Float64Array.from(model.bias);
  const { dense } = model;
  for (const feature of denseFeatures(parts)) {
    for (let topic = 0; topic < topicCount; topic++) {
      scores[topic] = (scores[topic] ?? 0) + (dense[feature * topicCount + topic] ?? 0);
    }
  }
  let count = 0;
  for (const part of grams) count += part.count;
  const value = gramValue(count) * model.gramScale;
  for (const part of grams) {
    for (let topic = 0; topic < topicCount; topic++)
      scores[topic] = (scores[topic] ?? 0) + (part.sums[topic] ?? 0) * value;
  }
  for (let topic = 0; topic < topicCount; topic++) scores[topic] = 1 / (1 + Math.exp(-(scores[topic] ?? 0)));
  return scores;
}
