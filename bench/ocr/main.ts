/**
 * `npm run bench:ocr`: character error rate and time of OCR over the drawn pages of `test/fixtures/pictures`, as they are and as a
 * camera would make them. One thread; the first page warms up and does not count.
 */
// oxlint-disable no-restricted-imports -- measures the module in its own processes, like bench/engine
import { readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { systemClock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { noMetrics } from '../../src/core/metrics.ts';
import { ModuleManager } from '../../src/engine/modules/module-manager.ts';
import { OcrModule, OcrReader } from '../../src/engine/modules/ocr/ocr-module.ts';
import { PictureProcess } from '../../src/engine/pictures/picture-process.ts';
import { characterErrorRate } from '../../test/support/character-errors.ts';

const folder = path.resolve('test/fixtures/pictures');
const texts = JSON.parse(readFileSync(path.join(folder, 'texts.json'), 'utf8')) as Record<string, string>;
const variants: Record<string, (file: Buffer) => Promise<Buffer>> = {
  'as drawn': async (file) => file,
  'lying on its side': (file) => sharp(file).rotate(90).png().toBuffer(),
  'upside down': (file) => sharp(file).rotate(180).png().toBuffer(),
  'sloping by 6°': (file) => sharp(file).rotate(6, { background: '#888' }).jpeg({ quality: 70 }).toBuffer(),
  'hardly any contrast': (file) => sharp(file).linear(0.18, 150).jpeg({ quality: 70 }).toBuffer(),
  'half the size': async (file) => {
    const { width } = await sharp(file).metadata();
    return sharp(file)
      .resize(Math.round(width / 2))
      .jpeg({ quality: 60 })
      .toBuffer();
  },
  'noise, blur, sheared': async (file) => {
    const { width, height } = await sharp(file).metadata();
    const noise = { type: 'gaussian' as const, mean: 128, sigma: 40 };
    const grain = await sharp({ create: { width, height, channels: 3, background: '#000', noise } })
      .png()
      .toBuffer();
    const soft = await sharp(file).flatten().toColourspace('srgb').blur(1).toBuffer();
    return sharp(soft)
      .composite([{ input: grain, blend: 'soft-light' }])
      .affine([1, 0.12, 0.06, 1], { background: '#777' })
      .jpeg({ quality: 60 })
      .toBuffer();
  },
};

const parts = { environment: {}, log: silentLog };
const decoder = new PictureProcess({ ...parts, limits: { maxBytes: 50_000_000, maxPixels: 50_000_000 } });
const ocr = new OcrModule({ ...parts, threads: 1 });
const modules = new ModuleManager({
  clock: systemClock,
  log: silentLog,
  metrics: noMetrics,
  budgetBytes: 'auto',
  availableBytes: () => Number.MAX_SAFE_INTEGER,
  idleMs: 600_000,
});
modules.register(ocr);
const reader = new OcrReader(ocr, modules, decoder);
const read = (bytes: Uint8Array) => reader.read(bytes, { signal: AbortSignal.timeout(300_000) });
const print = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  await read(readFileSync(path.join(folder, 'menu.jpg')));
  print('| pages | signs | character error rate | worst page | lines not read | median ms a page |');
  print('|---|---|---|---|---|---|');
  for (const [variant, change] of Object.entries(variants)) {
    let [signs, errors, worst, unread] = [0, 0, 0, 0];
    const times: number[] = [];
    for (const [name, text] of Object.entries(texts)) {
      const file = await change(readFileSync(path.join(folder, name)));
      const startedMs = performance.now();
      const page = await read(file);
      times.push(performance.now() - startedMs);
      unread += page.unreadLines;
      if (text === '') continue;
      const rate = characterErrorRate(page.text, text);
      const length = text.replaceAll(/\s/g, '').length;
      signs += length;
      errors += rate * length;
      worst = Math.max(worst, rate);
    }
    const median = times.toSorted((left, right) => left - right)[Math.floor(times.length / 2)] ?? 0;
    const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
    print(
      `| ${variant} | ${signs} | ${percent(errors / signs)} | ${percent(worst)} | ${unread} | ${median.toFixed(0)} |`,
    );
  }
  print(`\nMemory of the OCR process: ${(ocr.residentBytes() / 1024 / 1024).toFixed(0)} MiB.`);
} finally {
  await modules.dispose();
  await decoder.dispose();
}
