/** Trains an adapter in a process of its own: everything is checked first, and an interrupted training goes on. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeError } from '../../core/errors.ts';
import type { InstalledModel } from '../../core/model-store.ts';
import { freeDiskBytes, mebibytes } from '../../models/disk-space.ts';
import { readGgufHeader } from '../../models/gguf.ts';
import type { Encoded, TrainJob, TrainerEvent } from './messages.ts';
import { planProcessor } from './schedule.ts';
import type { CourseOutcome } from './trainer.ts';
import { claimTraining } from './training-lock.ts';
import { TrainerProcess } from './trainer-process.ts';
import { readTrainingData } from './training-data.ts';
import { estimateTrainingMemory } from './training-memory.ts';

export type FinetuneOptions = {
  name: string;
  model: InstalledModel;
  /** The bytes of the data file, and its name for messages. */
  data: Buffer;
  file: string;
  /** Folder for what is on its way; the training's own lies in it, under its name. */
  root: string;
  epochs: number;
  learningRate: number;
  rank: number;
  seed: number;
  patience: number;
  validationShare: number;
  /** Longer examples are cut. */
  mostTokens: number;
  /** 0–1, of all cores. */
  cpuShare: number;
  cores: number;
  /** Forget what an earlier training of this name reached. */
  restart: boolean;
  availableBytes: number;
  environment: Readonly<Record<string, string | undefined>>;
  /** The first abort pauses: the state is kept. */
  signal: AbortSignal;
  onEvent(event: FinetuneEvent): void;
  /** At least so often the state is kept, in ms. Default 60,000. */
  checkpointEveryMs?: number;
  /** Path of the child's script; the tests give another. */
  childScript?: string;
  /** Free bytes of a folder's disk; the tests give another. */
  freeBytes?: (folder: string) => Promise<number>;
};

export type FinetuneEvent =
  | TrainerEvent
  | {
      type: 'start';
      name: string;
      model: string;
      encoded: Encoded;
      repeatedLines: number;
      windowTokens: number;
      threads: number;
      busyShare: number;
      neededBytes: number;
      availableBytes: number;
      weights: 'wide' | 'as-published';
    }
  | { type: 'widen' };

export type FinetuneResult = CourseOutcome & {
  /** The best adapter; absent where the loss on the examples kept apart never fell, or none was checked yet. */
  adapterPath?: string;
  workFolder: string;
  trainExamples: number;
  validationExamples: number;
};

/** The alpha that is usual for a rank: what was learnt counts twice. */
const alphaOfRank = 2;
const windowGroup = 8;
const usualCheckpointEveryMs = 60_000;
/** Left to other processes. */
const reserveBytes = 192 * 2 ** 20;
const fewestExamples = 2;

/**
 * Throws `training_data_invalid` and `model_too_large`, `disk_full` before anything is trained, `training_failed`,
 * `engine_crashed`; `store_locked` while another process trains the same adapter.
 */
