/** What the server's process and the speech worker say to each other. */
import type { Transcript, TranscriptSegment } from '../../../core/perception.ts';

/** `model`: catalogue id, shown as the transcript's model. */
export type WhisperFiles = {
  model: string;
  weightsPath: string;
  configurationPath: string;
  tokenizerPath: string;
  /** Where the ONNX files made from the weights are kept. */
  derivedDirectory: string;
};
export type SenseVoiceFiles = { model: string; weightsPath: string; tokensPath: string };
/** At least one of the two models. */
export type SpeechLoadOptions = {
  whisper?: WhisperFiles;
  senseVoice?: SenseVoiceFiles;
  voiceActivityPath: string;
  threads: number;
  mostSeconds: number;
};
export type SpeechInfo = { languages: string[] };
export type SpeechRequest = TranscribeRequest | VoiceRequest | SpeakersRequest;
/** The recording is the call's file. */
export type SpeakersRequest = {
  kind: 'speakers';
  /** In order, in seconds. */
  lines: { start: number; end: number }[];
  /** How many people speak, where that is known. */
  count?: number;
  weightsPath: string;
  derivedDirectory: string;
};
/** Samples at 16 kHz of a watch; without samples it ends. */
export type VoiceRequest = { kind: 'voice'; watch: number; samples?: Float32Array };
/** The recording is the call's file. */
export type TranscribeRequest = {
  kind: 'transcribe';
  language?: string;
  task: 'transcribe' | 'translate';
  prompt?: string;
  words: boolean;
  temperature: number;
  keepScript: boolean;
  fromSeconds: number;
};
export type SpeechProgress =
  | { type: 'line'; done: number }
  | { type: 'language'; language: string }
  | { type: 'segment'; segment: TranscriptSegment }
  | { type: 'heard'; seconds: number; durationSeconds?: number };
export type SpeechResult =
  | { kind: 'transcript'; transcript: Transcript }
  | { kind: 'voice'; probabilities: number[] }
  | { kind: 'speakers'; speakers: number[] };
