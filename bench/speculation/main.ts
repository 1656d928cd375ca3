/**
 * `npm run bench:speculation`: decoding with drafts against decoding without, the same engine twice, in turns in one run, on answers
 * that repeat their prompt and on one that does not.
 */
import { randomUUID } from 'node:crypto';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { countPhysicalCores } from '../../src/cli/device/physical-cores.ts';
import type { InstalledModel } from '../../src/core/model-store.ts';
import { plainRequest } from '../../src/core/plain-request.ts';
import type { EngineBackend } from '../../src/engine/engine-backend.ts';
import type { EngineStatistics } from '../../src/engine/host/messages.ts';
import { spreadOf } from '../../src/engine/optimize/choose-recipe.ts';
import { createBackend } from '../engine/create-backend.ts';
import { findModel } from '../engine/find-model.ts';
import { prompts } from './prompts.ts';

const { values: flags } = parseArgs({
  options: {
    model: { type: 'string', default: 'qwen2.5-coder-0.5b' },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(Math.min(8, countPhysicalCores())) },
    temperature: { type: 'string', default: '0' },
    published: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const usage = `npm run bench:speculation -- [--model ID] [--rounds 3] [--threads N] [--temperature 0] [--published]

Prints for each prompt the tokens per second without and with drafts, the median of the ratios with the smallest and the largest, the share
of checked tokens that were right, and whether the two texts are the same. Uses the optimised file where there is one.`;
/** Statistics come once a second. */
const statisticsMs = 1_200;

if (flags.help) process.stdout.write(`${usage}\n`);
else await main();

type Side = { backend: EngineBackend; statistics: () => EngineStatistics | undefined };
type Run = { text: string; tokensPerSecond: number };

async function main(): Promise<void> {
  const model = await findModel(flags.model, { published: flags.published });
  const file = model.tuned === undefined ? 'published file' : model.tuned.recipe;
  process.stdout.write(
    `## ${flags.model} (${file}): ${os.cpus()[0]?.model ?? 'unknown processor'}, ${flags.threads} threads, ${flags.rounds} rounds, temperature ${flags.temperature}\n\n` +
      '| prompt | tok/s without | tok/s with | ratio | checked and right | same text |\n|---|---|---|---|---|---|\n',
  );
  const sides = [createSide(model, 'off'), createSide(model, 'auto')] as const;
  try {
    for (const { backend } of sides) await backend.start(AbortSignal.timeout(300_000));
    for (const prompt of prompts) await benchPrompt(sides, model, prompt);
  } finally {
    for (const { backend } of sides) await backend.dispose();
  }
}

async function benchPrompt(
  [plain, drafting]: readonly [Side, Side],
  model: InstalledModel,
  prompt: (typeof prompts)[number],
): Promise<void> {
  const before = drafting.statistics();
  const plainRuns: Run[] = [];
  const draftingRuns: Run[] = [];
  for (let round = 0; round < Number(flags.rounds); round++) {
    process.stderr.write(`${prompt.name}: round ${round + 1} of ${flags.rounds}\n`);
    const turns: [Side, Run[]][] = [
      [plain, plainRuns],
      [drafting, draftingRuns],
    ];
    for (const [side, runs] of round % 2 === 0 ? turns : turns.toReversed()) {
      // The controller of an engine that waited has to see that the other one is done.
      await sleep(statisticsMs);
      runs.push(await run(side.backend, model, prompt));
    }
  }
  await sleep(statisticsMs);
  const after = drafting.statistics();
  const checked = (after?.draftTokens ?? 0) - (before?.draftTokens ?? 0);
  const right = (after?.acceptedTokens ?? 0) - (before?.acceptedTokens ?? 0);
  const ratios = spreadOf(
    draftingRuns.map(
      ({ tokensPerSecond }, index) => tokensPerSecond / (plainRuns[index]?.tokensPerSecond ?? Number.NaN),
    ),
  );
  const speed = (runs: Run[]) => spreadOf(runs.map(({ tokensPerSecond }) => tokensPerSecond)).median.toFixed(1);
  const same = draftingRuns.filter(({ text }, index) => text === plainRuns[index]?.text).length;
  const cells = [
    prompt.name,
    speed(plainRuns),
    speed(draftingRuns),
    `${ratios.median.toFixed(2)}× [${ratios.least.toFixed(2)}–${ratios.most.toFixed(2)}]`,
    checked === 0 ? 'none checked' : `${right} of ${checked} (${Math.round((right / checked) * 100)} %)`,
    `${same} of ${plainRuns.length}`,
  ];
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}

/** Tokens after the first, over the time since the first. */
async function run(backend: EngineBackend, model: InstalledModel, prompt: (typeof prompts)[number]): Promise<Run> {
  const request = plainRequest(randomUUID(), prompt.text, {
    model: model.entry.id,
    sampling: { temperature: Number(flags.temperature), repeatPenalty: 1 },
    maxTokens: prompt.maxTokens,
    reasoning: { return: false },
  });
  let text = '';
  let tokens = 0;
  let decodeMs = 0;
  for await (const event of backend.stream(request, { signal: AbortSignal.timeout(600_000) })) {
    if (event.type === 'text-delta') text += event.text;
    else if (event.type === 'usage') {
      tokens = event.usage.completionTokens;
      decodeMs = event.timings?.decodeMs ?? Number.NaN;
    } else if (event.type === 'error') throw new Error(event.message);
  }
  return { text, tokensPerSecond: ((tokens - 1) / decodeMs) * 1_000 };
}

function createSide(model: InstalledModel, speculation: 'auto' | 'off'): Side {
  let latest: EngineStatistics | undefined;
  const backend = createBackend(model, { threads: Number(flags.threads), speculation }, (statistics) => {
    latest = statistics;
  });
  return { backend, statistics: () => latest };
}
