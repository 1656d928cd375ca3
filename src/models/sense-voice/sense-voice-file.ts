import { open, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { makeError } from '../../core/errors.ts';

/** What k2-fsa's export of SenseVoice says of itself in the ONNX file's metadata (sherpa-onnx, `scripts/sense-voice/export-onnx.py`). */
export type SenseVoiceShape = {
  vocabulary: number;
  /** Frames of 80 numbers that are joined into one, and how many it goes on. */
  window: number;
  shift: number;
  /** Added to and multiplied with each of the `window` × 80 numbers. */
  negativeMean: Float32Array;
  inverseDeviation: Float32Array;
  /** Samples −1 to 1; otherwise −32,768 to 32,767. */
  normalised: boolean;
  /** Query by language code, `auto` among them. */
  languages: ReadonlyMap<string, number>;
  /** Queries for numbers and marks as they are written, and for bare words. */
  asWritten: number;
  asSpoken: number;
};

export const filterBanks = 80;
const languageCodes = ['auto', 'zh', 'en', 'yue', 'ja', 'ko'] as const;
const mostEntryBytes = 1024 * 1024;

const numbers = z
  .string()
  .transform((text) => Float32Array.from(text.split(','), Number))
  .refine((values) => values.every((value) => Number.isFinite(value)));
const count = z.coerce.number().int().nonnegative();
const metadataSchema = z.object({
  model_type: z.literal('sense_voice_ctc'),
  vocab_size: count.pipe(z.number().min(2).max(1_000_000)),
  lfr_window_size: count.pipe(z.number().min(1).max(64)),
  lfr_window_shift: count.pipe(z.number().min(1).max(64)),
  normalize_samples: count,
  neg_mean: numbers,
  inv_stddev: numbers,
  with_itn: count,
  without_itn: count,
  lang_auto: count,
  lang_zh: count,
  lang_en: count,
  lang_yue: count,
  lang_ja: count,
  lang_ko: count,
});

/** Reads the metadata, not the weights. Throws `model_file_invalid`. */
export async function readSenseVoiceShape(path: string): Promise<SenseVoiceShape> {
  const file = await open(path, 'r');
  try {
    const parsed = metadataSchema.safeParse(await readMetadata(file));
    if (!parsed.success) throw invalid(`its metadata is not SenseVoice's: ${parsed.error.issues[0]?.path.join('.')}`);
    const { data } = parsed;
    const width = data.lfr_window_size * filterBanks;
    if (data.neg_mean.length !== width || data.inv_stddev.length !== width) {
      throw invalid('mean and deviation have another length than its frames');
    }
    return {
      vocabulary: data.vocab_size,
      window: data.lfr_window_size,
      shift: data.lfr_window_shift,
      negativeMean: data.neg_mean,
      inverseDeviation: data.inv_stddev,
      normalised: data.normalize_samples !== 0,
      languages: new Map(languageCodes.map((code) => [code, data[`lang_${code}`]])),
      asWritten: data.with_itn,
      asSpoken: data.without_itn,
    };
  } finally {
    await file.close();
  }
}

/** `metadata_props` of a `ModelProto` (onnx.proto): field 14, pairs of key (1) and value (2). All other fields are jumped over. */
async function readMetadata(file: FileHandle): Promise<Record<string, string>> {
  const { size } = await file.stat();
  const found: Record<string, string> = {};
  for (let place = 0; place < size;) {
    const head = await readAt(file, place, Math.min(20, size - place));
    const [tag, afterTag] = readVarint(head, 0);
    const [field, kind] = [Math.floor(tag / 8), tag % 8];
    const [value, afterValue] = readVarint(head, afterTag);
    if (kind === 0) place += afterValue;
    else if (kind === 2 && place + afterValue + value <= size) {
      if (field === 14) {
        if (value > mostEntryBytes) throw invalid('an entry of its metadata is too long');
        const [key, text] = readEntry(await readAt(file, place + afterValue, value));
        found[key] = text;
      }
      place += afterValue + value;
    } else throw invalid('it is not an ONNX file, or cut off');
  }
  return found;
}

function readEntry(bytes: Buffer): [string, string] {
  const parts = ['', '', ''];
  for (let place = 0; place < bytes.length;) {
    const [tag, afterTag] = readVarint(bytes, place);
    const [length, start] = readVarint(bytes, afterTag);
    if (tag % 8 !== 2 || start + length > bytes.length) throw invalid('its metadata is damaged');
    parts[Math.floor(tag / 8)] = bytes.toString('utf8', start, start + length);
    place = start + length;
  }
  return [parts[1] ?? '', parts[2] ?? ''];
}

function readVarint(bytes: Buffer, from: number): [value: number, next: number] {
  let value = 0;
  for (let index = 0; index < 8; index++) {
    const byte = bytes[from + index];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return [value, from + index + 1];
  }
  throw invalid('it is not an ONNX file, or cut off');
}

async function readAt(file: FileHandle, place: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, place);
  if (bytesRead < length) throw invalid('it is cut off');
  return bytes;
}

function invalid(reason: string): Error {
  return makeError('model_file_invalid', { file: 'SenseVoice model', reason });
}
