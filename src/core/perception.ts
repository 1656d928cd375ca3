/** Reading pictures and hearing speech on the device. `engine` implements both; `hybrid` runs them before it decides anything. */
import type { AudioPart } from './chat.ts';

/** Seconds from the start of the sound. */
export type TranscriptWord = { text: string; start: number; end: number; probability: number };
export type TranscriptSegment = {
  text: string;
  start: number;
  end: number;
  /** Mean natural-log probability of its tokens. */
  averageLogprob: number;
  noSpeechProbability: number;
  /** Length of the text against its packed length: above 2.4 it repeats itself. */
  compressionRatio?: number;
  /** At which the model wrote it; above 0 the first try was poor. */
  temperature?: number;
  /** As the model wrote them, timestamps included. */
  tokens?: number[];
  /** Present where they were asked for. */
  words?: TranscriptWord[];
  /** Index of the speaker, where speakers were told apart. */
  speaker?: number;
};
export type Transcript = {
  text: string;
  /** ISO 639-1. */
  language: string;
  /** 0–1. */
  languageProbability: number;
  durationSeconds: number;
  segments: TranscriptSegment[];
  /** Id of the model that heard it. */
  model: string;
};
export type TranscribeOptions = {
  signal: AbortSignal;
  /** ISO 639-1. Absent: detected. */
  language?: string;
  /** `translate` writes English. Default `transcribe`. */
  task?: 'transcribe' | 'translate';
  /** Words and names that are likely to occur. */
  prompt?: string;
  words?: boolean;
  /** 0–1. Default 0: beam search, and sampling only where that fails. */
  temperature?: number;
  /** Keep traditional characters; by default Chinese is written in simplified ones. */
  keepScript?: boolean;
  /** Begin here, in seconds; what lies before was written down already. Default 0. */
  fromSeconds?: number;
  /** As soon as it is known, where it had to be detected. */
  onLanguage?(language: string): void;
  /** Each segment as soon as it is there. */
  onSegment?(segment: TranscriptSegment): void;
  /** Seconds heard so far, of `durationSeconds` where known. */
  onProgress?(heardSeconds: number, durationSeconds: number | undefined): void;
};
export interface Transcriber {
  /** Throws `audio_invalid`, `audio_too_long`, `module_not_installed`, `module_does_not_fit`, `module_crashed`. */
  transcribe(audio: AudioPart, options: TranscribeOptions): Promise<Transcript>;
}

/** Who says which line of a recording. */
export interface SpeakerReader {
  /**
   * @param lines in order, in seconds; `count`: how many people speak, where that is known
   * @returns the index of each line's speaker; `undefined` where no speaker model is installed
   * @throws as `transcribe`
   */
  tellSpeakers(
    audio: AudioPart,
    lines: readonly { start: number; end: number }[],
    options: { signal: AbortSignal; count?: number; onProgress?(done: number): void },
  ): Promise<number[] | undefined>;
}

/** Speech and silence of sound that is still coming. */
export type VoiceWatch = {
  /**
   * @param samples the next ones, at 16 kHz
   * @returns the probability of speech in each 32 ms that they complete
   * @throws as `transcribe`
   */
  hear(samples: Float32Array, options: { signal: AbortSignal }): Promise<number[]>;
  close(): Promise<void>;
};
export interface VoiceWatcher {
  /** Loads nothing before it is used. */
  watchVoice(): VoiceWatch;
}

/** Box in pixels of the upright picture. */
export type PictureLine = {
  text: string;
  confidence: number;
  box: { x: number; y: number; width: number; height: number };
};
export type PictureText = {
  /** Lines in reading order, joined by line breaks; empty where there is none. */
  text: string;
  lines: PictureLine[];
  width: number;
  height: number;
  /** Places that look like lines of text and could not be read. Whoever judges the picture by its text has to ask. */
  unreadLines: number;
  /** Id of the model that read it. */
  model: string;
};
export interface PictureReader {
  /**
   * @param bytes a whole picture file; decoded within the limits on pixels and memory
   * @throws `image_invalid`, `image_too_large`, `module_not_installed`, `module_does_not_fit`, `module_crashed`
   */
  read(bytes: Uint8Array, options: { signal: AbortSignal }): Promise<PictureText>;
}

/** A picture ready for a model: upright, three bytes (red, green, blue) a pixel, row by row. */
export type DecodedPicture = {
  width: number;
  height: number;
  rgb: Uint8Array;
  /** Of the file it came from, lower-case hexadecimal. Encoded pictures are kept by it. */
  sha256: string;
};
export interface PictureDecoder {
  /**
   * @param bytes a whole picture file
   * @param options.maxPixels a larger picture is scaled down to about this, its sides keeping their ratio
   * @throws `image_invalid`, `image_too_large`
   */
  decode(bytes: Uint8Array, options: { signal: AbortSignal; maxPixels: number }): Promise<DecodedPicture>;
}

/** Looks at pictures before, and makes them fit to leave after, they are judged. */
export interface PictureGuard {
  /** Looks at the header only. Throws `image_invalid`, `image_too_large`. */
  check(bytes: Uint8Array): void;
  /**
   * The same pixels in a new file: no EXIF, no place, no colour profile, no thumbnail, no comment.
   *
   * @throws `image_invalid`, `image_too_large`
   */
  withoutMetadata(
    bytes: Uint8Array,
    options: { signal: AbortSignal },
  ): Promise<{ bytes: Uint8Array; mediaType: string }>;
}

/** Fetches pictures by their address, where the operator allows it. */
export interface PictureFetcher {
  /** Throws `image_url_refused`, `image_too_large`. */
  fetchPicture(url: string, options: { signal: AbortSignal }): Promise<Uint8Array>;
}
