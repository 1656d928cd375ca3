import type { Transcript } from '../../../core/perception.ts';
import type { ByteSource } from '../../host/byte-source.ts';
import { decodeAudio, speechRate } from './audio/decode-audio.ts';
import { chooseModel, isForSenseVoice } from './choose-model.ts';
import { HeardRecording } from './heard-recording.ts';
import { SampleStream } from './sample-stream.ts';
import { hearBySenseVoice } from './sense-voice/hear-stream.ts';
import { SenseVoiceModel } from './sense-voice/sense-voice-model.ts';
import type { SpeechLoadOptions, SpeechProgress, TranscribeRequest, VoiceRequest } from './speech-messages.ts';
import { VoiceActivityModel } from './voice-activity.ts';
import { VoiceWatches } from './voice-watches.ts';
import { loadWhisper } from './whisper/load-whisper.ts';
import { transcribeStream, type StreamParts } from './whisper/transcribe-stream.ts';

type Loaded = {
  whisper?: { id: string; parts: Omit<StreamParts, 'voice'> };
  senseVoice?: { id: string; model: SenseVoiceModel };
};

/** The speech models and the voice detector, loaded; hears one recording at a time. */
export class Recogniser {
  readonly #mostSeconds: number;
  readonly #loaded: Loaded;
  readonly #voice: VoiceActivityModel;
  readonly #watches: VoiceWatches;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(loaded: Loaded, voice: VoiceActivityModel, mostSeconds: number) {
    this.#loaded = loaded;
    this.#voice = voice;
    this.#watches = new VoiceWatches(voice);
    this.#mostSeconds = mostSeconds;
  }

  static async load(options: SpeechLoadOptions): Promise<Recogniser> {
    const { whisper, senseVoice, threads } = options;
    const loaded: Loaded = {};
    if (whisper !== undefined) loaded.whisper = { id: whisper.model, parts: await loadWhisper(whisper, threads) };
    if (senseVoice !== undefined) {
      const { model: id, weightsPath, tokensPath } = senseVoice;
      loaded.senseVoice = { id, model: await SenseVoiceModel.open(weightsPath, tokensPath, { threads }) };
    }
    return new Recogniser(loaded, await VoiceActivityModel.open(options.voiceActivityPath), options.mostSeconds);
  }

  /** Of all models together. */
  get languages(): string[] {
    const { whisper, senseVoice } = this.#loaded;
    return [...new Set([...(whisper?.parts.vocabulary.languages ?? []), ...(senseVoice?.model.languages ?? [])])];
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
    const { whisper, senseVoice } = this.#loaded;
    const choice = chooseModel(
      {
        ...(whisper === undefined ? {} : { whisper: whisper.parts.vocabulary.languages }),
        ...(senseVoice === undefined ? {} : { 'sense-voice': senseVoice.model.languages }),
      },
      request,
    );
    const audio = await decodeAudio(file, { mostSeconds: this.#mostSeconds });
    const stream = new SampleStream(audio.samples);
    const heard = new HeardRecording(request, audio.durationSeconds, onProgress);
    try {
      if (choice === 'sense-voice') await this.#bySenseVoice(stream, request, request.fromSeconds, heard, signal);
      else {
        const goesOn = await this.#byWhisper(stream, request, heard, choice === 'by-language', signal);
        if (goesOn !== undefined) {
          await this.#bySenseVoice(stream, { ...request, language: heard.language }, goesOn, heard, signal);
        }
      }
    } finally {
      await stream.close();
    }
    return heard.transcript(stream.arrived / speechRate);
  }

  /** @returns where SenseVoice shall go on, in seconds */
  async #byWhisper(
    stream: SampleStream,
    request: TranscribeRequest,
    heard: HeardRecording,
    leavesChinese: boolean,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { id, parts } = present(this.#loaded.whisper);
    heard.model = id;
    const token = request.language === undefined ? undefined : parts.vocabulary.languageToken(request.language);
    return transcribeStream(
      { ...parts, voice: this.#voice },
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
          heard.onLanguage(code, probability);
          return !(leavesChinese && isForSenseVoice(code));
        },
        onSegment: (segment) => heard.onSegment(segment),
        onProgress: (seconds) => heard.onProgress(seconds),
      },
    );
  }

  async #bySenseVoice(
    stream: SampleStream,
    request: TranscribeRequest,
    fromSeconds: number,
    heard: HeardRecording,
    signal: AbortSignal,
  ): Promise<void> {
    const { id, model } = present(this.#loaded.senseVoice);
    heard.model = id;
    const { words, language } = request;
    await hearBySenseVoice(
      model,
      this.#voice,
      stream,
      { words, fromSeconds, signal, ...(language === undefined ? {} : { language }) },
      heard,
    );
  }
}

function present<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('a model was chosen that is not loaded');
  return value;
}
