/** The real OCR and the real decoder of pictures for tests; their processes run the built code, which `npm test` builds first. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { noMetrics } from '../../src/core/metrics.ts';
import { ModuleManager } from '../../src/engine/modules/module-manager.ts';
import { OcrModule, OcrReader } from '../../src/engine/modules/ocr/ocr-module.ts';
import { PictureProcess } from '../../src/engine/pictures/picture-process.ts';

export type TestOcr = {
  decoder: PictureProcess;
  ocr: OcrModule;
  modules: ModuleManager;
  reader: OcrReader;
  dispose: () => Promise<void>;
};

/** Loads nothing before it is used. */
export function openOcr(): TestOcr {
  const built = (file: string): string => fileURLToPath(new URL(`../../dist/engine/${file}`, import.meta.url));
  if (!existsSync(built('modules/ocr/ocr-worker.js'))) {
    throw new Error('dist is missing: run the tests with `npm test`');
  }
  const parts = { environment: process.env, log: silentLog };
  const limits = { maxBytes: 20_000_000, maxPixels: 50_000_000 };
  const decoder = new PictureProcess({ ...parts, limits, script: built('pictures/picture-worker.js') });
  const ocr = new OcrModule({ ...parts, threads: 1, script: built('modules/ocr/ocr-worker.js') });
  const modules = new ModuleManager({
    clock: systemClock,
    log: silentLog,
    metrics: noMetrics,
    budgetBytes: 'auto',
    availableBytes: () => 8_000_000_000,
    idleMs: 600_000,
  });
  modules.register(ocr);
  const dispose = async (): Promise<void> => {
    await modules.dispose();
    await decoder.dispose();
  };
  return { decoder, ocr, modules, reader: new OcrReader(ocr, modules, decoder), dispose };
}
