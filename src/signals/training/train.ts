import { normalise } from '../privacy/normalise.ts';
import { denseCount, extractFeatures, denseFeatures } from '../privacy/topics/features.ts';
import { gramValue, type TopicModelData } from '../privacy/topics/topic-model.ts';
import { sensitiveTopics } from '../privacy/types.ts';
import type { Example } from './examples.ts';
import type { Random } from './random.ts';

export type TrainingOptions = {
  epochs: number;
  learningRate: number;
  /** Decay of the dense weights for each step. */
  denseDecay: number;
  /** N-grams decay faster: they know the training sentences too well. */
  gramDecay: number;
  /** N-grams in fewer examples are left out. */
  minimumExamples: number;
  /** Largest number of n-grams in the model; 12 bytes each. */
  gramLimit: number;
  /** Probability that a feature is hidden in one step, so that no kind of feature is leaned on alone. */
  denseDropout: number;
  gramDropout: number;
};

export const defaultTraining: TrainingOptions = {
  epochs: 10,
  learningRate: 0.3,
  denseDecay: 2e-5,
  gramDecay: 3e-5,
  minimumExamples: 2,
  gramLimit: 28_000,
  denseDropout: 0.3,
  gramDropout: 0.45,
};

const topicCount = sensitiveTopics.length;

type Prepared = { dense: number[]; grams: number[]; value: number; labels: Uint8Array; weight: number };

function prepare(examples: Example[], vocabulary: Map<number, number>): Prepared[] {
  return examples.map(({ text, labels, weight }) => {
    const { lower } = normalise(text);
    const features = extractFeatures(lower, 0, lower.length);
    const dense: number[] = [];
    dense.push(...denseFeatures([features]));
    const grams: number[] = [];
    for (const hash of features.grams.subarray(0, features.gramCount)) {
      const index = vocabulary.get(hash);
      if (index !== undefined) grams.push(index);
    }
    return { dense, grams, value: gramValue(features.gramCount), labels, weight };
  });
}

/** N-grams that enough examples hold, in order of first sight. */
function collectVocabulary(examples: Example[], minimumExamples: number): number[] {
  const counts = new Map<number, number>();
  for (const { text } of examples) {
    const { lower } = normalise(text);
    const features = extractFeatures(lower, 0, lower.length);
    for (const hash of new Set(features.grams.subarray(0, features.gramCount)))
      counts.set(hash, (counts.get(hash) ?? 0) + 1);
  }
  return [...counts].filter(([hash, count]) => count >= minimumExamples && hash !== 0).map(([hash]) => hash);
}

type Weights = { bias: Float64Array; dense: Float64Array; grams: Float64Array };

function optimise(prepared: Prepared[], gramCount: number, options: TrainingOptions, random: Random): Weights {
  const bias = new Float64Array(topicCount).fill(-2);
  const dense = new Float64Array(denseCount * topicCount);
  const denseSquares = new Float64Array(denseCount * topicCount).fill(1);
  const grams = new Float64Array(gramCount * topicCount);
  const gramSquares = new Float64Array(gramCount * topicCount).fill(1);
  const order = prepared.map((_, index) => index);
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    for (let index = order.length - 1; index > 0; index--) {
      const other = Math.floor(random.next() * (index + 1));
      [order[index], order[other]] = [order[other] ?? 0, order[index] ?? 0];
    }
    for (const which of order) {
      const example = prepared[which];
      if (example === undefined) continue;
      const liveDense = example.dense.filter(() => random.next() >= options.denseDropout);
      const liveGrams = example.grams.filter(() => random.next() >= options.gramDropout);
      const value = example.value / (1 - options.gramDropout);
      for (let topic = 0; topic < topicCount; topic++) {
        let score = bias[topic] ?? 0;
        for (const feature of liveDense) score += dense[feature * topicCount + topic] ?? 0;
        for (const feature of liveGrams) score += (grams[feature * topicCount + topic] ?? 0) * value;
        const gradient = (1 / (1 + Math.exp(-score)) - (example.labels[topic] ?? 0)) * example.weight;
        bias[topic] = (bias[topic] ?? 0) - 0.02 * gradient;
        // Adagrad (Duchi et al. 2011) with decay of the weights that the example touches.
        for (const feature of liveDense) {
          const at = feature * topicCount + topic;
          const squares = (denseSquares[at] ?? 1) + gradient * gradient;
          denseSquares[at] = squares;
          const weight = dense[at] ?? 0;
          dense[at] = weight - (options.learningRate * gradient) / Math.sqrt(squares) - options.denseDecay * weight;
        }
        for (const feature of liveGrams) {
          const at = feature * topicCount + topic;
          const step = gradient * value;
          const squares = (gramSquares[at] ?? 1) + step * step;
          gramSquares[at] = squares;
          const weight = grams[at] ?? 0;
          grams[at] = weight - (options.learningRate * 2 * step) / Math.sqrt(squares) - options.gramDecay * weight;
        }
      }
    }
  }
  return { bias, dense, grams };
}

function encodeBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

const largest = (values: Float64Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);

/** Trains a model. The same examples, options and seed give the same bytes. */
export function train(examples: Example[], version: string, random: Random, options = defaultTraining): TopicModelData {
  const vocabulary = collectVocabulary(examples, options.minimumExamples);
  const positions = new Map(vocabulary.map((hash, index) => [hash, index]));
  const { bias, dense, grams } = optimise(prepare(examples, positions), vocabulary.length, options, random);
  const denseScale = largest(dense) / 127;
  const gramScale = largest(grams) / 127;
  const strength = (index: number): number => largest(grams.subarray(index * topicCount, (index + 1) * topicCount));
  const chosen = vocabulary
    .map((hash, index) => ({ hash, index, strength: strength(index) }))
    .filter((entry) => entry.strength > gramScale)
    .sort((a, b) => b.strength - a.strength || a.hash - b.hash)
    .slice(0, options.gramLimit);
  const entries = new DataView(new ArrayBuffer(chosen.length * (4 + topicCount)));
  chosen.forEach(({ hash, index }, record) => {
    entries.setUint32(record * (4 + topicCount), hash, true);
    for (let topic = 0; topic < topicCount; topic++) {
      entries.setInt8(
        record * (4 + topicCount) + 4 + topic,
        Math.round((grams[index * topicCount + topic] ?? 0) / gramScale),
      );
    }
  });
  const denseBytes = Int8Array.from(dense, (weight) => Math.round(weight / denseScale));
  return {
    version,
    topics: sensitiveTopics,
    denseCount,
    bias: Array.from(bias, (value) => Number(value.toFixed(5))),
    denseScale,
    denseWeights: encodeBase64(new Uint8Array(denseBytes.buffer)),
    gramScale,
    gramEntries: encodeBase64(new Uint8Array(entries.buffer)),
  };
}
