import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildGguf } from '../../test/integration/models/gguf-builder.ts';
import { composeGguf } from './compose-gguf.ts';
import { readGgufHeader } from './gguf.ts';

/** F32: 100 values; Q8_0: 64 values in 68 bytes. Neither ends on the alignment. */
const wide = buildGguf({
  tensors: [
    { name: 'first', shape: [100n], type: 0, offset: 0n },
    { name: 'second', shape: [64n], type: 0, offset: 416n },
    { name: 'third', shape: [4n], type: 0, offset: 672n },
  ],
});
const narrow = buildGguf({
  tensors: [
    { name: 'first', shape: [100n], type: 0, offset: 0n },
    { name: 'second', shape: [64n], type: 8, offset: 416n },
    { name: 'third', shape: [4n], type: 0, offset: 512n },
  ],
});
let folder: string;
let base: string;
let other: string;
let target: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duanyun-compose-'));
  [base, other, target] = ['base', 'other', 'target'].map((name) => join(folder, name)) as [string, string, string];
  await writeFile(base, wide);
  await writeFile(other, narrow);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function bytesOf(path: string, name: string): Promise<Buffer> {
  const tensor = (await readGgufHeader(path)).tensors.find((each) => each.name === name)!;
  return (await readFile(path)).subarray(tensor.offset, tensor.offset + tensor.sizeBytes);
}

describe('composeGguf', () => {
  it('takes the named tensors from the other file and all else from the base', async () => {
    await composeGguf({ base, from: new Map([['second', other]]), target });
    const [header, original] = [await readGgufHeader(target), await readGgufHeader(base)];
    expect(header.tensors.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'first F32',
      'second Q8_0',
      'third F32',
    ]);
    expect(header.metadata).toEqual(original.metadata);
    expect(await bytesOf(target, 'first')).toEqual(await bytesOf(base, 'first'));
    expect(await bytesOf(target, 'second')).toEqual(await bytesOf(other, 'second'));
    expect(await bytesOf(target, 'third')).toEqual(await bytesOf(base, 'third'));
  });

  it('refuses a tensor of another shape, or one that is not there', async () => {
    await writeFile(other, buildGguf({ tensors: [{ name: 'second', shape: [32n, 2n], type: 0, offset: 0n }] }));
    for (const name of ['second', 'third']) {
      await expect(composeGguf({ base, from: new Map([[name, other]]), target })).rejects.toMatchObject({
        code: 'model_file_invalid',
      });
    }
  });
});
