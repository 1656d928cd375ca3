/**
 * Trains the topic model and writes `src/signals/data/topic-model.ts`. Run in the repository root, at development time:
 *
 *   npx rolldown src/signals/training/train-topics.ts --platform node -o dist/train-topics.mjs && node dist/train-topics.mjs
 *
 * Files of authors a, c and e train. Those of author b are not trained on, but their misses were read while the word lists
 * grew; those of author d were written afterwards and nothing was changed for them. It prints the figures of each.
 */
// oxlint-disable no-restricted-imports, no-console -- a command of the developer, never part of the product
import { readFileSync, writeFileSync } from 'node:fs';
import { normalise } from '../privacy/normalise.ts';
import { classifyTopics } from '../privacy/topics/classify.ts';
import { loadTopicModel, type TopicModel } from '../privacy/topics/topic-model.ts';
import { defaultTopicThresholds } from '../privacy/thresholds.ts';
import { sensitiveTopics } from '../privacy/types.ts';
import { makeExamples, parseExamples, type Example } from './examples.ts';
import { makeRandom } from './random.ts';
import { train } from './train.ts';

const seed = 20261124;
const folder = 'src/signals/data/';
const read = (name: string, weight: number): Example[] =>
  parseExamples(readFileSync(`${folder}${name}.tsv`, 'utf8'), weight);

function report(name: string, examples: Example[], model: TopicModel): void {
  const counts = sensitiveTopics.map(() => ({ right: 0, wrong: 0, missed: 0 }));
  const any = { right: 0, wrong: 0, missed: 0, negatives: 0 };
  for (const { text, labels } of examples) {
    const scores = classifyTopics(normalise(text), model);
    const found = sensitiveTopics.map((topic, index) => (scores[index] ?? 0) >= defaultTopicThresholds[topic]);
    found.forEach((hit, index) => {
      const count = counts[index];
      if (count === undefined) return;
      if (hit && labels[index] === 1) count.right++;
      else if (hit) count.wrong++;
      else if (labels[index] === 1) count.missed++;
    });
    const sensitive = labels.some((label) => label === 1);
    if (!sensitive) any.negatives++;
    if (found.includes(true) && sensitive) any.right++;
    else if (found.includes(true)) any.wrong++;
    else if (sensitive) any.missed++;
    if (process.argv.includes('--misses') && found.includes(true) !== sensitive) {
      const rounded = Array.from(
        scores,
        (score, index) => `${(sensitiveTopics[index] ?? '').slice(0, 2)}${score.toFixed(2)}`,
      );
      console.log(sensitive ? 'MISSED' : 'WRONG ', text, rounded.join(' '));
    }
  }
  const f1 = (count: { right: number; wrong: number; missed: number }): string =>
    ((200 * count.right) / Math.max(1, 2 * count.right + count.wrong + count.missed)).toFixed(1);
  console.log(name, `F1 sensitive or not ${f1(any)}, false positives ${any.wrong} of ${any.negatives}`);
  sensitiveTopics.forEach((topic, index) => {
    const count = counts[index];
    if (count !== undefined)
      console.log(
        `  ${topic.padEnd(16)} F1 ${f1(count)}  right ${count.right} wrong ${count.wrong} missed ${count.missed}`,
      );
  });
}

const training = ['topics-author-a-zh', 'topics-author-a-en', 'topics-author-c-zh', 'topics-author-c-en'];
const handWritten = [...training, 'negatives-author-a', 'negatives-author-c', 'negatives-author-e'].flatMap((name) => read(name, 2));
const random = makeRandom(seed);
const data = train(makeExamples(handWritten, random), '1', random);
writeFileSync(
  `${folder}topic-model.ts`,
  `// Written by src/signals/training/train-topics.ts; do not edit.\nimport type { TopicModelData } from '../privacy/topics/topic-model.ts';\n\nexport const topicModelData: TopicModelData = ${JSON.stringify(data, null, 2)};\n`,
);
const model = loadTopicModel(data);
console.log(
  'n-grams',
  (data.gramEntries.length * 3) / 4 / 12,
  'bytes',
  data.gramEntries.length + data.denseWeights.length,
);
report('trained on', handWritten, model);
const heldOut = (author: string): Example[] =>
  [`topics-author-${author}-zh`, `topics-author-${author}-en`, `negatives-author-${author}`].flatMap((name) => read(name, 1));
report('held out, seen', heldOut('b'), model);
report('held out, clean', heldOut('d'), model);
