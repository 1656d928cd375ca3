/** A PNG of noise in squares, so that no two are alike. */
import { crc32, deflateSync } from 'node:zlib';

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
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(raw)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
