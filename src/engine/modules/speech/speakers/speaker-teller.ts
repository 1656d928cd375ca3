import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { convertSpeakerModel, embeddingSize, speakerSamples } from '../../../../models/speaker/convert-speaker.ts';
import { windowSamples } from '../../../../models/whisper/mel-filters.ts';
import { float32Tensor, openOnnxSession, type OnnxSession } from '../../../native/onnx-session.ts';
import type { ByteSource } from '../../../host/byte-source.ts';
import { decodeAudio, speechRate } from '../audio/decode-audio.ts';
import { SampleStream } from '../sample-stream.ts';
import type { SpeakersRequest } from '../speech-messages.ts';
import { clusterVoices, unit, type Voice } from './cluster-voices.ts';

/** Raised whenever the converter writes something else. */
const conversionVersion = 1;
/** What one vector is made of, and how far apart. */
const windowLength = 1.6 * speechRate;
const windowStep = 0.8 * speechRate;
/** A long line needs no more. */
const mostWindows = 8;
/** The loudness it was trained with; what is louder stays. */
const loudness = 10 ** (-30 / 20);
/** Of the analysis window, before the first frame. */
const margin = windowSamples / 2;

/** Tells the speakers of a recording apart, line by line. */
export class SpeakerTeller {
  #session: OnnxSession | undefined;
  readonly #options: { threads: number; mostSeconds: number };

  constructor(options: { threads: number; mostSeconds: number }) {
    this.#options = options;
  }

  /** @returns the index of each line's speaker. Throws `audio_invalid`, `audio_too_long`, `model_file_invalid`. */
  async tell(
    request: SpeakersRequest,
    file: ByteSource,
    signal: AbortSignal,
    onLine: (done: number) => void,
  ): Promise<number[]> {
    const session = (this.#session ??= await this.#open(request));
    const audio = await decodeAudio(file, { mostSeconds: this.#options.mostSeconds });
    const stream = new SampleStream(audio.samples);
    const voices: Voice[] = [];
    try {
      // Lines come in order; what lies before the next one is not needed any more.
      for (const { start, end } of request.lines) {
        signal.throwIfAborted();
        const from = Math.round(start * speechRate);
        const to = Math.max(from, Math.round(end * speechRate));
        const reach = Math.max(to, from + windowLength) + margin;
        while (!stream.ended && stream.arrived < reach) {
          await stream.fill(Math.min(reach, stream.arrived + 30 * speechRate), signal);
          stream.forgetBefore(from - windowLength);
        }
        const vector = await voiceOf(session, stream, from, to);
        voices.push({ vector, seconds: (to - from) / speechRate });
        onLine(voices.length);
      }
    } finally {
      await stream.close();
    }
    return clusterVoices(voices, request.count);
  }

  async #open({ weightsPath, derivedDirectory }: SpeakersRequest): Promise<OnnxSession> {
    const directory = join(derivedDirectory, `onnx-${conversionVersion}`);
    const file = join(directory, 'speaker.onnx');
    if ((await stat(file).catch(() => undefined)) === undefined) {
      // Whole or not at all, as for Whisper.
      await mkdir(directory, { recursive: true });
      const scratch = `${file}.${process.pid}`;
      try {
        await convertSpeakerModel(weightsPath, scratch);
        await rename(scratch, file);
      } finally {
        await rm(scratch, { force: true });
      }
    }
    return openOnnxSession(file, { threads: this.#options.threads });
  }
}

async function voiceOf(session: OnnxSession, stream: SampleStream, from: number, to: number): Promise<Float32Array> {
  const starts = windowStarts(from, to);
  const sound = new Float32Array(starts.length * speakerSamples);
  for (const [index, start] of starts.entries()) {
    sound.set(stream.copy(start - margin, start - margin + speakerSamples), index * speakerSamples);
  }
  const own = stream.copy(from, to);
  const level = Math.sqrt(own.reduce((sum, value) => sum + value * value, 0) / Math.max(1, own.length));
  if (level > 0 && level < loudness) {
    for (let at = 0; at < sound.length; at++) sound[at] = ((sound[at] ?? 0) * loudness) / level;
  }
  const results = await session.run({ sound: float32Tensor(sound, [starts.length, 1, speakerSamples]) });
  const vectors = results['embedding']?.data as Float32Array;
  const mean = new Float32Array(embeddingSize);
  for (const [at, value] of vectors.entries()) {
    // Silence has no direction.
    if (!Number.isNaN(value)) mean[at % embeddingSize] = (mean[at % embeddingSize] ?? 0) + value;
  }
  return unit(mean);
}

/** Windows over the line; one around the middle of a short one. */
export function windowStarts(from: number, to: number): number[] {
  const room = to - from - windowLength;
  if (room <= 0) return [Math.max(0, Math.round((from + to - windowLength) / 2))];
  const count = Math.min(mostWindows, Math.ceil(room / windowStep) + 1);
  return Array.from({ length: count }, (_, index) => Math.round(from + (room * index) / (count - 1)));
}
