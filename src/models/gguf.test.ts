import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildGguf, type BuilderOptions, type BuilderTensor } from '../../test/integration/models/gguf-builder.ts';
import { GgufFault, NeedsMoreBytes } from './gguf-reader.ts';
import { parseGgufHeader, readGgufHeader } from './gguf.ts';
import { estimateMemoryBytes } from './memory-estimate.ts';

const architecture: [string, { type: 'string'; value: string }] = [
  'general.architecture',
  { type: 'string', value: 'llama' },
];
const parse = (bytes: Buffer) => parseGgufHeader(bytes, bytes.length);
const tensor = (over: Partial<BuilderTensor>): BuilderOptions => ({
  tensors: [{ name: 'weight', shape: [256n], type: 0, offset: 0n, ...over }],
});

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'duanyun-gguf-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe('a good file', () => {
  it('gives what the engine wants to know', async () => {
    const path = join(directory, 'good.gguf');
    const bytes = buildGguf();
    await writeFile(path, bytes);
    const header = await readGgufHeader(path);
    expect(header).toMatchObject({
      version: 3,
      architecture: 'llama',
      contextLength: 2048,
      chatTemplate: '{{ messages }}',
      name: 'Test',
    });
    expect(header.metadata.get('tokenizer.ggml.tokens')).toEqual({ skippedLength: 3000 });
    expect(header.tensors).toEqual([
      { name: 'weight', type: 'F32', shape: [256], offset: bytes.length - 1024, sizeBytes: 1024 },
    ]);
  });

  it('may have a header larger than the first read', async () => {
    const path = join(directory, 'large.gguf');
    const value = Array.from({ length: 150_000 }, (_, index) => `a rather long token ${index}`);
    await writeFile(path, buildGguf({ pairs: [architecture, ['tokens', { type: 'strings', value }]] }));
    const header = await readGgufHeader(path);
    expect(header.metadata.get('tokens')).toEqual({ skippedLength: 150_000 });
  });

  it('states its memory need: weights, and keys and values in the given type', () => {
    const header = parse(buildGguf());
    // 2 layers × 2 heads × 16 wide × (key + value) × 2 bytes
    const f16 = estimateMemoryBytes(header, { contextTokens: 1000 });
    expect(f16).toMatchObject({ weightsBytes: 1024, cacheBytes: 256_000 });
    const q8 = estimateMemoryBytes(header, { contextTokens: 1000, cacheTypes: { keys: 'q8_0', values: 'q8_0' } });
    expect(q8.cacheBytes).toBe(136_000);
  });
});

