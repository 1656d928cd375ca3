/**
 * `npm run bench:speculation`: decoding with drafts against decoding without, the same engine twice (or three times, with a draft
 * model), in turns in one run, on answers that repeat their prompt and on one that does not.
 */
import { randomUUID } from 'node:crypto';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { countPhysicalCores } from '../../src/cli/device/physical-cores.ts';
import type { InstalledModel } from '../../src/core/model-store.ts';
import { plainRequest } from '../../src/core/plain-request.ts';
import type { EngineBackend } from '../../src/engine/engine-backend.ts';
import type { EngineOptions, EngineStatistics } from '../../src/engine/host/messages.ts';
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
    'draft-model': { type: 'string' },
    'max-tokens': { type: 'string', default: '400' },
    published: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const usage = `npm run bench:speculation -- [--model ID] [--rounds 3] [--threads N] [--temperature 0] [--published]
  [--draft-model ID] [--max-tokens 400]

Prints for each prompt the tokens per second without and with drafts, the median of the ratios with the smallest and the largest, the share
of checked tokens that were right, and whether the two texts are the same. Uses the optimised file where there is one. With --draft-model
also with drafts of that model, whose own time counts.`;
/** Statistics come once a second. */
const statisticsMs = 1_200;

if (flags.help) process.stdout.write(`${usage}\n`);
else await main();

type Side = { name: string; backend: EngineBackend; statistics: () => EngineStatistics | undefined };
type Run = { text: string; tokensPerSecond: number };

async function main(): Promise<void> {
  const model = await findModel(flags.model, { published: flags.published });
  const file = model.tuned === undefined ? 'published file' : model.tuned.recipe;
  process.stdout.write(
    `## ${flags.model} (${file}): ${os.cpus()[0]?.model ?? 'unknown processor'}, ${flags.threads} threads, ${flags.rounds} rounds, temperature ${flags.temperature}\n\n` +
      '| prompt | drafts | tok/s without | tok/s with | ratio | checked and right | same text |\n|---|---|---|---|---|---|---|\n',
  );
  const plain = createSide(model, 'none', { speculation: 'off' });
  const drafting = [createSide(model, 'from the text', { speculation: 'auto' })];
  const draftId = flags['draft-model'];
  if (draftId !== undefined) {
    const { weightsPath } = await findModel(draftId, { published: flags.published });
    const draft = { id: draftId, weightsPath, cells: 4_096 };
    drafting.push(createSide(model, `and from ${draftId}`, { speculation: 'draft', draft }));
  }
  const sides = [plain, ...drafting];
  try {
    for (const { backend } of sides) await backend.start(AbortSignal.timeout(300_000));
    for (const prompt of prompts) await benchPrompt(plain, drafting, model, prompt);
  } finally {
    for (const { backend } of sides) await backend.dispose();
  }
}

async function benchPrompt(
  plain: Side,
  drafting: readonly Side[],
  model: InstalledModel,
  prompt: (typeof prompts)[number],
): Promise<void> {
  const sides = [plain, ...drafting];
  const before = new Map(sides.map((side) => [side, countsOf(side)]));
  const runs = new Map<Side, Run[]>(sides.map((side) => [side, []]));
  for (let round = 0; round < Number(flags.rounds); round++) {
    process.stderr.write(`${prompt.name}: round ${round + 1} of ${flags.rounds}\n`);
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      // The controller of an engine that waited has to see that the other one is done.
      await sleep(statisticsMs);
      runs.get(side)?.push(await run(side.backend, model, prompt));
    }
  }
  await sleep(statisticsMs);
  const plainRuns = runs.get(plain) ?? [];
  for (const side of drafting) {
    const draftingRuns = runs.get(side) ?? [];
    const ratios = spreadOf(
      draftingRuns.map(
        ({ tokensPerSecond }, index) => tokensPerSecond / (plainRuns[index]?.tokensPerSecond ?? Number.NaN),
      ),
    );
    const speed = (of: Run[]) => spreadOf(of.map(({ tokensPerSecond }) => tokensPerSecond)).median.toFixed(1);
    const same = draftingRuns.filter(({ text }, index) => text === plainRuns[index]?.text).length;
    const cells = [
      prompt.name,
      side.name,
      speed(plainRuns),
      speed(draftingRuns),
      `${ratios.median.toFixed(2)}× [${ratios.least.toFixed(2)}–${ratios.most.toFixed(2)}]`,
      describeCounts(countsOf(side), before.get(side)),
      `${same} of ${plainRuns.length}`,
    ];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  }
}

type Counts = EngineStatistics['drafts'] | undefined;

function countsOf({ statistics }: Side): Counts {
  return statistics()?.drafts;
}

function describeCounts(after: Counts, before: Counts): string {
  const parts = Object.entries(after ?? {}).flatMap(([source, { checked, right }]) => {
    const earlier = before?.[source as keyof EngineStatistics['drafts']];
    const checkedHere = checked - (earlier?.checked ?? 0);
    const rightHere = right - (earlier?.right ?? 0);
    if (checkedHere === 0) return [];
    return [`${source}: ${rightHere} of ${checkedHere} (${Math.round((rightHere / checkedHere) * 100)} %)`];
  });
  return parts.length === 0 ? 'none checked' : parts.join(', ');
}

/** Tokens after the first, over the time since the first. */
async function run(backend: EngineBackend, model: InstalledModel, prompt: (typeof prompts)[number]): Promise<Run> {
  const request = plainRequest(randomUUID(), prompt.text, {
    model: model.entry.id,
    sampling: { temperature: Number(flags.temperature), repeatPenalty: 1 },
    maxTokens: Math.min(prompt.maxTokens, Number(flags['max-tokens'])),
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

function createSide(model: InstalledModel, name: string, how: Pick<EngineOptions, 'speculation' | 'draft'>): Side {
  let latest: EngineStatistics | undefined;
  const backend = createBackend(model, { threads: Number(flags.threads), ...how }, (statistics) => {
    latest = statistics;
  });
  return { name, backend, statistics: () => latest };
}
