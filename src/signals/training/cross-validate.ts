import { normalise } from '../privacy/normalise.ts';
import { classifyTopics } from '../privacy/topics/classify.ts';
import { loadTopicModel } from '../privacy/topics/topic-model.ts';
import { makeExamples, type Example } from './examples.ts';
import { makeRandom } from './random.ts';
import { train, type TrainingOptions } from './train.ts';

export type ThresholdFigures = { threshold: number; f1: number; falsePositiveRate: number; recall: number };

/**
 * Scores every hand-written example by a model that saw nothing by its author, and gives the figures of "sensitive or not" for one
 * threshold after another. Templates are in every training part; they are never scored.
 */
export function crossValidate(
  authors: readonly Example[][],
  seed: number,
  options: TrainingOptions,
): ThresholdFigures[] {
  const scored: { sensitive: boolean; highest: number }[] = [];
  authors.forEach((examples, author) => {
    const random = makeRandom(seed + author);
    const kept = authors.filter((_, other) => other !== author).flat();
    const model = loadTopicModel(train(makeExamples(kept, random), 'fold', random, options));
    examples.forEach(({ text, labels }) => {
      scored.push({ sensitive: labels.includes(1), highest: Math.max(...classifyTopics(normalise(text), model)) });
    });
  });
  return [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5].map((threshold) => {
    const right = scored.filter(({ sensitive, highest }) => sensitive && highest >= threshold).length;
    const wrong = scored.filter(({ sensitive, highest }) => !sensitive && highest >= threshold).length;
    const sensitive = scored.filter((one) => one.sensitive).length;
    return {
      threshold,
      f1: (2 * right) / (right + wrong + sensitive),
      falsePositiveRate: wrong / (scored.length - sensitive),
      recall: right / sensitive,
    };
  });
}
