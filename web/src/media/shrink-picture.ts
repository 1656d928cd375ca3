/** A photo as the model needs it: smaller, turned upright, and without its metadata (place and device among them). */
import type { Picture } from '../conversation/conversation.ts';

/** Longest side, pixels: what vision models look at. */
const longestSide = 1568;
/** A file larger than this is not opened. */
const largestBytes = 64 * 1024 * 1024;
const quality = 0.85;

export class PictureError extends Error {
  readonly reason: 'too-large' | 'not-a-picture';
  constructor(reason: 'too-large' | 'not-a-picture') {
    super(reason);
    this.reason = reason;
  }
}

/** @throws PictureError */
export async function shrinkPicture(file: Blob, name: string): Promise<Picture> {
  if (file.size > largestBytes) throw new PictureError('too-large');
  if (file.type === 'image/svg+xml') throw new PictureError('not-a-picture');
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    throw new PictureError('not-a-picture');
  }
  try {
    return drawSmall(bitmap, bitmap.width, bitmap.height, name);
  } finally {
    bitmap.close();
  }
}

export function drawSmall(source: CanvasImageSource, width: number, height: number, name: string): Picture {
  const scale = Math.min(1, longestSide / Math.max(width, height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext('2d');
  if (context === null) throw new PictureError('not-a-picture');
  // JPEG has no transparency: without this, screenshots with holes turn black.
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return { url: canvas.toDataURL('image/jpeg', quality), width: canvas.width, height: canvas.height, name };
}
