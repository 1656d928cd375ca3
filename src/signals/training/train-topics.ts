/**
 * Trains the topic model and writes `src/signals/data/topic-model.ts`. Run in the repository root, at development time:
 *
 *   npx rolldown src/signals/training/train-topics.ts --platform node -o dist/train-topics.mjs && node dist/train-topics.mjs
 *   npx oxfmt src/signals/data
 *
 * All files train, and so do the development sets (`test/fixtures/privacy/development…`), which others wrote. A held-out set is
 * never read by this. `--cross-validate` scores every sentence of the development sets by a model that saw nothing by its author,
 * `--cross-validate=all` every hand-written sentence: with a held-out set, those are the honest figures.
 */
// oxlint-disable no-restricted-imports, no-console -- a command of the developer, never part of the product
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { normalise } from '../privacy/normalise.ts';
import { classifyTopics } from '../privacy/topics/classify.ts';
import { loadTopicModel, type TopicModel } from '../privacy/topics/topic-model.ts';
import { defaultTopicThresholds } from '../privacy/thresholds.ts';
import { sensitiveTopics, type SensitiveTopic } from '../privacy/types.ts';
import { crossValidate } from './cross-validate.ts';
import { makeExamples, parseExamples, type Example } from './examples.ts';
import { makeRandom } from './random.ts';
import { defaultTraining, train } from './train.ts';

const seed = 20261124;
/** A sentence from the files counts this many times one from a template. */
const handWrittenWeight = 5;
const folder = 'src/signals/data/';
const read = (name: string, weight: number): Example[] =>
  parseExamples(readFileSync(`${folder}${name}`, 'utf8'), weight);

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

/** Sentences by author. Sorted names, so that the same files give the same model. */
const authors = new Map<string, Example[]>();
const addTo = (author: string, examples: Example[]): void => {
  authors.set(author, [...(authors.get(author) ?? []), ...examples]);
};
for (const file of readdirSync(folder).sort()) {
  const author = /^(?:topics|negatives)-author-(\w)(?:-\w+)?\.tsv$/.exec(file)?.[1];
  if (author !== undefined) addTo(author, read(file, handWrittenWeight));
}
/** Some sentences of the development sets come several times with other numbers in them; once is enough to learn from. */
const seen = new Set<string>();
const sets = 'test/fixtures/privacy';
for (const set of readdirSync(sets).sort()) {
  if (!set.startsWith('development')) continue;
  for (const name of ['topics', 'hard-negatives']) {
    for (const line of readFileSync(`${sets}/${set}/${name}.jsonl`, 'utf8').split('\n')) {
      if (line === '') continue;
      const row = JSON.parse(line) as { author: string; text: string; topics?: SensitiveTopic[] };
      const pattern = row.text.replace(/\d+/g, '0');
      if (seen.has(pattern)) continue;
      seen.add(pattern);
      const labels = Uint8Array.from(sensitiveTopics, (topic) => (row.topics?.includes(topic) === true ? 1 : 0));
      // The negatives of a later set give the round that a line was drawn in, not who wrote it.
      addTo(`${set} ${row.author.replace(/^round \d+$/, 'negatives')}`, [
        { text: row.text, labels, weight: handWrittenWeight },
      ]);
    }
  }
}
const handWritten = [...authors.values()].flat();
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
const validate = process.argv.find((argument) => argument.startsWith('--cross-validate'));
if (validate !== undefined) {
  const all = validate.endsWith('=all');
  const folds = Array.from(authors, ([name, examples]) => {
    return { name, examples, scored: all || name.startsWith('development') };
  });
  for (const { threshold, f1, falsePositiveRate, recall } of crossValidate(folds, seed, defaultTraining)) {
    const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
    console.log(
      `threshold ${threshold}: F1 ${percent(f1)}, recall ${percent(recall)}, false positives ${percent(falsePositiveRate)}`,
    );
  }
}
