/** The part of OpenAI's realtime events that transcription needs. `protocol` only knows their form. */
import { z } from 'zod';
import { DuanyunError } from '../core/errors.ts';
import { errorBody } from './error-body.ts';
import { parseWire, refuse } from './parse-wire.ts';

export type DictationSettings = {
  /** Samples a second of the PCM16 that the client sends. */
  rate: number;
  /** ISO 639-1. Absent: detected. */
  language?: string;
  prompt?: string;
  /** Silence that ends an utterance. Absent: only `input_audio_buffer.commit` does. */
  silenceMs?: number;
};
export type DictationCommand =
  | { type: 'append'; pcm: Uint8Array }
  | { type: 'commit' }
  | { type: 'clear' }
  | { type: 'update'; change: Partial<DictationSettings>; keepsOpen: boolean };

export const defaultDictation: DictationSettings = { rate: 24_000, silenceMs: 600 };

const rate = z.int().min(8000).max(48_000);
const turnDetection = z
  .object({ type: z.literal('server_vad').optional(), silence_duration_ms: z.int().min(100).max(10_000).optional() })
  .nullable();
const transcription = z.object({
  language: z
    .string()
    .regex(/^[a-z]{2,3}$/, 'must be a code such as zh or en')
    .optional(),
  prompt: z.string().max(2000).optional(),
});
const session = z.object({
  input_audio_format: z.literal('pcm16', 'must be pcm16').optional(),
  input_audio_transcription: transcription.optional(),
  turn_detection: turnDetection.optional(),
  audio: z
    .object({
      input: z.object({
        format: z.object({ type: z.literal('audio/pcm', 'must be audio/pcm'), rate: rate.optional() }).optional(),
        transcription: transcription.optional(),
        turn_detection: turnDetection.optional(),
      }),
    })
    .optional(),
});
const commandSchema = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('input_audio_buffer.append'), audio: z.string().min(1) }),
    z.object({ type: z.literal('input_audio_buffer.commit') }),
    z.object({ type: z.literal('input_audio_buffer.clear') }),
    z.object({ type: z.literal('session.update'), session }),
    z.object({ type: z.literal('transcription_session.update'), session }),
  ],
  { error: 'must be an input_audio_buffer.append, .commit or .clear, or a session.update' },
);

/** Throws `invalid_request`, `invalid_json`. */
export function parseDictationCommand(text: string): DictationCommand {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DuanyunError('invalid_json', 'The event is not valid JSON.', { cause });
  }
  const event = parseWire(commandSchema, value);
  switch (event.type) {
    case 'input_audio_buffer.append': {
      const pcm = Buffer.from(event.audio, 'base64');
      if (pcm.length === 0 || pcm.length % 2 !== 0) throw refuse('audio', 'must be whole samples of PCM16 as base64');
      return { type: 'append', pcm };
    }
    case 'input_audio_buffer.commit':
      return { type: 'commit' };
    case 'input_audio_buffer.clear':
      return { type: 'clear' };
    case 'session.update':
    case 'transcription_session.update':
      return changeOf(event.session);
  }
}

function changeOf(wire: z.infer<typeof session>): DictationCommand {
  const input = wire.audio?.input;
  const heard = input?.transcription ?? wire.input_audio_transcription;
  const turns = input?.turn_detection === undefined ? wire.turn_detection : input.turn_detection;
  const change: Partial<DictationSettings> = {
    ...(input?.format?.rate === undefined ? {} : { rate: input.format.rate }),
    ...(heard?.language === undefined ? {} : { language: heard.language }),
    ...(heard?.prompt === undefined ? {} : { prompt: heard.prompt }),
    ...(turns ? { silenceMs: turns.silence_duration_ms ?? defaultDictation.silenceMs ?? 600 } : {}),
  };
  return { type: 'update', change, keepsOpen: turns === null };
}

/** `?rate=16000&language=zh` for clients that send bare samples. Throws `invalid_request`. */
export function dictationOf(query: URLSearchParams): DictationSettings {
  const intent = query.get('intent');
  if (intent !== null && intent !== 'transcription') throw refuse('intent', 'must be transcription');
  const schema = z.object({ rate: z.coerce.number().pipe(rate).optional(), language: transcription.shape.language });
  const given = parseWire(
    schema,
    Object.fromEntries([...query].filter(([name]) => name === 'rate' || name === 'language')),
  );
  return {
    ...defaultDictation,
    ...(given.rate === undefined ? {} : { rate: given.rate }),
    ...(given.language === undefined ? {} : { language: given.language }),
  };
}

export type DictationEvent =
  | { type: 'created' | 'updated'; id: string; settings: DictationSettings }
  | { type: 'speech-started' | 'speech-stopped'; item: string; atMs: number }
  | { type: 'committed'; item: string; previous: string | undefined }
  | { type: 'cleared' }
  /** `stable` will not change any more, `tail` may. */
  | { type: 'partial'; item: string; stable: string; tail: string; added: string }
  | { type: 'completed'; item: string; text: string; seconds: number; language: string }
  | { type: 'failed'; item: string; error: DuanyunError }
  | { type: 'error'; error: DuanyunError };

const transcriptionEvent = 'conversation.item.input_audio_transcription';

/** The events as OpenAI names them; `….partial` is an addition that other clients pass over. */
export function realtimeEvents(event: DictationEvent): object[] {
  switch (event.type) {
    case 'created':
    case 'updated':
      return [{ type: `session.${event.type}`, session: sessionBody(event.id, event.settings) }];
    case 'speech-started':
      return [{ type: 'input_audio_buffer.speech_started', item_id: event.item, audio_start_ms: event.atMs }];
    case 'speech-stopped':
      return [{ type: 'input_audio_buffer.speech_stopped', item_id: event.item, audio_end_ms: event.atMs }];
    case 'committed':
      return [{ type: 'input_audio_buffer.committed', item_id: event.item, previous_item_id: event.previous ?? null }];
    case 'cleared':
      return [{ type: 'input_audio_buffer.cleared' }];
    case 'partial': {
      const { item: item_id, stable, tail, added } = event;
      return [
        ...(added === '' ? [] : [{ type: `${transcriptionEvent}.delta`, item_id, content_index: 0, delta: added }]),
        { type: `${transcriptionEvent}.partial`, item_id, content_index: 0, stable, tail },
      ];
    }
    case 'completed':
      return [
        {
          type: `${transcriptionEvent}.completed`,
          item_id: event.item,
          content_index: 0,
          transcript: event.text,
          language: event.language,
          usage: { type: 'duration', seconds: Math.ceil(event.seconds) },
        },
      ];
    case 'failed':
      return [
        { type: `${transcriptionEvent}.failed`, item_id: event.item, content_index: 0, ...errorBody(event.error) },
      ];
    case 'error':
      return [{ type: 'error', ...errorBody(event.error) }];
  }
}

function sessionBody(id: string, { rate: samples, language, prompt, silenceMs }: DictationSettings): object {
  return {
    id,
    object: 'realtime.transcription_session',
    type: 'transcription',
    audio: {
      input: {
        format: { type: 'audio/pcm', rate: samples },
        transcription: { language: language ?? null, prompt: prompt ?? '' },
        turn_detection: silenceMs === undefined ? null : { type: 'server_vad', silence_duration_ms: silenceMs },
      },
    },
  };
}