describe('a bad file', () => {
  it.each<[string, BuilderOptions, RegExp]>([
    ['version 1', { version: 1 }, /version is 1/],
    ['big-endian', { version: 0x03000000 }, /big-endian/],
    ['no tensors', { tensors: [] }, /no tensors/],
    ['no architecture', { pairs: [] }, /no architecture/],
    [
      'a path as architecture',
      { pairs: [['general.architecture', { type: 'string', value: '../x' }]] },
      /no architecture/,
    ],
    ['a key twice', { pairs: [architecture, architecture] }, /comes twice/],
    ['an empty key', { pairs: [['', { type: 'uint32', value: 1 }]] }, /key is empty/],
    [
      'a crooked alignment',
      { pairs: [architecture, ['general.alignment', { type: 'uint32', value: 33 }]] },
      /power of two/,
    ],
    ['alignment 0', { pairs: [architecture, ['general.alignment', { type: 'uint32', value: 0 }]] }, /power of two/],
    ['one of several', { pairs: [architecture, ['split.count', { type: 'uint32', value: 3 }]] }, /part 1 of 3/],
    ['an unknown tensor type', tensor({ type: 4 }), /unknown type 4/],
    ['a tensor far away', tensor({ offset: 2n ** 40n }), /beyond the end/],
    ['a tensor of 2^62 elements', tensor({ shape: [2n ** 31n, 2n ** 31n] }), /shape .* impossible/],
    ['a product that wraps to 0', tensor({ shape: [2n ** 32n, 2n ** 32n, 1n] }), /shape .* impossible/],
    ['a dimension over 2^53', tensor({ shape: [2n ** 63n] }), /absurdly large/],
    ['a dimension of 0', tensor({ shape: [0n] }), /shape .* impossible/],
    ['no dimensions', tensor({ shape: [] }), /0 dimensions/],
    ['five dimensions', tensor({ shape: [1n, 1n, 1n, 1n, 1n] }), /5 dimensions/],
    ['rows that fit no block', tensor({ shape: [100n], type: 12 }), /do not fit its type/],
    ['a crooked offset', tensor({ shape: [8n], offset: 4n }), /not aligned/],
    ['a tensor without name', tensor({ name: '' }), /no name/],
    ['a name that is too long', tensor({ name: 'x'.repeat(64) }), /64 bytes long/],
    [
      'a tensor twice',
      { tensors: [0n, 32n].map((offset) => ({ name: 'a', shape: [8n], type: 0, offset })) },
      /comes twice/,
    ],
    [
      'tensors on top of each other',
      { tensors: ['a', 'b'].map((name) => ({ name, shape: [8n], type: 0, offset: 0n })) },
      /overlaps/,
    ],
  ])('%s', (_, options, reason) => {
    expect(() => parse(buildGguf(options))).toThrow(GgufFault);
    expect(() => parse(buildGguf(options))).toThrow(reason);
  });

  it.each([
    ['tensors', 8],
    ['metadata values', 16],
  ])('a count of %s beyond the file', (_, position) => {
    for (const count of [2n ** 64n - 1n, 2n ** 53n, 2n ** 40n, 100_000n]) {
      const bytes = buildGguf();
      bytes.writeBigUInt64LE(count, position);
      expect(() => parse(bytes)).toThrow(GgufFault);
    }
  });

  it('a list, a string or a key that is longer than the file', () => {
    const bytes = buildGguf({ pairs: [architecture, ['list', { type: 'strings', value: ['a', 'b'] }]] });
    const list = bytes.indexOf('list') + 4;
    for (const position of [24, list + 8, list + 16]) {
      for (const length of [2n ** 64n - 1n, 2n ** 52n, 2n ** 32n, 60_000n]) {
        const damaged = Buffer.from(bytes);
        damaged.writeBigUInt64LE(length, position);
        expect(() => parse(damaged)).toThrow(GgufFault);
      }
    }
  });

  it('lists in lists', () => {
    const bytes = buildGguf({ pairs: [architecture, ['list', { type: 'strings', value: ['a'] }]] });
    bytes.writeUInt32LE(9, bytes.indexOf('list') + 8);
    expect(() => parse(bytes)).toThrow(/nests lists/);
  });

  it('cut off anywhere', () => {
    const bytes = buildGguf({ pairs: [architecture, ['list', { type: 'strings', value: ['a', 'bc'] }]] });
    for (let length = 0; length < bytes.length; length++) {
      expect(() => parseGgufHeader(bytes.subarray(0, length), length), `${length} bytes`).toThrow(GgufFault);
    }
  });

  it('never crashes, hangs or throws anything else, whatever bytes change', () => {
    const bytes = buildGguf({
      dataBytes: 256,
      pairs: [architecture, ['list', { type: 'strings', value: ['a', 'bc'] }]],
    });
    const headerBytes = bytes.length - 256;
    const random = randomNumbers(20260101);
    let refused = 0;
    for (let round = 0; round < 6000; round++) {
      const damaged = Buffer.from(bytes);
      for (let change = 0; change <= random() % 4; change++) {
        const at = random() % headerBytes;
        const kind = random() % 3;
        if (kind === 0) damaged[at] = random() % 256;
        else if (kind === 1 && at + 8 <= damaged.length) damaged.writeBigUInt64LE(BigInt(random()) << 32n, at);
        else damaged.fill(0xff, at, at + (random() % 9));
      }
      try {
        parse(damaged);
      } catch (error) {
        refused++;
        expect(error).toBeInstanceOf(GgufFault);
      }
    }
    expect(refused).toBeGreaterThan(3000);
  });

  it('is reported from the disk as model_file_invalid with its name', async () => {
    const path = join(directory, 'cut.gguf');
    const bytes = buildGguf();
    await writeFile(path, bytes);
    await truncate(path, bytes.length - 1);
    await expect(readGgufHeader(path)).rejects.toMatchObject({
      code: 'model_file_invalid',
      message: expect.stringMatching(/^cut\.gguf .*cut off/),
    });
    await expect(readGgufHeader(join(directory, 'none.gguf'))).rejects.toMatchObject({ code: 'not_found' });
    await expect(readGgufHeader(directory)).rejects.toMatchObject({ code: 'model_file_invalid' });
  });

  it('asks for more bytes only while there are more', () => {
    const bytes = buildGguf();
    expect(() => parseGgufHeader(bytes.subarray(0, 40), bytes.length)).toThrow(NeedsMoreBytes);
  });
});

/** Mulberry32: the same numbers on every run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return (value ^ (value >>> 14)) >>> 0;
  };
}
