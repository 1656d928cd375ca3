import { makeError } from '../../../core/errors.ts';
import type { Transcript, TranscriptSegment } from '../../../core/perception.ts';
import { Ctranslate2File } from '../../../models/whisper/ctranslate2-file.ts';
import { readWhisperShape } from '../../../models/whisper/whisper-shape.ts';
import type { ByteSource } from '../../host/byte-source.ts';
import { openInPlaceSession } from '../../native/onnx-in-place.ts';
import { decodeAudio, speechRate } from './audio/decode-audio.ts';
import { prepareWhisper } from './prepare-whisper.ts';
import { SampleStream } from './sample-stream.ts';
import { toSimplifiedChinese } from './simplified-chinese.ts';
import type { SpeechLoadOptions, SpeechProgress, TranscribeRequest, VoiceRequest } from './speech-messages.ts';
import { VoiceActivityModel } from './voice-activity.ts';
import { VoiceWatches } from './voice-watches.ts';
import { transcribeStream } from './whisper/transcribe-stream.ts';
import { Vocabulary } from './whisper/vocabulary.ts';
import { WhisperModel } from './whisper/whisper-model.ts';

const beams = 5;

/** Whisper and its voice detector, loaded; hears one recording at a time. */
export class Recogniser {
  readonly #options: SpeechLoadOptions;
  readonly #model: WhisperModel;
  readonly #vocabulary: Vocabulary;
  readonly #voice: VoiceActivityModel;
  readonly #watches: VoiceWatches;
  readonly #suppressed: ReadonlySet<number>;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    options: SpeechLoadOptions,
    parts: { model: WhisperModel; vocabulary: Vocabulary; voice: VoiceActivityModel; suppressed: readonly number[] },
  ) {
    this.#options = options;
    this.#model = parts.model;
    this.#vocabulary = parts.vocabulary;
    this.#voice = parts.voice;
    this.#watches = new VoiceWatches(parts.voice);
    this.#suppressed = new Set(parts.suppressed);
  }

  static async load(options: SpeechLoadOptions): Promise<Recogniser> {
    const { threads } = options;
    const prepared = await prepareWhisper(options);
    const weights = await Ctranslate2File.open(options.weightsPath);
    const shape = readWhisperShape(weights);
    await weights.close();
    const encoder = openInPlaceSession(prepared.encoder, { threads });
    const decoder = openInPlaceSession(prepared.decoder, { threads });
    const { decoderLayers: layers } = shape;
    return new Recogniser(options, {
      model: new WhisperModel(encoder, decoder, { ...shape, layers, alignmentHeads: prepared.alignmentHeads }, beams),
      vocabulary: await Vocabulary.read(options.tokenizerPath),
      voice: await VoiceActivityModel.open(options.voiceActivityPath),
      suppressed: prepared.suppressed,
    });
  }

  get languages(): string[] {
    return this.#vocabulary.languages;
  }

  /** Live sound waits for no recording. */
  async watch({ watch, samples }: VoiceRequest): Promise<number[]> {
    if (samples !== undefined) return this.#watches.hear(watch, samples);
    this.#watches.close(watch);
    return [];
  }

  /** Recordings wait for each other: the cache of the search is there once. */
  transcribe(
    request: TranscribeRequest,
    file: ByteSource,
    signal: AbortSignal,
    onProgress: (progress: SpeechProgress) => void,
  ): Promise<Transcript> {
    const turn = this.#last.then(() => this.#transcribe(request, file, signal, onProgress));
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #transcribe(
    request: TranscribeRequest,
    file: ByteSource,
    signal: AbortSignal,
    onProgress: (progress: SpeechProgress) => void,
  ): Promise<Transcript> {
    signal.throwIfAborted();
    const token = request.language === undefined ? undefined : this.#vocabulary.languageToken(request.language);
    if (request.language !== undefined && token === undefined) {
      throw makeError(
        'invalid_request',
        { reason: `The language ${request.language.slice(0, 20)} is not one that the speech model knows.` },
        { param: 'language' },
      );
    }
    const audio = await decodeAudio(file, { mostSeconds: this.#options.mostSeconds });
    const stream = new SampleStream(audio.samples);
    let language = request.language ?? 'en';
    let languageProbability = request.language === undefined ? 0 : 1;
    const segments: TranscriptSegment[] = [];
    const simplify = (): boolean => language === 'zh' && request.task === 'transcribe' && !request.keepScript;
    try {
      await transcribeStream(
        {
          model: this.#model,
          vocabulary: this.#vocabulary,
          suppressed: this.#suppressed,
          voice: this.#voice,
        },
        stream,
        {
          translate: request.task === 'translate',
          words: request.words,
          temperature: request.temperature,
          fromSeconds: request.fromSeconds,
          signal,
          ...(token === undefined ? {} : { language: token }),
          ...(request.prompt === undefined ? {} : { prompt: request.prompt }),
        },
        {
          onLanguage(code, probability) {
            language = code;
            languageProbability = probability;
            onProgress({ type: 'language', language: code });
          },
          onSegment(found) {
            const segment = simplify() ? simplified(found) : found;
            segments.push(segment);
            onProgress({ type: 'segment', segment });
          },
          onProgress(seconds) {
            const { durationSeconds } = audio;
            onProgress({ type: 'heard', seconds, ...(durationSeconds === undefined ? {} : { durationSeconds }) });
          },
        },
      );
    } finally {
      await stream.close();
    }
    return {
      text: segments
        .map(({ text }) => text)
        .join('')
        .trim(),
      language,
      languageProbability,
      durationSeconds: stream.arrived / speechRate,
      segments,
      model: this.#options.model,
    };
  }
}

function simplified(segment: TranscriptSegment): TranscriptSegment {
  return {
    ...segment,
    text: toSimplifiedChinese(segment.text),
    ...(segment.words === undefined
      ? {}
      : { words: segment.words.map((word) => ({ ...word, text: toSimplifiedChinese(word.text) })) }),
  };
}
