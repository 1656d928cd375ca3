/** Puts a GGUF file together from tensors of several files of the same model. */
import { open, type FileHandle } from 'node:fs/promises';
import { makeError } from '../core/errors.ts';
import { readGgufHeader, type GgufHeader, type GgufTensor } from './gguf.ts';
import { ggmlTypeNumber } from './ggml-types.ts';

export type ComposeOptions = {
  /** Gives the metadata, the order of the tensors, and every tensor that `from` does not name. */
  base: string;
  /** Files by the name of the tensor that is taken from them; its shape must be that of the base. */
  from: ReadonlyMap<string, string>;
  /** Overwritten where it exists; whole only when the call is done. */
  target: string;
};

const copyBytes = 8 * 1024 * 1024;

/** Throws `model_file_invalid` where the files do not belong together, and what the file system says. */
export async function composeGguf({ base, from, target }: ComposeOptions): Promise<void> {
  const headers = new Map<string, GgufHeader>();
  for (const path of new Set([base, ...from.values()])) headers.set(path, await readGgufHeader(path));
  const header = headers.get(base) as GgufHeader;
  const parts = header.tensors.map((tensor) => {
    const path = from.get(tensor.name) ?? base;
    const part = headers.get(path)?.tensors.find(({ name }) => name === tensor.name);
    if (part === undefined || String(part.shape) !== String(tensor.shape)) {
      throw makeError('model_file_invalid', {
        file: path,
        reason: `its tensor ${tensor.name} is not that of the model`,
      });
    }
    return { path, part };
  });
  const files = new Map<string, FileHandle>();
  try {
    for (const path of headers.keys()) files.set(path, await open(path, 'r'));
    const output = await open(target, 'w');
    try {
      const head = Buffer.alloc(header.metadataEnd);
      await files.get(base)?.read(head, 0, head.length, 0);
      const buffer = Buffer.allocUnsafe(copyBytes);
      await writeAll(output, head);
      const list = tensorList(
        parts.map(({ part }) => part),
        header.alignment,
      );
      await writeAll(output, padded(list, head.length, header.alignment));
      for (const { path, part } of parts) {
        await copyRange(files.get(path) as FileHandle, output, part, buffer);
        await writeAll(output, Buffer.alloc(alignUp(part.sizeBytes, header.alignment) - part.sizeBytes));
      }
      await output.sync();
    } finally {
      await output.close();
    }
  } finally {
    for (const file of files.values()) await file.close();
  }
}

/** As the header has it: name, dimensions, type, offset from the start of the data. */
function tensorList(tensors: readonly GgufTensor[], alignment: number): Buffer {
  let offset = 0;
  const chunks: Buffer[] = [];
  for (const { name, shape, type, sizeBytes } of tensors) {
    const text = Buffer.from(name, 'utf8');
    const fields = Buffer.alloc(8 + 4 + shape.length * 8 + 4 + 8);
    let position = fields.writeBigUInt64LE(BigInt(text.length));
    position = fields.writeUInt32LE(shape.length, position);
    for (const size of shape) position = fields.writeBigUInt64LE(BigInt(size), position);
    position = fields.writeUInt32LE(ggmlTypeNumber(type), position);
    fields.writeBigUInt64LE(BigInt(offset), position);
    chunks.push(fields.subarray(0, 8), text, fields.subarray(8));
    offset += alignUp(sizeBytes, alignment);
  }
  return Buffer.concat(chunks);
}

function padded(list: Buffer, before: number, alignment: number): Buffer {
  const end = before + list.length;
  return Buffer.concat([list, Buffer.alloc(alignUp(end, alignment) - end)]);
}

async function copyRange(source: FileHandle, output: FileHandle, part: GgufTensor, buffer: Buffer): Promise<void> {
  for (let done = 0; done < part.sizeBytes;) {
    const wanted = Math.min(buffer.length, part.sizeBytes - done);
    const { bytesRead } = await source.read(buffer, 0, wanted, part.offset + done);
    if (bytesRead === 0) {
      throw makeError('model_file_invalid', { file: part.name, reason: 'it became shorter while it was read' });
    }
    await writeAll(output, buffer.subarray(0, bytesRead));
    done += bytesRead;
  }
}

/** One write call may take less than it was given, on a disk that fills up for example. */
async function writeAll(output: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await output.write(bytes, done, bytes.length - done);
    done += bytesWritten;
  }
}

function alignUp(bytes: number, alignment: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}
