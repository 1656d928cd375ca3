/** The process that trains. A crash in native code ends it and nothing else; it ends with its parent. */
import { setPriority } from 'node:os';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemClock } from '../../core/clock.ts';
import { makeError } from '../../core/errors.ts';
import { freeDiskBytes, isDiskFull, mebibytes } from '../../models/disk-space.ts';
import { toWireError } from '../host/wire-error.ts';
import { LoraTraining } from '../native/lora-training.ts';
import { NativeModel } from '../native/model.ts';
import { quantise } from '../native/quantise.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { ConversationEncoder, cutToWindow, type EncodedConversation } from './conversation-encoder.ts';
import type { EncodeJob, Encoded, FinetuneJob, FromTrainer, JobResult, ToTrainer, TrainJob } from './messages.ts';
import { newProgress, runCourse, type CourseOutcome } from './trainer.ts';

/** Whatever else the machine does comes first: answers that are being given, above all. */
const politeness = 10;

let encoded: { train: EncodedConversation[]; validation: EncodedConversation[] } | undefined;
let wantsPause = false;

function send(message: FromTrainer): void {
  if (process.connected) process.send?.(message);
}

async function run(job: FinetuneJob): Promise<JobResult[keyof JobResult]> {
  switch (job.kind) {
    case 'encode':
      return encode(job);
    case 'widen':
      await quantise({ source: job.source, target: job.target, base: 'f32', threads: job.threads });
      return undefined;
    case 'train':
      return runTraining(job);
  }
}

async function encode({ weightsPath, entry, file, mostTokens, ...data }: EncodeJob): Promise<Encoded> {
  const model = await NativeModel.load({ path: weightsPath, gpuLayers: 0, vocabularyOnly: true });
  try {
    const encoder = new ConversationEncoder(model, entry);
    const [train, validation] = [data.train, data.validation].map((conversations) =>
      cutToWindow(
        conversations.map((conversation) => encoder.encode(conversation, file)),
        mostTokens,
      ),
    ) as [ReturnType<typeof cutToWindow>, ReturnType<typeof cutToWindow>];
    encoded = { train: train.kept, validation: validation.kept };
    const all = [...train.kept, ...validation.kept];
    const sum = (count: (each: EncodedConversation) => number) =>
      train.kept.reduce((total, each) => total + count(each), 0);
    return {
      longestTokens: Math.max(0, ...all.map(({ tokens }) => tokens.length)),
      tokens: sum(({ tokens }) => tokens.length),
      learntTokens: sum(({ learnt }) => learnt.reduce((count, each) => count + each, 0)),
      trainExamples: train.kept.length,
      validationExamples: validation.kept.length,
      cutLines: [...train.cut, ...validation.cut],
      droppedLines: [...train.dropped, ...validation.dropped],
      controlTextLines: [...data.train, ...data.validation]
        .filter((conversation) => encoder.holdsControlText(conversation))
        .map(({ line }) => line),
    };
  } finally {
    model.dispose();
  }
}

async function runTraining(job: TrainJob): Promise<CourseOutcome> {
  if (encoded === undefined) throw makeError('internal', { requestId: 'train before encode' });
  const examples = encoded;
  const { windowTokens, threads, shape, fingerprint, checkpointPath, bestPath } = job;
  const model = await NativeModel.load({ path: job.weightsPath, gpuLayers: 0, repack: false });
  let training: LoraTraining | undefined;
  try {
    const learner = new LoraTraining(model, { ...shape, windowTokens, threads });
    training = learner;
    const earlier = await readCheckpoint(checkpointPath, fingerprint);
    const [first] = examples.train;
    if (earlier !== undefined && first !== undefined) {
      const { progress, state } = earlier;
      learner.restore(state, first);
      send({ type: 'event', event: { type: 'resumed', epoch: progress.epoch + 1, step: progress.step } });
    }
    return await runCourse({
      learner,
      train: examples.train,
      validation: examples.validation,
      options: job.course,
      progress: earlier?.progress ?? newProgress(),
      clock: systemClock,
      onEvent: (event) => send({ type: 'event', event }),
      saveBest: () => saveAdapter(learner, bestPath),
      async saveCheckpoint(progress) {
        const state = learner.state();
        if (state !== undefined) await writeCheckpoint(checkpointPath, { fingerprint, progress, state });
      },
      wantsPause: () => wantsPause,
    });
  } finally {
    training?.dispose();
    model.dispose();
  }
}

/** What was reached stays in the last checkpoint; the same command goes on from it. */
async function diskFull({ checkpointPath }: TrainJob): Promise<Error> {
  const free = await freeDiskBytes(dirname(checkpointPath)).catch(() => 0);
  const neededBytes =
    2 *
    (await stat(checkpointPath).then(
      ({ size }) => size,
      () => 0,
    ));
  return makeError('disk_full', {
    path: dirname(checkpointPath),
    neededMiB: mebibytes(Math.max(neededBytes, 2 ** 20)),
    availableMiB: Math.floor(free / 2 ** 20),
  });
}

/** The native writer reports neither why it failed nor, on a full disk, that it did. */
async function saveAdapter(learner: LoraTraining, path: string): Promise<void> {
  const isSaved = learner.save(path);
  const size = await stat(path).then(
    (status) => status.size,
    () => 0,
  );
  if (!isSaved || size < learner.parameterCount * 4) throw Object.assign(new Error('cut short'), { code: 'ENOSPC' });
}

process.on('message', (message) => {
  const job = message as ToTrainer;
  if (job.kind === 'pause') {
    wantsPause = true;
    return;
  }
  run(job)
    .then((result) => send({ type: 'done', result }))
    .catch(async (error: unknown) => {
      const known = isDiskFull(error) && job.kind === 'train' ? await diskFull(job) : error;
      send({ type: 'failed', error: toWireError(known, 'finetune') });
    });
});
process.on('disconnect', () => process.exit(0));
// The parent decides when this process ends.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
setPriority(politeness);
