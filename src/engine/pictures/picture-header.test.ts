import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { checkPicture, type PictureLimits } from './picture-header.ts';
import { gif, png, pngHeader, svgWithScript } from './testing/hostile-pictures.ts';

const limits: PictureLimits = { maxBytes: 1_000_000, maxPixels: 50_000_000 };
const solid = () => sharp({ create: { width: 30, height: 20, channels: 3, background: '#345678' } });
const refusal = (bytes: Uint8Array, of: Partial<PictureLimits> = {}): { code: string; message: string } => {
  try {
    checkPicture(bytes, { ...limits, ...of });
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('it was not refused');
};

describe('the header of a picture', () => {
  it('is read in each format', async () => {
    const size = { width: 30, height: 20 };
    expect(checkPicture(await solid().png().toBuffer(), limits)).toEqual({ format: 'png', ...size });
    expect(checkPicture(await solid().jpeg().toBuffer(), limits)).toEqual({ format: 'jpeg', ...size });
    expect(checkPicture(await solid().jpeg({ progressive: true }).toBuffer(), limits)).toMatchObject(size);
    expect(checkPicture(await solid().withMetadata().jpeg().toBuffer(), limits)).toMatchObject(size);
    expect(checkPicture(await solid().webp().toBuffer(), limits)).toEqual({ format: 'webp', ...size });
    expect(checkPicture(await solid().webp({ lossless: true }).toBuffer(), limits)).toMatchObject(size);
    const transparent = await solid().ensureAlpha(0.5).webp().toBuffer();
    expect(checkPicture(transparent, limits)).toEqual({ format: 'webp', ...size });
    expect(checkPicture(gif(3, 30, 20), limits)).toEqual({ format: 'gif', ...size });
    expect(checkPicture(png(1, 1), limits)).toEqual({ format: 'png', width: 1, height: 1 });
  });

  it('refuses 50,000×50,000 before anything is decoded', () => {
    expect(refusal(pngHeader(50_000, 50_000))).toMatchObject({
      code: 'image_too_large',
      message: expect.stringContaining('50000×50000') as string,
    });
    expect(refusal(pngHeader(40_000, 1)).code).toBe('image_too_large');
    expect(refusal(gif(1, 60_000, 60_000)).code).toBe('image_too_large');
    expect(refusal(png(20, 20), { maxPixels: 399 }).code).toBe('image_too_large');
    expect(refusal(png(20, 20), { maxBytes: 50 }).code).toBe('image_too_large');
    expect(refusal(pngHeader(0, 5)).code).toBe('image_invalid');
  });

  it.each([
    ['SVG with a script', Buffer.from(svgWithScript), 'SVG is not read'],
    ['SVG after a comment', Buffer.from(`<!-- hi -->${svgWithScript.slice(21)}`), 'SVG is not read'],
    ['a text file named .png', Buffer.from('name,amount\nLi,20\nWang,30\n'), 'text file'],
    ['HTML', Buffer.from('<!doctype html><p>hello</p>'), 'text file'],
    ['a PDF', Buffer.from('%PDF-1.7\n%âãÏÓ'), 'PDF'],
    ['HEIC', Buffer.from('\0\0\0\x18ftypheic\0\0\0\0', 'latin1'), 'HEIC is not read'],
    ['AVIF', Buffer.from('\0\0\0\x18ftypavif\0\0\0\0', 'latin1'), 'AVIF is not read'],
    ['TIFF', Buffer.from('II*\0\x08\0\0\0', 'latin1'), 'TIFF is not read'],
    ['BMP', Buffer.from('BM\0\0\0\0', 'latin1'), 'BMP is not read'],
    ['nothing', Buffer.alloc(0), 'no picture file'],
    ['zeros', Buffer.alloc(100), 'no picture file'],
  ])('refuses %s by name', (_name, bytes, words) => {
    expect(refusal(bytes)).toMatchObject({ code: 'image_invalid', message: expect.stringContaining(words) as string });
  });

  it('never fails in another way, wherever a file is cut off or changed', async () => {
    const files = [
      await solid().png().toBuffer(),
      await solid().withMetadata().jpeg().toBuffer(),
      await solid().webp().toBuffer(),
      gif(1),
    ];
    for (const file of files) {
      for (let length = 0; length < Math.min(file.length, 400); length++) {
        for (const bytes of [file.subarray(0, length), changed(file, length)]) {
          try {
            checkPicture(bytes, limits);
          } catch (error) {
            expect((error as { code: string }).code).toMatch(/^image_/);
          }
        }
      }
    }
  });
});

function changed(file: Buffer, at: number): Buffer {
  const copy = Buffer.from(file);
  copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
}
