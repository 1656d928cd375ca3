/** Real decoding in the real process, which runs the built code; `npm test` builds it first. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../core/log.ts';
import { PictureProcess, type PictureProcessOptions } from './picture-process.ts';
import { gif, png, pngWithBombsBeside, pngWithTooMuchData } from './testing/hostile-pictures.ts';

const script = fileURLToPath(new URL('../../../dist/engine/pictures/picture-worker.js', import.meta.url));
const limits = { maxBytes: 20_000_000, maxPixels: 50_000_000 };
const signal = (): AbortSignal => AbortSignal.timeout(60_000);
const maxPixels = 1_000_000;

const shared = new PictureProcess({ limits, environment: {}, log: silentLog, script });
const own: PictureProcess[] = [];
/** One process for all tests, except where a test wants another. */
function pictures(options?: Partial<PictureProcessOptions>): PictureProcess {
  if (options === undefined) return shared;
  const made = new PictureProcess({ limits, environment: {}, log: silentLog, script, ...options });
  own.push(made);
  return made;
}
afterAll(async () => {
  for (const each of [shared, ...own]) await each.dispose();
});
beforeAll(() => {
  if (!existsSync(script)) throw new Error('dist is missing: run the tests with `npm test`, which builds first');
});

const noise = () =>
  sharp({
    create: {
      width: 400,
      height: 300,
      channels: 3,
      background: '#888',
      noise: { type: 'gaussian', sigma: 60, mean: 128 },
    },
  });
/** Half red, half blue, so that turning it shows. */
const flag = async () =>
  sharp({ create: { width: 40, height: 20, channels: 3, background: '#ff0000' } })
    .composite([{ input: { create: { width: 20, height: 20, channels: 3, background: '#0000ff' } }, left: 20, top: 0 }])
    .png()
    .toBuffer();
