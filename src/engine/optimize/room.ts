/** What a search needs of the disk and of the memory, and whether it ended for want of it. */
import { DuanyunError, makeError } from '../../core/errors.ts';
import { freeDiskBytes, isDiskFull, mebibytes } from '../../models/disk-space.ts';
import type { GgufHeader } from '../../models/gguf.ts';

export type RoomOptions = {
  model: string;
  availableBytes: number;
  freeBytes?: (directory: string) => Promise<number>;
};

/** The rest of a longer text is left out: a reference takes up to 0.6 MB a token. More than the texts here have. */
export const mostTextTokens = 2_500;

/** Compute buffers, logits and the process itself, beside the weights. */
export const workingBytes = 500 * 1024 * 1024;

/**
 * Room for the reference logits, a file for each format and two candidates on the disk, and for the source and its buffers in memory.
 * Throws `disk_full`, `model_too_large`.
 */
export async function requireRoom(options: RoomOptions, header: GgufHeader, folder: string): Promise<void> {
  const neededBytes = neededDiskBytes(header);
  const freeBytes = await freeBytesOf(folder, options);
  if (freeBytes < neededBytes) {
    throw makeError('disk_full', {
      path: folder,
      neededMiB: mebibytes(neededBytes),
      availableMiB: mebibytes(freeBytes),
    });
  }
  const neededMemory = header.fileSizeBytes + workingBytes;
  if (options.availableBytes < neededMemory) {
    throw makeError('model_too_large', {
      model: options.model,
      neededMiB: mebibytes(neededMemory),
      availableMiB: mebibytes(options.availableBytes),
      advice: 'Stop the server while the file is optimised.',
    });
  }
}

/** While a search runs. */
export function neededDiskBytes(header: GgufHeader): number {
  const vocabulary = header.tensors.find(({ name }) => name === 'token_embd.weight')?.shape[1] ?? 0;
  return 5 * header.fileSizeBytes * 1.2 + vocabulary * 4 * mostTextTokens;
}

/** Less than this is left where writing ended for want of room: the library does not say why it failed. */
const exhaustedBytes = 16 * 1024 * 1024;

/** What a search failed with, as its user should see it. */
export async function asOptimizeError(
  cause: unknown,
  options: RoomOptions,
  header: GgufHeader,
  folder: string,
): Promise<unknown> {
  if (isDiskFull(cause) || (await freeBytesOf(folder, options)) < exhaustedBytes) {
    const availableMiB = mebibytes(await freeBytesOf(folder, options));
    return makeError(
      'disk_full',
      { path: folder, neededMiB: mebibytes(neededDiskBytes(header)), availableMiB },
      { cause },
    );
  }
  if (!(cause instanceof DuanyunError)) return cause;
  if (cause.code === 'engine_crashed') {
    return makeError('optimize_failed', { reason: 'the process that does it ended' }, { cause });
  }
  return cause.code === 'engine_failed' ? makeError('optimize_failed', { reason: cause.message }, { cause }) : cause;
}

function freeBytesOf(folder: string, { freeBytes = freeDiskBytes }: RoomOptions): Promise<number> {
  return freeBytes(folder);
}
