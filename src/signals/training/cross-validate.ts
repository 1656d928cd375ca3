import { normalise } from '../privacy/normalise.ts';
import { classifyTopics } from '../privacy/topics/classify.ts';
import { loadTopicModel } from '../privacy/topics/topic-model.ts';
import { makeExamples, type Example } from './examples.ts';
import { makeRandom } from './random.ts';
import { train, type TrainingOptions } from './train.ts';

export type ThresholdFigures = { threshold: number; f1: number; falsePositiveRate: number; recall: number };

/** One author's sentences, and whether they are scored in turn or only trained on. */
export type Author = { name: string; examples: Example[]; scored: boolean };

/**
 * Scores the examples of every author by a model that saw nothing by that author, and gives the figures of "sensitive or
 * not" for one threshold after another. Templates are in every training part; they are never scored.
 */
export function crossValidate(authors: readonly Author[], seed: number, options: TrainingOptions): ThresholdFigures[] {
  const results: { sensitive: boolean; highest: number }[] = [];
  authors.forEach(({ name, examples, scored }, author) => {
    if (!scored) return;
    const random = makeRandom(seed + author);
    const kept = authors.filter((other) => other.name !== name).flatMap((other) => other.examples);
    const model = loadTopicModel(train(makeExamples(kept, random), 'fold', random, options));
    examples.forEach(({ text, labels }) => {
      results.push({ sensitive: labels.includes(1), highest: Math.max(...classifyTopics(normalise(text), model)) });
    });
  });
  return [0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7].map((threshold) => {
    const right = results.filter(({ sensitive, highest }) => sensitive && highest >= threshold).length;
    const wrong = results.filter(({ sensitive, highest }) => !sensitive && highest >= threshold).length;
    const sensitive = results.filter((one) => one.sensitive).length;
    return {
      threshold,
      f1: (2 * right) / (right + wrong + sensitive),
      falsePositiveRate: wrong / (results.length - sensitive),
      recall: right / sensitive,
    };
  });
}
