/**
 * `Transcriber` over `whisper.rn`: speech written down inside an application. It takes WAV with 16 kHz, 16 bits, one channel,
 * which is what the recorders of phones and the page of this project give.
 *
 * Not verified on a phone; see docs/react-native.md.
 */
import type { AudioPart } from '../core/chat.ts';
import { makeError } from '../core/errors.ts';
import type { TranscribeOptions, Transcriber, Transcript } from '../core/perception.ts';
import { InOrder, orAborted } from '../core/in-order.ts';
import type { WhisperContextLike, WhisperOptions } from './native-types.ts';

export type WhisperTranscriberOptions = {
  model: string;
  /** Loads the model at the first use, such as `() => initWhisper({ filePath: path })`. */
  open(): Promise<WhisperContextLike>;
  /** Longer recordings are refused. Default 60. */
  maxMinutes?: number;
};

const sampleRate = 16_000;

export class WhisperTranscriber implements Transcriber {
  readonly #options: WhisperTranscriberOptions;
  readonly #turns = new InOrder();
  #context: Promise<WhisperContextLike> | undefined;

  constructor(options: WhisperTranscriberOptions) {
    this.#options = options;
  }

  async transcribe(audio: AudioPart, options: TranscribeOptions): Promise<Transcript> {
    const { signal } = options;
    signal.throwIfAborted();
    const samples = samplesOf(audio);
    const durationSeconds = samples.byteLength / 2 / sampleRate;
    const { model, maxMinutes = 60 } = this.#options;
    if (durationSeconds > maxMinutes * 60) throw makeError('audio_too_long', { limitMinutes: maxMinutes });
    const leave = await this.#turns.enter(signal);
    let isDone: Promise<unknown> = Promise.resolve();
    try {
      const context = await orAborted(this.#open(), signal);
      const job = context.transcribeData(samples, nativeOptions(options, durationSeconds));
      isDone = job.promise.catch(() => {});
      const onAbort = (): void => void job.stop();
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        const heard = await orAborted(job.promise, signal);
        if (heard.isAborted) throw makeError('module_crashed', { module: 'speech' });
        options.onLanguage?.(heard.language);
        const segments = heard.segments.map(({ text, t0, t1 }) => ({
          text: text.trim(),
          start: t0 / 100,
          end: t1 / 100,
          averageLogprob: 0,
          noSpeechProbability: 0,
        }));
        for (const segment of segments) options.onSegment?.(segment);
        return {
          text: heard.result.trim(),
          language: heard.language,
          languageProbability: 1,
          durationSeconds,
          segments,
          model,
        };
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    } finally {
      void isDone.then(leave);
    }
  }

  async dispose(): Promise<void> {
    const context = this.#context;
    this.#context = undefined;
    await this.#turns.idle;
    await (await context?.catch(() => undefined))?.release();
  }

  #open(): Promise<WhisperContextLike> {
    this.#context ??= this.#openNow();
    return this.#context;
  }

  async #openNow(): Promise<WhisperContextLike> {
    try {
      return await this.#options.open();
    } catch (error) {
      this.#context = undefined;
      throw makeError(
        'module_not_installed',
        { module: 'speech', reason: `${this.#options.model} could not be loaded` },
        { cause: error, detail: String(error) },
      );
    }
  }
}

function nativeOptions(options: TranscribeOptions, durationSeconds: number): WhisperOptions {
  const { language, prompt, temperature, fromSeconds = 0 } = options;
  return {
    ...(language === undefined ? {} : { language }),
    ...(prompt === undefined ? {} : { prompt }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(options.task === 'translate' ? { translate: true } : {}),
    ...(fromSeconds === 0 ? {} : { offset: fromSeconds * 1000 }),
    ...(options.onProgress === undefined
      ? {}
      : { onProgress: (percent) => options.onProgress?.((percent / 100) * durationSeconds, durationSeconds) }),
  };
}

/** The samples of a WAV file (RIFF, PCM). @throws `audio_invalid` */
function samplesOf({ bytes }: AudioPart): ArrayBuffer {
  const refuse = (reason: string): Error => makeError('audio_invalid', { reason });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 44 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE') throw refuse('it is no WAV file');
  for (let at = 12; at + 8 <= bytes.length;) {
    const size = view.getUint32(at + 4, true);
    if (tag(at) === 'fmt ') {
      const isFit =
        view.getUint16(at + 8, true) === 1 &&
        view.getUint16(at + 10, true) === 1 &&
        view.getUint32(at + 12, true) === sampleRate &&
        view.getUint16(at + 22, true) === 16;
      if (!isFit) throw refuse('it must have one channel of 16 bits at 16 kHz');
    }
    if (tag(at) === 'data') {
      const start = at + 8;
      const end = Math.min(bytes.length, start + size);
      // A copy of its own: Node's buffers share theirs.
      return new Uint8Array(bytes.subarray(start, end - ((end - start) % 2))).buffer;
    }
    at += 8 + size + (size % 2);
  }
  throw refuse('it holds no samples');
}
