/** What a picture file says of itself in its first bytes, so that a bad one is refused before anything is decoded. */
import { makeError } from '../../core/errors.ts';

export type PictureFormat = 'png' | 'jpeg' | 'webp' | 'gif';
export type PictureHeader = { format: PictureFormat; width: number; height: number };

export type PictureLimits = {
  /** Of the file. */
  maxBytes: number;
  /** Width times height, as the header says. */
  maxPixels: number;
};

/** No camera and no scanner makes a longer side. */
const maxSide = 32_767;
const readable = 'send PNG, JPEG, WebP or GIF';

/**
 * @param bytes a whole picture file
 * @throws `image_invalid` for what is no picture, `image_too_large` for what the header declares beyond the limits
 */
export function checkPicture(bytes: Uint8Array, limits: PictureLimits): PictureHeader {
  if (bytes.length > limits.maxBytes) {
    throw tooLarge(`its file has ${mebibytes(bytes.length)} MiB and ${mebibytes(limits.maxBytes)} MiB are allowed`);
  }
  const header = readPictureHeader(bytes);
  const { width, height } = header;
  if (width < 1 || height < 1) throw invalid('its header declares no pixels');
  if (width > maxSide || height > maxSide || width * height > limits.maxPixels) {
    const allowed = `${limits.maxPixels / 1e6} megapixels and ${maxSide} a side are allowed`;
    throw tooLarge(`its header declares ${width}×${height} pixels; ${allowed}`);
  }
  return header;
}

/** @throws `image_invalid` */
export function readPictureHeader(bytes: Uint8Array): PictureHeader {
  const file = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (starts(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return readPng(file);
    if (starts(bytes, [0xff, 0xd8, 0xff])) return readJpeg(file);
    if (text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 4) === 'WEBP') return readWebp(file, bytes);
    if (/^GIF8[79]a$/.test(text(bytes, 0, 6))) {
      return { format: 'gif', width: file.getUint16(6, true), height: file.getUint16(8, true) };
    }
  } catch (error) {
    if (error instanceof RangeError) throw invalid('it ends within its header');
    throw error;
  }
  throw invalid(whatItIs(bytes));
}

function readPng(file: DataView): PictureHeader {
  if (file.getUint32(12) !== 0x49484452) throw invalid('its PNG header is damaged');
  return { format: 'png', width: file.getUint32(16), height: file.getUint32(20) };
}

/** Walks the segments up to the frame header. The walk ends with the file. */
function readJpeg(file: DataView): PictureHeader {
  let position = 2;
  for (;;) {
    if (file.getUint8(position) !== 0xff) throw invalid('its JPEG segments are damaged');
    const marker = file.getUint8(position + 1);
    // Fill bytes, and markers without a length.
    if (marker === 0xff) position += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) position += 2;
    else {
      const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
      if (isFrame) {
        return { format: 'jpeg', width: file.getUint16(position + 7), height: file.getUint16(position + 5) };
      }
      if (marker === 0xda || marker === 0xd9) throw invalid('its JPEG data has no frame header');
      position += 2 + Math.max(2, file.getUint16(position + 2));
    }
  }
}

function readWebp(file: DataView, bytes: Uint8Array): PictureHeader {
  switch (text(bytes, 12, 4)) {
    case 'VP8X':
      return {
        format: 'webp',
        width: 1 + file.getUint8(24) + (file.getUint16(25, true) << 8),
        height: 1 + file.getUint8(27) + (file.getUint16(28, true) << 8),
      };
    case 'VP8L': {
      if (file.getUint8(20) !== 0x2f) throw invalid('its WebP header is damaged');
      const bits = file.getUint32(21, true);
      return { format: 'webp', width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
    }
    case 'VP8 ':
      return {
        format: 'webp',
        width: file.getUint16(26, true) & 0x3fff,
        height: file.getUint16(28, true) & 0x3fff,
      };
    default:
      throw invalid('its WebP header is damaged');
  }
}

/** Names what people send by mistake. */
function whatItIs(bytes: Uint8Array): string {
  const start = text(bytes, 0, 1024)
    .replace(/^\u{feff}|^ï»¿/u, '')
    .trimStart();
  if (/^(?:<\?xml|<!--|<!doctype svg|<svg)/i.test(start) && /<svg[\s>:]/i.test(text(bytes, 0, 4096))) {
    return `SVG is not read: it is a program for a renderer; ${readable}`;
  }
  const brand = text(bytes, 4, 4) === 'ftyp' ? text(bytes, 8, 4) : '';
  if (/^(?:hei[cxms]|hev[cxms]|mif1|msf1)$/.test(brand)) {
    return `HEIC is not read, since no free decoder may be shipped; ${readable}`;
  }
  if (/^avi[fs]$/.test(brand)) return `AVIF is not read; ${readable}`;
  if (/^(?:II\*\0|MM\0\*)/.test(start)) return `TIFF is not read; ${readable}`;
  if (start.startsWith('BM')) return `BMP is not read; ${readable}`;
  if (start.startsWith('%PDF')) return `a PDF is no picture: send its pages as pictures; ${readable}`;
  if (/^[\t\n\r\x20-\x7e]{16}/.test(start)) return `it is a text file, whatever its name says; ${readable}`;
  return `it is no picture file that is known here; ${readable}`;
}

function starts(bytes: Uint8Array, signature: readonly number[]): boolean {
  return signature.every((byte, index) => bytes[index] === byte);
}

function text(bytes: Uint8Array, from: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(from, from + length));
}

function mebibytes(sizeBytes: number): string {
  return (sizeBytes / 1024 / 1024).toFixed(1);
}

function invalid(reason: string): Error {
  return makeError('image_invalid', { reason });
}

function tooLarge(reason: string): Error {
  return makeError('image_too_large', { reason });
}
