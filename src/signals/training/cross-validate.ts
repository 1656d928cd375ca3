import { normalise } from '../privacy/normalise.ts';
import { classifyTopics } from '../privacy/topics/classify.ts';
import { loadTopicModel } from '../privacy/topics/topic-model.ts';
import { makeExamples, type Example } from './examples.ts';
import { makeRandom } from './random.ts';
import { train, type TrainingOptions } from './train.ts';

export type ThresholdFigures = { threshold: number; f1: number; falsePositiveRate: number; recall: number };

/**
 * Scores every hand-written example by a model that did not see it, and gives the figures of "sensitive or not" for one
 * threshold after another. Templates are in every training part; they are never scored.
 */
export function crossValidate(
  examples: Example[],
  folds: number,
  seed: number,
  options: TrainingOptions,
): ThresholdFigures[] {
  const scored: { sensitive: boolean; highest: number }[] = [];
  for (let fold = 0; fold < folds; fold++) {
    const random = makeRandom(seed + fold);
    const kept = examples.filter((_, index) => index % folds !== fold);
    const model = loadTopicModel(train(makeExamples(kept, random), 'fold', random, options));
    examples.forEach(({ text, labels }, index) => {
      if (index % folds !== fold) return;
      scored.push({ sensitive: labels.includes(1), highest: Math.max(...classifyTopics(normalise(text), model)) });
    });
  }
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
