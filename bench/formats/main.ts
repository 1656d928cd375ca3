/**
 * `npm run bench:formats`: the file that `duanyun optimize` made against the published one, both in the same engine, in
 * turns in one run. Makes the file first where there is none for the goal.
 */
import { parseArgs } from 'node:util';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { application } from '../../src/application.ts';
import { countPhysicalCores } from '../../src/cli/device/physical-cores.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { silentLog } from '../../src/core/log.ts';
import type { InstalledModel } from '../../src/core/model-store.ts';
import { type OptimizeGoal, optimizeGoals, spreadOf } from '../../src/engine/optimize/choose-recipe.ts';
import { NativeModel } from '../../src/engine/native/model.ts';
import { tunedName } from '../../src/models/tuned-files.ts';
import { Contender } from '../engine/contender.ts';
import { EngineDriver } from '../engine/engine-driver.ts';
import { createBackend } from '../engine/create-backend.ts';
import { findModel } from '../engine/find-model.ts';

const { values: flags } = parseArgs({
  options: {
    model: { type: 'string', default: 'qwen2.5-coder-0.5b' },
    for: { type: 'string', multiple: true, default: ['balanced', 'speed'] },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(Math.min(8, countPhysicalCores())) },
    help: { type: 'boolean', default: false },
  },
});

const usage = `npm run bench:formats -- [--model ID] [--for ${optimizeGoals.join('|')} ...] [--rounds 5] [--threads N]

Optimises the model for each goal where that was not done yet, then measures the engine on the published file and on
the optimised one in turns. Prints the median of the ratios and, in brackets, the smallest and the largest.
The file of the last goal stays in use; duanyun optimize ID --undo goes back.`;

/** What the project wants to reach, for the 0.5B. */
const reach: Partial<Record<OptimizeGoal, { prefill: number; decode: number; kl: number }>> = {
  balanced: { prefill: 1.7, decode: 1.25, kl: 0.022 },
  speed: { prefill: 2, decode: 1.4, kl: 0.033 },
};
const rounds = Number(flags.rounds);
const threads = Number(flags.threads);
/** In a round. */
const decodeTurns = 4;

if (flags.help) process.stdout.write(`${usage}\n`);
else await main();

async function main(): Promise<void> {
  const published = await findModel(flags.model);
  process.stdout.write(
    `## ${flags.model}: ${os.cpus()[0]?.model ?? 'unknown processor'}, ${threads} threads, ${rounds} rounds\n\n`,
  );
  process.stdout.write(
    '| goal | format | KL | same token | prefill of 512 | decode, 1 stream | 8 streams | 8 streams, against a bare loop of llama.cpp on the published file | wanted |\n|---|---|---|---|---|---|---|---|---|\n',
  );
  for (const goal of flags.for as OptimizeGoal[]) await benchGoal(published, goal);
}

async function benchGoal(published: InstalledModel, goal: OptimizeGoal): Promise<void> {
  const config = loadConfig();
  const store = application.openStore(config, silentLog);
  try {
    let found = await store.tunedFiles.find(tunedName(published), published.source);
    if (found?.tuned.goal !== goal) {
      process.stderr.write(`optimising for ${goal}\n`);
      await application.optimize(
        {
          model: tunedName(published),
          sourcePath: published.weightsPath,
          source: published.source,
          goal,
          threads,
          tunedFiles: store.tunedFiles,
          availableBytes: application.availableMemoryBytes(),
          signal: new AbortController().signal,
          onEvent: (event) => {
            if (event.type === 'candidate')
              process.stderr.write(`  ${event.candidate.recipe.id}: KL ${event.candidate.quality.kl.toFixed(4)}\n`);
          },
        },
        config,
      );
      found = await store.tunedFiles.find(tunedName(published), published.source);
    }
    if (found?.tuned.goal !== goal) {
      process.stdout.write(`| ${goal} | published: no candidate is better | | | | | | | |\n`);
      return;
    }
    const ratios = await compare(published, { ...published, weightsPath: found.path });
    const { recipe, measured } = found.tuned;
    const wanted = reach[goal];
    const text =
      wanted === undefined
        ? '–'
        : `prefill ≥ ${wanted.prefill}, decode ≥ ${wanted.decode}, 8 streams ≥ 1.4, KL ≤ ${wanted.kl}`;
    const cells = [
      goal,
      recipe.id,
      measured.kl.toFixed(4),
      `${(measured.sameTop * 100).toFixed(1)} %`,
      ...ratios,
      text,
    ];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  } finally {
    await store.dispose();
  }
}

/** Both engines and the bare loop stay loaded and take turns at each kind of work. */
async function compare(published: InstalledModel, tuned: InstalledModel): Promise<string[]> {
  const tokenizer = await NativeModel.load({ path: published.weightsPath, gpuLayers: 0, vocabularyOnly: true });
  const backends = [createBackend(published, { threads }), createBackend(tuned, { threads })];
  const bare = await Contender.start('bare-loop', [published.weightsPath, String(threads), '8192', '8']);
  const series = { prefill: [] as number[], decode: [] as number[], eight: [] as number[], native: [] as number[] };
  const speed = (result: { tokens: number; milliseconds: number }): number => result.tokens / result.milliseconds;
  try {
    for (const backend of backends) await backend.start(AbortSignal.timeout(300_000));
    const [first, second] = backends.map((backend) => new EngineDriver(backend, tokenizer, published.entry.id)) as [
      EngineDriver,
      EngineDriver,
    ];
    for (let round = 0; round < rounds; round++) {
      process.stderr.write(`round ${round + 1} of ${rounds}\n`);
      const number = 1 + round * 16;
      /** Tokens a millisecond of the published file and of the tuned one. */
      const inTurns = async (measure: (driver: EngineDriver) => ReturnType<EngineDriver['prefill']>, turn = round) => {
        const speeds = new Map<EngineDriver, number>();
        for (const driver of turn % 2 === 0 ? [first, second] : [second, first]) {
          // The controller of an engine that waited has to see that the other one is done.
          await sleep(2_500);
          speeds.set(driver, speed(await measure(driver)));
        }
        return [speeds.get(first) ?? Number.NaN, speeds.get(second) ?? Number.NaN] as const;
      };
      const prefill = await inTurns((driver) => driver.prefill(512, number));
      series.prefill.push(prefill[1] / prefill[0]);
      // Two seconds of work each, which is little beside what else the machine does: so more of them.
      for (let turn = 0; turn < decodeTurns; turn++) {
        const decode = await inTurns((driver) => driver.generate(1, 96, number), turn);
        series.decode.push(decode[1] / decode[0]);
      }
      const native = speed(await bare.measure({ kind: 'generate', streams: 8, tokens: 96, number }));
      const eight = await inTurns((driver) => driver.generate(8, 96, number));
      series.eight.push(eight[1] / eight[0]);
      series.native.push(eight[1] / native);
    }
  } finally {
    await bare.stop();
    for (const backend of backends) await backend.dispose();
    tokenizer.dispose();
  }
  return Object.values(series).map((values) => {
    const { median, least, most } = spreadOf(values);
    return `${median.toFixed(2)}× [${least.toFixed(2)}–${most.toFixed(2)}]`;
  });
}
