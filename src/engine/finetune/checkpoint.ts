/** A training as it stands, in one file: readers find the whole of the last one, whenever the process ended. */
import { open, readFile, rename, rm } from 'node:fs/promises';
import type { OptimizerState } from '../native/lora-training.ts';
import type { Progress } from './trainer.ts';

export type Checkpoint = {
  /** What is trained, on what, and how; another training does not go on from it. */
  fingerprint: string;
  progress: Progress;
  state: OptimizerState;
};

type Head = {
  version: 1;
  fingerprint: string;
  progress: Progress;
  iteration: number;
  tensors: { name: string; length: number }[];
};

const magic = 'duanyun-training-1\n';
const lengthBytes = 4;

/** Throws what the file system says; the checkpoint before stays then. */
export async function writeCheckpoint(path: string, { fingerprint, progress, state }: Checkpoint): Promise<void> {
  const tensors = [...state.tensors].map(([name, { length }]) => ({ name, length }));
  const head: Head = { version: 1, fingerprint, progress, iteration: state.iteration, tensors };
  const text = Buffer.from(JSON.stringify(head), 'utf8');
  const size = Buffer.alloc(lengthBytes);
  size.writeUInt32LE(text.length);
  const temporary = `${path}.new`;
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(Buffer.concat([Buffer.from(magic), size, text]));
      for (const values of state.tensors.values()) {
        await file.writeFile(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Undefined where there is none, it is damaged, or it is of another training. */
export async function readCheckpoint(path: string, fingerprint: string): Promise<Checkpoint | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined || bytes.toString('latin1', 0, magic.length) !== magic) return undefined;
  try {
    const start = magic.length + lengthBytes;
    const length = bytes.readUInt32LE(magic.length);
    const head = JSON.parse(bytes.toString('utf8', start, start + length)) as Head;
    if (head.fingerprint !== fingerprint) return undefined;
    let offset = start + length;
    const tensors = new Map<string, Float32Array>();
    for (const each of head.tensors) {
      // A copy: numbers must lie on multiples of four.
      const part = bytes.subarray(offset, offset + each.length * 4);
      if (part.length !== each.length * 4) return undefined;
      tensors.set(each.name, new Float32Array(Uint8Array.from(part).buffer));
      offset += part.length;
    }
    return { fingerprint, progress: head.progress, state: { iteration: head.iteration, tensors } };
  } catch {
    return undefined;
  }
}
