/**
 * `npm run bench:kv`: what a cache budget costs in quality and saves in memory. Needles, several keys and questions over long documents, and
 * perplexity, at 50, 75 and 87.5 % removed, for every policy; `--memory`: a long conversation with a budget against a short one.
 */
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { countPhysicalCores } from '../../src/cli/device/physical-cores.ts';
import type { InstalledModel } from '../../src/core/model-store.ts';
import { createBackend } from '../engine/create-backend.ts';
import { findModel } from '../engine/find-model.ts';
import { measureConversation, type ConversationMemory } from './memory.ts';
import { measurePerplexity, type Perplexity } from './perplexity.ts';
import { retrievalPlot } from './plot.ts';
import { measureRetrieval, policies, removedShares, type Mode, type Sample } from './retrieval.ts';

const { values: flags } = parseArgs({
  options: {
    model: { type: 'string', default: 'qwen2.5-coder-0.5b' },
    documents: { type: 'string', default: '4' },
    sentences: { type: 'string', default: '34' },
    threads: { type: 'string', default: String(Math.min(8, countPhysicalCores())) },
    plot: { type: 'string' },
    memory: { type: 'boolean', default: false },
    tokens: { type: 'string', default: '8000' },
    budget: { type: 'string', default: '2000' },
    'skip-perplexity': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const usage = `npm run bench:kv -- [--model ID] [--documents 4] [--sentences 34] [--threads N] [--plot FILE.svg] [--skip-perplexity]
npm run bench:kv -- --memory [--model ID] [--tokens 8000] [--budget 2000]

The first asks seven questions of each document (four needles, one for two keys, two of content), with the full cache and with 50, 75 and 87.5 %
of the tokens removed by each policy, and prints the shares that were answered right. Each document takes about three minutes with a 0.5B on two cores.
The second holds a conversation of --tokens with --budget and one of --budget tokens without, and prints what both take.`;

const number = (text: string) => Number(text);
const started = Date.now();
const onProgress = (text: string) => {
  process.stderr.write(`${Math.round((Date.now() - started) / 1000)} s: ${text}\n`);
};

if (flags.help) process.stdout.write(`${usage}\n`);
else await main(await findModel(flags.model, { published: false }));

async function main(model: InstalledModel): Promise<void> {
  const file = model.tuned === undefined ? 'published file' : model.tuned.recipe;
  process.stdout.write(
    `## ${flags.model} (${file}): ${os.cpus()[0]?.model ?? 'unknown processor'}, ${flags.threads} threads\n\n`,
  );
  if (flags.memory) await benchMemory(model);
  else await benchQuality(model);
}

async function benchQuality(model: InstalledModel): Promise<void> {
  const threads = number(flags.threads);
  const backend = createBackend(model, { threads, maxRunning: 2, maxCachedSequences: 6 });
  let samples: Sample[];
  try {
    await backend.start(AbortSignal.timeout(300_000));
    samples = await measureRetrieval({
      backend,
      modelId: model.entry.id,
      documents: number(flags.documents),
      sentences: number(flags.sentences),
      onProgress,
    });
  } finally {
    await backend.dispose();
  }
  const perplexities = flags['skip-perplexity']
    ? []
    : await measurePerplexity(model, { threads, promptTokens: 640, measuredTokens: 96, onProgress });
  printQuality(samples, perplexities);
  if (flags.plot === undefined) return;
  const curves = policies.map((policy) => ({
    name: policy,
    points: [0, ...removedShares].map((removed): [number, number] => [
      removed * 100,
      removed === 0 ? 1 : share(samples, 'warm', removed, policy) / share(samples, 'full', 0),
    ]),
  }));
  await writeFile(flags.plot, retrievalPlot(`${model.entry.displayName}: what is still found`, curves));
}

function printQuality(samples: Sample[], perplexities: Perplexity[]): void {
  const full = share(samples, 'full', 0);
  const cells = (mode: Mode, removed: number, policy?: Sample['policy']) => [
    ...(['needle', 'multi-key', 'question'] as const).map((task) => right(samples, mode, removed, policy, task)),
    mode === 'full' ? '1' : (share(samples, mode, removed, policy) / full).toFixed(2),
    perplexities.find((each) => each.policy === policy && each.removed === removed)?.value.toFixed(2) ?? '–',
  ];
  const line = (...columns: string[]) => process.stdout.write(`| ${columns.join(' | ')} |\n`);
  line('policy', 'removed', 'needle', 'two keys', 'question', 'against full', 'perplexity');
  line('---', '---', '---', '---', '---', '---', '---');
  line('full cache', '0 %', ...cells('full', 0));
  for (const removed of removedShares) {
    for (const policy of policies) line(policy, percent(removed), ...cells('warm', removed, policy));
  }
  const needle = (removed: number, policy: Sample['policy']) => share(samples, 'warm', removed, policy, 'needle');
  process.stdout.write(
    `\nattention at 50 % against full: ${(share(samples, 'warm', 0.5, 'attention') / full).toFixed(3)} (wanted: 0.97); ` +
      `needles at 75 % against window: ${needle(0.75, 'attention').toFixed(2)} and ${needle(0.75, 'window').toFixed(2)} (wanted: 1.5 times)\n\n`,
  );
  line('prompt computed within its budget', 'removed', 'needle', 'question');
  line('---', '---', '---', '---');
  for (const removed of removedShares.filter((each) => each < 0.8)) {
    const part = (task: Sample['task']) => right(samples, 'cold', removed, 'attention', task);
    line('attention', percent(removed), part('needle'), part('question'));
  }
  process.stdout.write('\n');
  line('asked a turn after the eviction', 'removed', 'needle');
  line('---', '---', '---');
  for (const policy of ['window', 'key-diff', 'attention'] as const) {
    for (const removed of removedShares.filter((each) => each < 0.8)) {
      line(policy, percent(removed), right(samples, 'later', removed, policy, 'needle'));
    }
  }
}

function chosen(
  samples: Sample[],
  mode: Mode,
  removed: number,
  policy?: Sample['policy'],
  task?: Sample['task'],
): Sample[] {
  return samples.filter(
    (each) =>
      each.mode === mode &&
      each.removed === removed &&
      each.policy === policy &&
      (task === undefined || each.task === task),
  );
}

function share(samples: Sample[], ...what: [Mode, number, Sample['policy']?, Sample['task']?]): number {
  const matching = chosen(samples, ...what);
  return matching.reduce((sum, { score }) => sum + score, 0) / matching.length;
}

function right(samples: Sample[], ...what: [Mode, number, Sample['policy']?, Sample['task']?]): string {
  const matching = chosen(samples, ...what);
  return `${matching.reduce((sum, { score }) => sum + score, 0)} of ${matching.length}`;
}

function percent(removed: number): string {
  return `${removed * 100} %`;
}

async function benchMemory(model: InstalledModel): Promise<void> {
  const threads = number(flags.threads);
  const budgetTokens = number(flags.budget);
  const longTokens = number(flags.tokens);
  const shared = { threads, contextTokens: longTokens + 1_024, onProgress };
  const long = await measureConversation(model, { ...shared, tokens: longTokens, budgetTokens });
  const short = await measureConversation(model, { ...shared, tokens: budgetTokens });
  const row = (name: string, value: (memory: ConversationMemory) => string) =>
    process.stdout.write(`| ${name} | ${value(long)} | ${value(short)} |\n`);
  process.stdout.write(
    `| | ${flags.tokens} tokens, budget ${flags.budget} | ${flags.budget} tokens |\n|---|---|---|\n`,
  );
  row('tokens of the last prompt', ({ tokens }) => String(tokens));
  row('turns', ({ turns }) => String(turns));
  row('prompt tokens computed in all', ({ computedTokens }) => String(computedTokens));
  row('cells in use', ({ cellsUsed }) => String(cellsUsed));
  row('cells allocated', ({ cells }) => String(cells));
  row('keys and values, MiB', ({ cacheMiB }) => cacheMiB.toFixed(1));
  row('memory of the engine, MiB', ({ residentMiB }) => residentMiB.toFixed(0));
  process.stdout.write(
    `\nmemory: ${(long.residentMiB / short.residentMiB).toFixed(3)} (wanted: at most 1.05); keys and values: ${(long.cacheMiB / short.cacheMiB).toFixed(3)}\n`,
  );
}
