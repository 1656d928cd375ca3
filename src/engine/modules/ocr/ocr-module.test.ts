/** The real models over drawn pages, in the real processes; they run the built code, which `npm test` builds first. */
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { characterErrorRate } from '../../../../test/support/character-errors.ts';
import { openOcr } from '../../../../test/support/ocr.ts';

const folder = new URL('../../../../test/fixtures/pictures/', import.meta.url);
const texts = JSON.parse(readFileSync(new URL('texts.json', folder), 'utf8')) as Record<string, string>;
const file = (name: string): Buffer => readFileSync(new URL(name, folder));
const { ocr, modules, reader, dispose } = openOcr();
const signal = (): AbortSignal => AbortSignal.timeout(110_000);
const read = (bytes: Uint8Array) => reader.read(bytes, { signal: signal() });

afterAll(dispose);

/** What a photograph does to a page: a slope, noise, blur and strong compression. */
async function photographed(name: string): Promise<Buffer> {
  const { width, height } = await sharp(file(name)).metadata();
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 40 };
  const grain = await sharp({ create: { width, height, channels: 3, background: '#000', noise } })
    .png()
    .toBuffer();
  const soft = await sharp(file(name)).flatten().toColourspace('srgb').blur(1).toBuffer();
  return sharp(soft)
    .composite([{ input: grain, blend: 'soft-light' }])
    .affine([1, 0.12, 0.06, 1], { background: '#777' })
    .jpeg({ quality: 60 })
    .toBuffer();
}

describe('the text of a picture', () => {
  it.each(Object.entries(texts))('%s', async (name, text) => {
    const page = await read(file(name));
    expect(characterErrorRate(page.text, text)).toBeLessThanOrEqual(0.01);
    expect(page.unreadLines).toBe(0);
    for (const { box } of page.lines) {
      expect(box.x + box.width).toBeLessThan(page.width + 20);
      expect(box.y + box.height).toBeLessThan(page.height + 20);
    }
  });

  it.each([
    ['turned by its EXIF', async () => sharp(file('id-card.jpg')).withMetadata({ orientation: 8 }).jpeg().toBuffer()],
    ['lying on its side', async () => sharp(file('id-card.jpg')).rotate(90).png().toBuffer()],
    ['upside down', async () => sharp(file('id-card.jpg')).rotate(180).png().toBuffer()],
    ['lying on its other side', async () => sharp(file('id-card.jpg')).rotate(270).png().toBuffer()],
    ['at a slope', async () => sharp(file('id-card.jpg')).rotate(7, { background: '#999' }).png().toBuffer()],
    [
      'of hardly any contrast',
      async () => sharp(file('id-card.jpg')).linear(0.15, 160).jpeg({ quality: 70 }).toBuffer(),
    ],
    ['of a photograph', async () => photographed('id-card.jpg')],
  ])('is read in a card %s', async (_name, make) => {
    const page = await read(await make());
    expect(characterErrorRate(page.text, texts['id-card.jpg'] ?? '')).toBeLessThanOrEqual(0.02);
    expect(page.text).toContain('11010519491231002X');
  });

  it('that is too small to be read is counted', async () => {
    const page = await read(
      await sharp(file('page-chinese.png')).resize(200).blur(1.2).jpeg({ quality: 30 }).toBuffer(),
    );
    expect(page.unreadLines).toBeGreaterThan(0);
  });
});

describe('the module', () => {
  it('gives its memory back, and loads again', async () => {
    const pid = ocr.pid as number;
    expect(modules.list()[0]).toMatchObject({ name: 'ocr', model: 'pp-ocr-v4', state: 'ready' });
    await modules.unload('ocr', signal());
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(modules.list()[0]).toMatchObject({ state: 'unloaded', residentBytes: 0 });
    expect((await read(file('menu.jpg'))).text).toContain('午餐菜单');
  });

  it('that dies in the middle says so, and the next picture is read', async () => {
    const running = read(file('page-english.png'));
    await expect.poll(() => modules.list()[0]?.activeUses, { interval: 5, timeout: 30_000 }).toBe(1);
    process.kill(ocr.pid as number, 'SIGKILL');
    await expect(running).rejects.toMatchObject({ code: 'module_crashed' });
    expect((await read(file('menu.jpg'))).text).toContain('午餐菜单');
  });

  it('stops when nobody waits', async () => {
    const controller = new AbortController();
    const running = reader.read(file('page-english.png'), { signal: controller.signal });
    await expect.poll(() => modules.list()[0]?.activeUses, { interval: 5, timeout: 30_000 }).toBe(1);
    controller.abort(new Error('left'));
    await expect(running).rejects.toThrow('left');
    expect((await read(file('menu.jpg'))).text).toContain('午餐菜单');
  });
});
