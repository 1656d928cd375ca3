/** Pixels of a picture as the models want them: planes of blue, green and red (the order they were trained with). Pure. */
import type { Quad } from './rectangle.ts';

export type Pixels = { width: number; height: number; rgb: Uint8Array };
export type Planes = { data: Float32Array; width: number; height: number };
/** What each channel (blue, green, red) is multiplied with and raised by, from 0–255. */
export type Normalisation = { scale: readonly [number, number, number]; shift: readonly [number, number, number] };

/** ImageNet's mean and deviation, in the order in which PP-OCR applies them to its channels. */
export const detectorNormalisation: Normalisation = {
  scale: [1 / 255 / 0.229, 1 / 255 / 0.224, 1 / 255 / 0.225],
  shift: [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225],
};
/** To −1…1. */
export const lineNormalisation: Normalisation = {
  scale: [1 / 127.5, 1 / 127.5, 1 / 127.5],
  shift: [-1, -1, -1],
};

/** Points looked at for one pixel and direction at most: a picture that shrinks more has lost its text anyway. */
const maxSamples = 4;

/**
 * The part of a picture in a quad, stretched to a size; what lies right of `filled` stays 0.
 *
 * @param filled columns that the quad takes, where the planes are wider
 */
export function samplePicture(
  picture: Pixels,
  quad: Quad,
  size: { width: number; height: number; filled?: number },
  normalisation: Normalisation,
): Planes {
  const { width, height, filled = width } = size;
  const area = width * height;
  const data = new Float32Array(3 * area);
  const { topLeft, topRight, bottomLeft } = quad;
  const along = { x: (topRight.x - topLeft.x) / filled, y: (topRight.y - topLeft.y) / filled };
  const down = { x: (bottomLeft.x - topLeft.x) / height, y: (bottomLeft.y - topLeft.y) / height };
  const samplesAlong = samplesFor(Math.hypot(along.x, along.y));
  const samplesDown = samplesFor(Math.hypot(down.x, down.y));
  const share = 1 / (samplesAlong * samplesDown);
  const pixel: [number, number, number] = [0, 0, 0];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < filled; column++) {
      pixel.fill(0);
      for (let lower = 0; lower < samplesDown; lower++) {
        const v = row + (lower + 0.5) / samplesDown;
        for (let righter = 0; righter < samplesAlong; righter++) {
          const u = column + (righter + 0.5) / samplesAlong;
          addAt(picture, topLeft.x + u * along.x + v * down.x, topLeft.y + u * along.y + v * down.y, pixel);
        }
      }
      const index = row * width + column;
      data[index] = pixel[2] * share * normalisation.scale[0] + normalisation.shift[0];
      data[area + index] = pixel[1] * share * normalisation.scale[1] + normalisation.shift[1];
      data[2 * area + index] = pixel[0] * share * normalisation.scale[2] + normalisation.shift[2];
    }
  }
  return { data, width, height };
}

function samplesFor(step: number): number {
  return Math.min(maxSamples, Math.max(1, Math.round(step)));
}

/** Bilinear; outside the picture its edge goes on. Adds red, green and blue. */
function addAt({ width, height, rgb }: Pixels, x: number, y: number, into: [number, number, number]): void {
  const left = Math.min(Math.max(x - 0.5, 0), width - 1);
  const top = Math.min(Math.max(y - 0.5, 0), height - 1);
  const [column, row] = [Math.floor(left), Math.floor(top)];
  const [rightShare, lowerShare] = [left - column, top - row];
  const first = (row * width + column) * 3;
  const right = column + 1 < width ? first + 3 : first;
  const below = row + 1 < height ? width * 3 : 0;
  for (let channel = 0; channel < 3; channel++) {
    const upper = mix(rgb[first + channel] ?? 0, rgb[right + channel] ?? 0, rightShare);
    const lower = mix(rgb[first + below + channel] ?? 0, rgb[right + below + channel] ?? 0, rightShare);
    into[channel] = (into[channel] ?? 0) + mix(upper, lower, lowerShare);
  }
}

function mix(from: number, to: number, share: number): number {
  return from + (to - from) * share;
}
