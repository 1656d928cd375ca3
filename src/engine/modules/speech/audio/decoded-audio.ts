import { makeError } from '../../../../core/errors.ts';

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

/** Parts of a file, in order. */
export function* chunksOf(bytes: Uint8Array, sizeBytes: number): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += sizeBytes) yield bytes.subarray(start, start + sizeBytes);
}

/** What recorders write; 1 Hz would make hours of a few bytes. */
export function isSamplingRate(hertz: number): boolean {
  return hertz >= 1_000 && hertz <= 192_000;
}
