/** A PNG of noise in squares, so that no two are alike. */
import { encodePng } from '../../test/support/png.ts';

export function makePng(width: number, height: number, seed: number): Buffer {
  const row = 1 + width * 3;
  const raw = Buffer.alloc(row * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const square = Math.imul((x >> 4) + 1, 2_654_435_761) ^ Math.imul((y >> 4) + seed * 97 + 1, 40_503);
      raw[y * row + 1 + x * 3] = square & 255;
      raw[y * row + 2 + x * 3] = (square >> 8) & 255;
      raw[y * row + 3 + x * 3] = (x + y) & 255;
    }
  }
  return encodePng(width, height, raw);
}
