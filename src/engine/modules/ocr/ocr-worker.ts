/** The process that reads text in pictures. It holds the models of PP-OCR and the runtime, and nothing else. */
import { readFile } from 'node:fs/promises';
import { setImmediate as breathe } from 'node:timers/promises';
import { serveWorker } from '../../host/serve-worker.ts';
import { openOnnxModel } from '../../native/onnx-runtime.ts';
import { signsOf } from './ctc-decoder.ts';
import { type PageModels, type PageText, readPage } from './page-reader.ts';
import type { Pixels } from './sample-picture.ts';

export type OcrOptions = {
  files: { detector: string; direction: string; recogniser: string; signs: string };
  threads: number;
};

let models: PageModels | undefined;
/** One page at a time: the models use all threads they may. */
let queue: Promise<unknown> = Promise.resolve();

serveWorker<OcrOptions, object, Pixels, PageText>({
  async load({ files, threads }) {
    const open = async (file: string) => openOnnxModel(await readFile(file), threads);
    models = {
      detector: await open(files.detector),
      direction: await open(files.direction),
      recogniser: await open(files.recogniser),
      signs: signsOf(await readFile(files.signs, 'utf8')),
    };
    return {};
  },
  async call(picture, { signal }) {
    const loaded = models;
    if (loaded === undefined) throw new Error('called before it was loaded');
    const page = queue.then(async () => {
      signal.throwIfAborted();
      return readPage(picture, loaded, async () => {
        // Lets a cancellation come through between two lines.
        await breathe();
        signal.throwIfAborted();
      });
    });
    queue = page.catch(() => {});
    return page;
  },
});
