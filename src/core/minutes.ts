/** Minutes of a meeting: what was said, and what came of it. `minutes` makes them; `protocol` writes them down. */
import type { AudioPart } from './chat.ts';

/** Seconds from the start. A speaker is a name, or a label such as `Speaker 1`; absent where nobody told them apart. */
export type TranscriptLine = { start: number; end: number; text: string; speaker?: string };

export type MeetingTranscript = {
  lines: TranscriptLine[];
  /** ISO 639-1. Absent: Chinese where it looks Chinese, else English. */
  language?: string;
  durationSeconds?: number;
  /** Id of the model that heard it. */
  model?: string;
};

export type MinutesSource = { kind: 'sound'; audio: AudioPart } | { kind: 'transcript'; transcript: MeetingTranscript };

/** `at` is where the transcript says it, in seconds. */
export type MinutesItem = { text: string; at: number };
export type MinutesAction = MinutesItem & {
  /** As the transcript names the person. */
  owner?: string;
  /** The words of the transcript, and the day they mean (`2026-12-02`) where the day of the meeting is known. */
  due?: { text: string; date?: string };
};

export type Minutes = {
  title: string;
  summary: string;
  language: string;
  /** Day of the meeting, `2026-11-27`, where it was given. */
  date?: string;
  durationSeconds: number;
  /** Empty where speakers were not told apart. */
  speakers: { name: string; seconds: number }[];
  decisions: MinutesItem[];
  actions: MinutesAction[];
  questions: MinutesItem[];
  transcript: TranscriptLine[];
  /** Parts that the model could not take notes of: what they say stands in the transcript only. */
  withoutNotes: { start: number; end: number }[];
  /** What the model wrote and the transcript does not bear out: left out. */
  leftOut: number;
  models: { speech?: string; language: string };
  /** Receipts of the model's answers, oldest first. */
  receipts: string[];
};

export type MinutesProgress =
  | { stage: 'hearing'; heardSeconds: number; totalSeconds?: number }
  | { stage: 'speakers'; done: number; total: number }
  | { stage: 'notes'; done: number; total: number }
  | { stage: 'summary'; done: number; total: number };

export type MinutesOptions = {
  signal: AbortSignal;
  /** Model that takes the notes. Default `auto`; always the device's. */
  model?: string;
  /** ISO 639-1, of the meeting and of its minutes. Absent: detected. */
  language?: string;
  /** Words and names that are likely to occur. */
  prompt?: string;
  /** Instead of one that the model finds. */
  title?: string;
  /** Day of the meeting, `2026-11-27`: makes days of “tomorrow” and “by Friday”. */
  date?: string;
  /** How many people speak. Absent: as many as differ enough. 1: they are not told apart. */
  speakers?: number;
  /** Keep what is finished on disk until all is, and go on from there. Default true. */
  resume?: boolean;
  onProgress?(progress: MinutesProgress): void;
  /** Each line as soon as it was heard; those of an earlier, interrupted run first. */
  onLine?(line: TranscriptLine): void;
};

export interface MinutesMaker {
  /** Throws `audio_invalid`, `audio_too_long`, `module_not_installed`, `invalid_request` (nothing was said) and what answers throw. */
  make(source: MinutesSource, options: MinutesOptions): Promise<Minutes>;
}
