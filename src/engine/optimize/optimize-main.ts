/** The process that requantises and measures. A crash in native code ends it and nothing else; it ends with its parent. */
import { toWireError } from '../host/wire-error.ts';
import { ImportanceCollector } from '../native/importance.ts';
import { NativeModel } from '../native/model.ts';
import { checkSameVocabulary } from '../native/same-vocabulary.ts';
import { quantise, tensorTypes, type Importance } from '../native/quantise.ts';
import { readGgufHeader } from '../../models/gguf.ts';
import { ggmlTypeNumber } from '../../models/ggml-types.ts';
import type { FromOptimizeProcess, JobResult, OptimizeJob } from './messages.ts';
import { compareWithReference, textWindows, writeReference } from './quality.ts';
import { compareSpeed } from './speed.ts';
import { calibrationText } from './texts/calibration-text.ts';

let importance: Importance | undefined;

function send(message: FromOptimizeProcess): void {
  if (process.connected) process.send?.(message);
}

const progress = (share: number) => send({ type: 'progress', share });

async function withModel<Result>(path: string, work: (model: NativeModel) => Promise<Result>): Promise<Result> {
  const model = await NativeModel.load({ path, gpuLayers: 0 });
  try {
    return await work(model);
  } finally {
    model.dispose();
  }
}

async function run(job: OptimizeJob): Promise<JobResult[keyof JobResult]> {
  switch (job.kind) {
    case 'reference':
      return withModel(job.source, async (model) => {
        const mismatch = job.published === undefined ? undefined : await vocabularyMismatch(model, job.published);
        if (mismatch !== undefined) return { perplexity: Number.NaN, tokens: 0, mismatch };
        // First: it finds a text that is too short.
        const written = await writeReference(model, { ...job, file: job.referencePath }, (share) =>
          progress(share / 2),
        );
        importance = collectImportance(model, job.threads, (share) => progress(0.5 + share / 2));
        return written;
      });
    case 'quantise': {
      const { source, target, threads, format, tensors, pruneLayers } = job;
      const wanted = new Set(tensors);
      const { tensors: all } = await readGgufHeader(source);
      await quantise({
        source,
        target,
        threads,
        base: format,
        types: new Map(
          all.map(({ name, type }) => [name, wanted.has(name) ? tensorTypes[format] : ggmlTypeNumber(type)]),
        ),
        ...(pruneLayers === undefined ? {} : { pruneLayers }),
        // With 8 bits there is nothing to weigh.
        ...(importance === undefined || format === 'q8_0' ? {} : { importance }),
      });
      return undefined;
    }
    case 'quality':
      return withModel(job.candidate, (model) =>
        compareWithReference(model, { ...job, file: job.referencePath }, progress),
      );
    case 'speed':
      return compareSpeed({ ...job, onRound: (round) => progress(round / job.mostRounds) });
  }
}

async function vocabularyMismatch(model: NativeModel, path: string): Promise<string | undefined> {
  const published = await NativeModel.load({ path, gpuLayers: 0, vocabularyOnly: true });
  try {
    return checkSameVocabulary(model, published);
  } finally {
    published.dispose();
  }
}

function collectImportance(model: NativeModel, threads: number, onProgress: (share: number) => void): Importance {
  const collector = new ImportanceCollector();
  try {
    const total = model.tokenize(calibrationText, false, false).length;
    let done = 0;
    for (const { tokens } of textWindows(model, calibrationText, { threads, evaluationCallback: collector.callback })) {
      done += tokens.length;
      onProgress(done / total);
    }
    return collector.result();
  } finally {
    collector.dispose();
  }
}

process.on('message', (job) => {
  run(job as OptimizeJob)
    .then((result) => send({ type: 'done', result }))
    .catch((error: unknown) => send({ type: 'failed', error: toWireError(error, 'optimize') }));
});
process.on('disconnect', () => process.exit(0));
// The parent decides when this process ends.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