const pixel = ({ rgb, width }: { rgb: Uint8Array; width: number }, x: number, y: number) => [
  ...rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

describe('a picture', () => {
  it('comes out upright, in three bytes a pixel, with the hash of its file', async () => {
    const turned = await sharp(await flag())
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    const decoded = await pictures().decode(turned, { signal: signal(), maxPixels });
    expect(decoded).toMatchObject({ width: 20, height: 40 });
    expect(decoded.rgb).toHaveLength(20 * 40 * 3);
    expect(pixel(decoded, 10, 5)).toEqual([255, 0, 0]);
    expect(pixel(decoded, 10, 35)).toEqual([0, 0, 255]);
    expect(decoded.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is scaled to the pixels asked for, its sides keeping their ratio', async () => {
    const file = await noise().jpeg().toBuffer();
    const { width, height } = await pictures().decode(file, { signal: signal(), maxPixels: 3000 });
    expect(width * height).toBeLessThanOrEqual(3000);
    expect(width / height).toBeCloseTo(4 / 3, 1);
    expect(await pictures().decode(png(1, 1), { signal: signal(), maxPixels: 1 })).toMatchObject({
      width: 1,
      height: 1,
    });
    expect(await pictures().decode(png(3000, 1), { signal: signal(), maxPixels: 100 })).toMatchObject({ height: 1 });
  });

  it('is read in every colour and format', async () => {
    const base = noise();
    const files = [
      await base.clone().grayscale().png().toBuffer(),
      await base.clone().ensureAlpha(0).png().toBuffer(),
      await base.clone().toColourspace('rgb16').png().toBuffer(),
      await base.clone().png({ palette: true }).toBuffer(),
      await base.clone().toColourspace('cmyk').jpeg().toBuffer(),
      await base.clone().webp().toBuffer(),
      await base.clone().gif().toBuffer(),
    ];
    for (const file of files) {
      const { width, height, rgb } = await pictures().decode(file, { signal: signal(), maxPixels });
      expect([width, height, rgb.length]).toEqual([400, 300, 400 * 300 * 3]);
    }
    // What nobody would see on a page is not seen here either.
    const clear = await pictures().decode(files[1] as Buffer, { signal: signal(), maxPixels });
    expect(pixel(clear, 5, 5)).toEqual([255, 255, 255]);
  });

  it('that moves shows its first frame', async () => {
    const { rgb } = await pictures().decode(gif(100_000), { signal: signal(), maxPixels });
    expect([...rgb.subarray(0, 3)]).toEqual([255, 0, 0]);
  });

  it.each([
    ['a truncated JPEG', async () => (await noise().jpeg().toBuffer()).subarray(0, 8_000)],
    ['a truncated PNG', async () => png(200, 200).subarray(0, 150)],
    ['a truncated WebP', async () => (await noise().webp().toBuffer()).subarray(0, 2_000)],
    [
      'a PNG with a false checksum',
      async () => Buffer.from(png(20, 20).map((byte, at) => (at === 50 ? byte ^ 1 : byte))),
    ],
  ])('%s is refused and costs nothing', async (_name, make) => {
    const broken = pictures().decode(await make(), { signal: signal(), maxPixels });
    await expect(broken).rejects.toMatchObject({ code: 'image_invalid' });
    const { pid } = pictures();
    expect(await pictures().decode(png(2, 2), { signal: signal(), maxPixels })).toMatchObject({ width: 2 });
    expect(pictures().pid).toBe(pid);
  });

  it('that inflates to a hundred times its declared size does not', async () => {
    for (const file of [pngWithTooMuchData(100_000_000), pngWithBombsBeside(100_000_000)]) {
      const { width } = await pictures().decode(file, { signal: signal(), maxPixels });
      expect(width).toBe(10);
    }
  });

  it('leaves without its metadata', async () => {
    const file = await noise()
      .withMetadata({ orientation: 3 })
      .withExif({ IFD0: { Copyright: 'Li Example' }, IFD3: { GPSLatitude: '39/1 54/1 0/1' } })
      .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><secret/></x:xmpmeta>')
      .withIccProfile('p3')
      .jpeg()
      .toBuffer();
    expect(file.includes('Li Example')).toBe(true);
    const clean = await pictures().withoutMetadata(file, { signal: signal() });
    expect(clean.mediaType).toBe('image/jpeg');
    expect(Buffer.from(clean.bytes).includes('Li Example')).toBe(false);
    const { exif, xmp, icc, iptc, orientation, width } = await sharp(clean.bytes).metadata();
    expect({ exif, xmp, icc, iptc, orientation, width }).toEqual({ width: 400 });
    const drawn = await pictures().withoutMetadata(png(5, 5), { signal: signal() });
    expect(drawn.mediaType).toBe('image/png');
  });
});

describe('the process', () => {
  it('starts with the first picture and ends when none comes', async () => {
    const process = pictures({ idleMs: 20 });
    expect(process.pid).toBeUndefined();
    await process.decode(png(2, 2), { signal: signal(), maxPixels });
    await expect.poll(() => process.pid, { timeout: 10_000 }).toBeUndefined();
    expect(await process.decode(png(2, 2), { signal: signal(), maxPixels })).toMatchObject({ width: 2 });
  });

  it('that dies fails its picture and no other', async () => {
    const decoder = pictures({});
    await decoder.decode(png(2, 2), { signal: signal(), maxPixels });
    const running = decoder.decode(gif(200_000), { signal: signal(), maxPixels });
    process.kill(decoder.pid as number, 'SIGKILL');
    await expect(running).rejects.toMatchObject({ code: 'module_crashed' });
    expect(await decoder.decode(png(2, 2), { signal: signal(), maxPixels })).toMatchObject({ width: 2 });
  });

  it('ends a picture that does not let go of it', async () => {
    const decoder = pictures({ timeoutMs: 1 });
    const running = decoder.decode(gif(200_000), { signal: signal(), maxPixels });
    await expect(running).rejects.toMatchObject({
      code: expect.stringMatching(/image_invalid|module_crashed/) as string,
    });
    expect(decoder.pid).toBeUndefined();
  });
});
