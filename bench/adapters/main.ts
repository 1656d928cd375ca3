/**
 * `npm run bench:adapters`: what adapters cost while answers run: eight streams on the model alone, on one adapter, and spread
 * over several, in turns on one engine.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { countPhysicalCores } from '../../src/cli/device/physical-cores.ts';
import { adapterModelId, type Adapter } from '../../src/core/adapters.ts';
import { plainRequest } from '../../src/core/plain-request.ts';
import type { EngineBackend } from '../../src/engine/engine-backend.ts';
import { LoraTraining } from '../../src/engine/native/lora-training.ts';
import { NativeModel } from '../../src/engine/native/model.ts';
import { spreadOf } from '../../src/engine/optimize/choose-recipe.ts';
import { AdapterStore } from '../../src/models/adapters/adapter-store.ts';
import { ModelAdapters } from '../../src/models/adapters/model-adapters.ts';
import { readGgufHeader } from '../../src/models/gguf.ts';
import { createBackend } from '../engine/create-backend.ts';
import { findModel } from '../engine/find-model.ts';
import { countingPrompt } from '../engine/workload.ts';

const { values: flags } = parseArgs({
  options: {
    model: { type: 'string', default: 'smollm2-135m' },
    rounds: { type: 'string', default: '5' },
    tokens: { type: 'string', default: '48' },
    rank: { type: 'string', default: '8' },
    threads: { type: 'string', default: String(Math.min(8, countPhysicalCores())) },
    help: { type: 'boolean', default: false },
  },
});
const usage = `npm run bench:adapters -- [--model ID] [--rounds 5] [--tokens 48] [--rank 8] [--threads N]

Prints tokens a second of eight streams in all, as a share of the model alone in the same round: median, least, most.`;
const streams = 8;

if (flags.help) process.stdout.write(`${usage}\n`);
else await main();

async function main(): Promise<void> {
  const model = await findModel(flags.model);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'duanyun-bench-adapters-'));
  const store = new AdapterStore(folder);
  const tokenizer = await NativeModel.load({ path: model.weightsPath, gpuLayers: 0, repack: false });
  let backend: EngineBackend | undefined;
  try {
    const added: Adapter[] = [];
    for (const seed of [1, 2, 3]) added.push(await makeAdapter(tokenizer, store, model, folder, seed));
    const adapters = new ModelAdapters(store, model, await readGgufHeader(model.weightsPath));
    backend = createBackend(model, { threads: Number(flags.threads) }, undefined, { adapters });
    await backend.start(AbortSignal.timeout(300_000));
    const own = model.entry.id;
    const [one = '', two = '', three = ''] = added.map(({ name }) => adapterModelId(name));
    const cases: [string, string[]][] = [
      ['the model alone', [own]],
      ['one adapter', [one]],
      ['the model and one adapter', [own, one]],
      ['the model and three adapters', [own, one, two, three]],
    ];
    const ratios = new Map(cases.map(([name]) => [name, [] as number[]]));
    const speeds = new Map(cases.map(([name]) => [name, [] as number[]]));
    for (let round = -1; round < Number(flags.rounds); round++) {
      let alone = 0;
      for (const [name, models] of cases) {
        const speed = await tokensPerSecond(backend, tokenizer, models, round);
        alone ||= speed;
        // The first round warms up.
        if (round < 0) continue;
        ratios.get(name)?.push(speed / alone);
        speeds.get(name)?.push(speed);
      }
    }
    process.stdout.write(
      `## ${flags.model}, rank ${flags.rank}: ${os.cpus()[0]?.model ?? 'unknown processor'}, ${flags.threads} threads, ${streams} streams, ${flags.rounds} rounds\n\n` +
        '| streams spread over | tok/s in all | of the model alone |\n|---|---|---|\n',
    );
    for (const [name] of cases) {
      const ratio = spreadOf(ratios.get(name) ?? []);
      const speed = spreadOf(speeds.get(name) ?? []);
      process.stdout.write(
        `| ${name} | ${speed.median.toFixed(1)} | ${ratio.median.toFixed(2)} (${ratio.least.toFixed(2)}–${ratio.most.toFixed(2)}) |\n`,
      );
    }
  } finally {
    await backend?.dispose();
    tokenizer.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Untrained: the time does not depend on the numbers. */
async function makeAdapter(
  tokenizer: NativeModel,
  store: AdapterStore,
  model: Awaited<ReturnType<typeof findModel>>,
  folder: string,
  seed: number,
): Promise<Adapter> {
  const rank = Number(flags.rank);
  const training = new LoraTraining(tokenizer, { rank, alpha: 2 * rank, seed, windowTokens: 8, threads: 1 });
  const file = path.join(folder, `adapter-${seed}.gguf`);
  try {
    training.save(file);
  } finally {
    training.dispose();
  }
  const parts = {
    name: `bench-${seed}`,
    file,
    model,
    origin: 'trained',
    createdAt: new Date(),
    replace: false,
  } as const;
  return store.add(parts, new AbortController().signal);
}

/** From the moment every stream has its first token to the moment the first one ends. */
async function tokensPerSecond(
  backend: EngineBackend,
  tokenizer: NativeModel,
  models: string[],
  round: number,
): Promise<number> {
  const runs = await Promise.all(
    Array.from({ length: streams }, async (_, stream) => {
      const prompt = countingPrompt(tokenizer, (round + 2) * streams + stream);
      const request = plainRequest(
        `${round}-${stream}-${models.length}-${models[0]}`,
        { kind: 'completion', prompt, echo: false },
        {
          model: models[stream % models.length] ?? '',
          sampling: { temperature: 0, repeatPenalty: 1 },
          maxTokens: Number(flags.tokens),
        },
      );
      const arrivals: number[] = [];
      for await (const event of backend.stream(request, { signal: AbortSignal.timeout(600_000) })) {
        if (event.type === 'text-delta') arrivals.push(performance.now());
        else if (event.type === 'error') throw new Error(event.message);
      }
      return arrivals;
    }),
  );
  const from = Math.max(...runs.map((arrivals) => arrivals[0] ?? 0));
  const to = Math.min(...runs.map((arrivals) => arrivals.at(-1) ?? 0));
  const counted = runs.flat().filter((arrival) => arrival > from && arrival <= to).length;
  return (counted / (to - from)) * 1000;
}
