import { makeError } from '../../../../core/errors.ts';
import type { ByteSource } from '../../../host/byte-source.ts';

/** A run of sound: one array a channel, all of the same length, −1 to 1. */
export type AudioBlock = { channels: Float32Array[]; sampleRate: number };
export type DecodedAudio = {
  /** As the container states it; absent where it does not. */
  durationSeconds?: number;
  blocks: AsyncIterable<AudioBlock> | Iterable<AudioBlock>;
};

/** Bytes of PCM made into a block at a time, so that a long recording is never decoded whole. */
export const chunkBytes = 64 * 1024;

export function invalidAudio(reason: string, cause?: unknown): Error {
  return makeError('audio_invalid', { reason }, { cause });
}

/** Fetched at a time: a range costs a message between two processes. */
export const rangeBytes = 1024 * 1024;

/** Parts of a file, in order. */
export async function* chunksOf(file: ByteSource, sizeBytes: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < file.sizeBytes; from += rangeBytes) {
    const range = await file.read(from, Math.min(from + rangeBytes, file.sizeBytes));
    for (let start = 0; start < range.length; start += sizeBytes) yield range.subarray(start, start + sizeBytes);
  }
}

/** What recorders write; 1 Hz would make hours of a few bytes. */
export function isSamplingRate(hertz: number): boolean {
  return hertz >= 1_000 && hertz <= 192_000;
}