export async function finetune(options: FinetuneOptions): Promise<FinetuneResult> {
  const { name, model, root, file, signal } = options;
  const data = readTrainingData(options.data, file, options.validationShare);
  const workFolder = join(root, name);
  const lock = await claimTraining(root, name, signal);
  const child = new TrainerProcess({
    environment: options.environment,
    childScript: options.childScript ?? fileURLToPath(new URL('./finetune-main.js', import.meta.url)),
    onEvent: (event) => options.onEvent(event),
  });
  try {
    const weightsPath = model.tuned?.sourcePath ?? model.weightsPath;
    const { threads, busyShare } = planProcessor(options.cpuShare, options.cores);
    const { train, validation } = data;
    const { entry } = model;
    const { mostTokens } = options;
    const encoded = await child.run(
      { kind: 'encode', weightsPath, entry, train, validation, file, mostTokens },
      signal,
    );
    requireExamples(encoded, file, mostTokens);
    const windowTokens = Math.min(mostTokens, Math.ceil(encoded.longestTokens / windowGroup) * windowGroup);
    const fingerprint = fingerprintOf(options, data.sha256, windowTokens);
    if (options.restart) await rm(workFolder, { recursive: true, force: true });
    await mkdir(workFolder, { recursive: true });
    const memory = estimateTrainingMemory(await readGgufHeader(weightsPath), windowTokens, options.rank);
    const isWide = memory.wideBytes + reserveBytes <= options.availableBytes;
    const neededBytes = isWide ? memory.wideBytes : memory.narrowBytes;
    if (neededBytes + reserveBytes > options.availableBytes) throw tooLarge(options, neededBytes, windowTokens);
    const widePath = join(workFolder, 'weights-f32.gguf');
    const hasWide = (await sizeOf(widePath)) > 0;
    await requireDisk(options, workFolder, (isWide && !hasWide ? memory.wideFileBytes : 0) + 3 * memory.stateBytes);
    options.onEvent({
      type: 'start',
      name,
      model: entry.id,
      encoded,
      repeatedLines: data.repeated,
      windowTokens,
      threads,
      busyShare,
      neededBytes,
      availableBytes: options.availableBytes,
      weights: isWide ? 'wide' : 'as-published',
    });
    if (isWide && !hasWide) {
      options.onEvent({ type: 'widen' });
      const target = `${widePath}.new`;
      await child.run({ kind: 'widen', source: weightsPath, target, threads }, signal);
      if ((await sizeOf(target)) < memory.wideFileBytes * 0.9)
        throw await diskFull(options, workFolder, memory.wideFileBytes);
      await rename(target, widePath);
    }
    const bestPath = join(workFolder, 'best.gguf');
    const job: TrainJob = {
      kind: 'train',
      weightsPath: isWide ? widePath : weightsPath,
      windowTokens,
      threads,
      shape: { rank: options.rank, alpha: alphaOfRank * options.rank, seed: options.seed },
      course: {
        epochs: options.epochs,
        learningRate: options.learningRate,
        seed: options.seed,
        patience: options.patience,
        busyShare,
        checkpointEveryMs: options.checkpointEveryMs ?? usualCheckpointEveryMs,
      },
      fingerprint,
      checkpointPath: join(workFolder, 'checkpoint.bin'),
      bestPath,
    };
    const outcome = await child.train(job, signal);
    return {
      ...outcome,
      ...(outcome.progress.best === undefined ? {} : { adapterPath: bestPath }),
      workFolder,
      trainExamples: encoded.trainExamples,
      validationExamples: encoded.validationExamples,
    };
  } finally {
    await child.dispose();
    // While the folder is still this training's.
    await removeUnused(workFolder);
    await lock.release();
  }
}

/** Nothing but scraps: a training that never reached a checkpoint leaves no folder. */
async function removeUnused(workFolder: string): Promise<void> {
  const names = await readdir(workFolder).catch(() => [] as string[]);
  for (const name of names.filter((each) => each.endsWith('.new'))) await rm(join(workFolder, name), { force: true });
  if (!names.some((each) => each === 'checkpoint.bin')) await rm(workFolder, { recursive: true, force: true });
}

function requireExamples(
  { trainExamples, validationExamples, droppedLines }: Encoded,
  file: string,
  mostTokens: number,
) {
  if (trainExamples >= fewestExamples && validationExamples >= 1) return;
  const reason = `too little is left of it: of ${droppedLines.length} conversations no answer begins within ${mostTokens} tokens (--max-tokens)`;
  throw makeError('training_data_invalid', { file, place: '', reason });
}

/** A training goes on only where model, data and settings are the same. */
function fingerprintOf(options: FinetuneOptions, dataSha256: string, windowTokens: number): string {
  const { model, epochs, learningRate, rank, seed, validationShare } = options;
  const parts = [1, model.source, dataSha256, windowTokens, epochs, learningRate, rank, seed, validationShare];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function tooLarge({ model, availableBytes }: FinetuneOptions, neededBytes: number, windowTokens: number): Error {
  return makeError('model_too_large', {
    model: `Training ${model.entry.id} with examples of ${windowTokens} tokens`,
    neededMiB: mebibytes(neededBytes + reserveBytes),
    availableMiB: Math.floor(availableBytes / 2 ** 20),
    advice: 'Free some memory, cut the examples with --max-tokens, or take a smaller --model.',
  });
}

type Disk = Pick<FinetuneOptions, 'freeBytes'>;

async function requireDisk(disk: Disk, folder: string, neededBytes: number): Promise<void> {
  if ((await (disk.freeBytes ?? freeDiskBytes)(folder)) < neededBytes) throw await diskFull(disk, folder, neededBytes);
}

async function diskFull({ freeBytes = freeDiskBytes }: Disk, folder: string, neededBytes: number): Promise<Error> {
  const availableMiB = Math.floor((await freeBytes(folder)) / 2 ** 20);
  return makeError('disk_full', { path: folder, neededMiB: mebibytes(neededBytes), availableMiB });
}

function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
