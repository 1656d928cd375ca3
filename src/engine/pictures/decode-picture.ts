/**
 * A picture file as pixels, by libvips. Runs in a process of its own (`picture-main.ts`): what a hostile file does to a
 * decoder ends there. The header has been checked before.
 */
import { createHash } from 'node:crypto';
import sharp, { type Sharp } from 'sharp';
import { makeError } from '../../core/errors.ts';
import type { DecodedPicture } from '../../core/perception.ts';

// Each picture is decoded once, so a cache would only keep memory.
sharp.cache(false);
sharp.concurrency(1);

export type DecodeOptions = {
  /** What the file may hold, checked again by the decoder. */
  maxFilePixels: number;
  /** A larger picture is scaled down to about this. */
  maxPixels: number;
};

/** Transparent pixels are shown on white, as a page would. */
const background = '#ffffff';
/** A decoder that has not ended by then never will. */
const decodeSeconds = 20;

/** Upright, in three bytes a pixel. Throws `image_invalid`. */
export async function decodePicture(bytes: Uint8Array, options: DecodeOptions): Promise<DecodedPicture> {
  const { data, info } = await decoding(async () =>
    (await upright(bytes, options)).raw().toBuffer({ resolveWithObject: true }),
  );
  if (info.channels !== 3) throw makeError('image_invalid', { reason: `it has ${info.channels} channels` });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { width: info.width, height: info.height, rgb: data, sha256 };
}

/**
 * The same pixels in a new file that holds nothing else: no EXIF, no place, no colour profile, no thumbnail, no comment.
 * Throws `image_invalid`.
 */
export async function withoutMetadata(
  bytes: Uint8Array,
  options: DecodeOptions & { lossless: boolean },
): Promise<{ bytes: Uint8Array; mediaType: string }> {
  return decoding(async () => {
    const picture = await upright(bytes, options);
    return options.lossless
      ? { bytes: await picture.png({ compressionLevel: 6 }).toBuffer(), mediaType: 'image/png' }
      : { bytes: await picture.jpeg({ quality: 90, chromaSubsampling: '4:4:4' }).toBuffer(), mediaType: 'image/jpeg' };
  });
}

async function upright(bytes: Uint8Array, { maxFilePixels, maxPixels }: DecodeOptions): Promise<Sharp> {
  const open = (): Sharp =>
    sharp(bytes, {
      limitInputPixels: maxFilePixels,
      // Of an animation the first picture only.
      pages: 1,
      failOn: 'error',
      sequentialRead: true,
    }).timeout({ seconds: decodeSeconds });
  const { width, height, pages = 1 } = await open().metadata();
  if (pages > 1_000_000) throw makeError('image_invalid', { reason: 'it has too many frames' });
  const scale = Math.sqrt(maxPixels / (width * height));
  const picture = open().autoOrient().toColourspace('srgb').flatten({ background });
  if (scale >= 1) return picture;
  // Both sides must stay at least one pixel, also of a picture that is one pixel high.
  const side = (length: number): number => Math.max(1, Math.floor(length * scale));
  return picture.resize({ width: side(Math.max(width, height)), height: side(Math.max(width, height)), fit: 'inside' });
}

async function decoding<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw makeError('image_invalid', { reason: reasonOf(detail) }, { cause: error, detail });
  }
}

/** The decoder's words are its own; these are ours. */
function reasonOf(detail: string): string {
  if (/timeout/i.test(detail)) return `it was not decoded within ${decodeSeconds} s`;
  if (/premature end|truncat|unexpected end|end of (?:data|file|stream)|not enough|eof/i.test(detail)) {
    return 'it is cut off or damaged';
  }
  if (/pixel limit/i.test(detail)) return 'it holds more pixels than its header declares';
  return 'its data are damaged';
}
