/** Uploads of recordings: `/v1/audio/transcriptions` and `/v1/audio/translations`. */
import { DuanyunClientError } from './errors.ts';

/**
 * Bytes, a Blob or File, or a file as React Native names it. A File brings its own name and type; where bytes have no name
 * the server looks at what they begin with.
 */
export type Recording = Blob | Uint8Array | ArrayBuffer | NativeFile;
/** React Native's `FormData` reads the file itself. */
export type NativeFile = { uri: string; name: string; type: string };

export type SpeechRequest = {
  /** ISO 639-1, such as `zh`. Default: detected. */
  language?: string | undefined;
  /** Words and names that are likely to occur. */
  prompt?: string | undefined;
  /** 0–1. */
  temperature?: number | undefined;
  model?: string | undefined;
  /** Further fields of the form, for a server that knows more of them. */
  fields?: Record<string, string> | undefined;
};

export type Transcription = {
  text: string;
  /** English name of the language, in lower case. */
  language: string;
  /** Seconds. */
  duration: number;
  segments: TranscriptionSegment[];
  /** Where `words` was asked for. */
  words?: { word: string; start: number; end: number }[];
};

/** `start` and `end` in seconds. */
export type TranscriptionSegment = {
  id: number;
  start: number;
  end: number;
  text: string;
  avg_logprob: number;
  no_speech_prob: number;
  compression_ratio: number;
  temperature: number;
};

export type SpeechEvent =
  | { type: 'text-delta'; text: string }
  /** Comes last, with the whole text. */
  | { type: 'finish'; text: string };

export function speechForm(
  recording: Recording,
  request: SpeechRequest,
  fields: Record<string, string | string[]>,
): FormData {
  const form = new FormData();
  appendFile(form, recording);
  form.append('model', request.model ?? 'whisper-1');
  for (const name of ['language', 'prompt', 'temperature'] as const) {
    const value = request[name];
    if (value !== undefined) form.append(name, String(value));
  }
  for (const [name, values] of Object.entries({ ...fields, ...request.fields })) {
    for (const value of [values].flat()) form.append(name, value);
  }
  return form;
}

function appendFile(form: FormData, recording: Recording): void {
  if (recording instanceof Uint8Array || recording instanceof ArrayBuffer) {
    form.append('file', new Blob([recording]), 'recording');
  } else if ('uri' in recording) {
    form.append('file', recording);
  } else {
    const { name } = recording as { name?: string };
    form.append('file', recording, name ?? 'recording');
  }
}

/** @throws `response_invalid` */
export function speechEvent(value: unknown): SpeechEvent {
  const { type, delta, text } = value as { type?: unknown; delta?: unknown; text?: unknown };
  if (type === 'transcript.text.delta' && typeof delta === 'string') return { type: 'text-delta', text: delta };
  if (type === 'transcript.text.done' && typeof text === 'string') return { type: 'finish', text };
  throw new DuanyunClientError('response_invalid', 'The server sent an event that is no part of a transcription.');
}

export function isLastOfSpeech(value: unknown): boolean {
  return (value as { type?: unknown }).type === 'transcript.text.done';
}
