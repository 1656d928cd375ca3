import { mkdtempSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTorchFile } from './torch-file.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'duanyun-torch-'));
let serial = 0;
function file(...parts: (Uint8Array | string)[]): string {
  const name = path.join(folder, `${++serial}.pt`);
  writeFileSync(
    name,
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part))),
  );
  return name;
}

const head = ['\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.', '\x80\x02M\xe9\x03.', '\x80\x02}.'];
function text(value: string): string {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(value.length);
  return `X${size.toString('latin1')}${value}`;
}
/** `{section: OrderedDict(name=tensor of shape (2, 2), row by row)}` as torch 1.0 wrote it. */
function tensor(stride: [number, number] = [2, 1], global = 'ctorch._utils\n_rebuild_tensor_v2\n'): string {
  const storage = `((${text('storage')}ctorch\nFloatStorage\n${text('7')}${text('cpu')}K\x04NtQ`;
  return `\x80\x02}(${text('model_state')}ccollections\nOrderedDict\n)R(${text('weight')}${global}${storage}K\x00K\x02K\x02\x86K${String.fromCharCode(stride[0])}K${String.fromCharCode(stride[1])}\x86\x89ccollections\nOrderedDict\n)RtRuu.`;
}
const keys = `\x80\x02](${text('7')}e.`;
function numbers(count = 4): Buffer {
  const bytes = Buffer.alloc(8 + 16);
  bytes.writeBigInt64LE(BigInt(count));
  [1, 2, 3, 4.5].forEach((value, index) => bytes.writeFloatLE(value, 8 + 4 * index));
  return bytes;
}

describe('readTorchFile', () => {
  it('finds the tensors', async () => {
    const tensors = await readTorchFile(file(...head, tensor(), keys, numbers()), 'model_state');
    expect(tensors.get('weight')).toEqual({ shape: [2, 2], data: new Float32Array([1, 2, 3, 4.5]) });
  });

  it.each([
    ['another file', ['GGUF and so on']],
    ['nothing', ['']],
    ['a call of something else', [...head, tensor([2, 1], 'cos\nsystem\n'), keys, numbers()]],
    ['an instruction that no tensor needs', [...head, '\x80\x02cos\nsystem\n\x81.', keys, numbers()]],
    ['too few numbers', [...head, tensor(), keys, numbers(400)]],
    ['columns instead of rows', [...head, tensor([1, 2]), keys, numbers()]],
    ['an end in the middle', [...head, tensor().slice(0, 60)]],
    ['another dictionary', [...head, '\x80\x02}.', keys, numbers()]],
  ])('refuses %s', async (_, parts) => {
    await expect(readTorchFile(file(...parts), 'model_state')).rejects.toMatchObject({ code: 'model_file_invalid' });
  });
});
