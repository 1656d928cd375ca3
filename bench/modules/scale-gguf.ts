/**
 * A larger model of the same architecture as a tiny fixture, with random weights: every width times a factor. It answers
 * gibberish, but takes memory and time as a real one does.
 */
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';

/** Bytes of the scalar types of GGUF by their number; 8 is a string, 9 a list. */
const scalarBytes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
const scaledKeys =
  /\.(embedding_length|feed_forward_length|attention\.head_count|attention\.head_count_kv|projection_dim)$/;
/** Heads are this wide in the fixtures, and so is every width a multiple of it. */
const headWidth = 16;
const alignment = 32;

type Tensor = { name: string; shape: number[]; headerBytes: Buffer };

export async function scaleGguf(source: string, target: string, factor: number): Promise<void> {
  const bytes = Buffer.from(readFileSync(source));
  const tensorCount = Number(bytes.readBigUInt64LE(8));
  const pairs = Number(bytes.readBigUInt64LE(16));
  let at = 24;
  const text = (): string => {
    const length = Number(bytes.readBigUInt64LE(at));
    const value = bytes.toString('utf8', at + 8, at + 8 + length);
    at += 8 + length;
    return value;
  };
  const skip = (type: number): void => {
    if (type === 8) text();
    else at += scalarBytes[type] ?? 0;
  };
  for (let pair = 0; pair < pairs; pair++) {
    const key = text();
    const type = bytes.readUInt32LE(at);
    at += 4;
    if (type === 9) {
      const itemType = bytes.readUInt32LE(at);
      const count = Number(bytes.readBigUInt64LE(at + 4));
      at += 12;
      for (let item = 0; item < count; item++) skip(itemType);
      continue;
    }
    if (scaledKeys.test(key)) bytes.writeUInt32LE(bytes.readUInt32LE(at) * factor, at);
    skip(type);
  }
  const head = bytes.subarray(0, at);
  const tensors: Tensor[] = [];
  let offset = 0;
  for (let index = 0; index < tensorCount; index++) {
    const name = text();
    const dimensions = bytes.readUInt32LE(at);
    at += 4;
    const shape = Array.from({ length: dimensions }, (_, dimension) => {
      const size = Number(bytes.readBigUInt64LE(at + 8 * dimension));
      // The number of positions and of words stays.
      const isCount = dimension === 1 && /position_embd|token_embd|^output\.weight/.test(name);
      return isCount || size % headWidth !== 0 ? size : size * factor;
    });
    at += 8 * dimensions + 12;
    tensors.push({ name, shape, headerBytes: tensorHeader(name, shape, offset) });
    offset += padded(4 * shape.reduce((product, size) => product * size, 1));
  }
  const file = await open(target, 'w');
  try {
    const header = Buffer.concat([head, ...tensors.map(({ headerBytes }) => headerBytes)]);
    await file.write(Buffer.concat([header, Buffer.alloc(padded(header.length) - header.length)]));
    for (const { name, shape } of tensors) await file.write(weights(name, shape));
  } finally {
    await file.close();
  }
}

function tensorHeader(name: string, shape: number[], offset: number): Buffer {
  const nameBytes = Buffer.from(name);
  const header = Buffer.alloc(8 + nameBytes.length + 4 + 8 * shape.length + 12);
  header.writeBigUInt64LE(BigInt(nameBytes.length), 0);
  nameBytes.copy(header, 8);
  let at = 8 + nameBytes.length;
  header.writeUInt32LE(shape.length, at);
  at += 4;
  for (const size of shape) {
    header.writeBigUInt64LE(BigInt(size), at);
    at += 8;
  }
  // Type 0 is f32.
  header.writeUInt32LE(0, at);
  header.writeBigUInt64LE(BigInt(offset), at + 4);
  return header;
}

function weights(name: string, shape: number[]): Buffer {
  const count = shape.reduce((product, size) => product * size, 1);
  const values = new Float32Array(padded(4 * count) / 4);
  const isNorm = shape.length === 1 && name.endsWith('weight');
  const spread = shape.length === 1 ? 0.02 : Math.sqrt(3 / (count / (shape.at(-1) ?? 1)));
  let state = 12_345;
  for (let index = 0; index < count; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    values[index] = (state / 2 ** 31) * spread + (isNorm ? 1 : 0);
  }
  return Buffer.from(values.buffer);
}

function padded(sizeBytes: number): number {
  return Math.ceil(sizeBytes / alignment) * alignment;
}
