/** Picture files that are wrong in one way each, made byte by byte. */
import { crc32, deflateSync } from 'node:zlib';

export function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

export function pngHeader(width: number, height: number): Buffer {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), pngChunk('IHDR', data)]);
}

/** A grey picture, with further chunks before its data. */
export function png(width: number, height: number, ...chunks: Buffer[]): Buffer {
  const rows = Buffer.alloc(height * (1 + width * 3), 0x80);
  for (let row = 0; row < height; row++) rows[row * (1 + width * 3)] = 0;
  return Buffer.concat([
    pngHeader(width, height),
    ...chunks,
    pngChunk('IDAT', deflateSync(rows)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Compressed zeros. */
export function bomb(sizeBytes: number): Buffer {
  return deflateSync(Buffer.alloc(sizeBytes));
}

/** 10×10 pixels declared, and data that inflate to far more. */
export function pngWithTooMuchData(sizeBytes: number): Buffer {
  return Buffer.concat([pngHeader(10, 10), pngChunk('IDAT', bomb(sizeBytes)), pngChunk('IEND', Buffer.alloc(0))]);
}

/** Text and colour profile that inflate to far more than the picture. */
export function pngWithBombsBeside(sizeBytes: number): Buffer {
  const data = bomb(sizeBytes);
  const named = Buffer.concat([Buffer.from('name\0\0', 'latin1'), data]);
  return png(10, 10, pngChunk('iCCP', named), pngChunk('zTXt', named));
}

export function gif(frames: number, width = 2, height = 2): Buffer {
  const header = Buffer.alloc(13 + 6);
  header.write('GIF89a', 'latin1');
  header.writeUInt16LE(width, 6);
  header.writeUInt16LE(height, 8);
  header[10] = 0x80;
  header.set([0xff, 0, 0, 0, 0, 0xff], 13);
  // Graphic control, image descriptor, then two by two pixels of colour 0.
  const control = [0x21, 0xf9, 4, 0, 1, 0, 0, 0];
  const descriptor = [0x2c, 0, 0, 0, 0, width & 255, width >> 8, height & 255, height >> 8, 0];
  const frame = Buffer.from(control.concat(descriptor, [2, 3, 0x84, 0x8f, 0x05, 0]));
  return Buffer.concat([header, ...Array<Buffer>(frames).fill(frame), Buffer.from([0x3b])]);
}

export const svgWithScript =
  '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>';
