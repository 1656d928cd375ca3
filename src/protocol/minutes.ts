/** `POST /v1/minutes`: form or JSON → options, minutes → JSON. */
import { z } from 'zod';
import type { MeetingTranscript, Minutes, MinutesOptions, MinutesProgress, TranscriptLine } from '../core/minutes.ts';
import { parseWire, refuse } from './parse-wire.ts';

export type MinutesForm = 'json' | 'markdown';
export type MinutesWishes = Pick<
  MinutesOptions,
  'model' | 'language' | 'prompt' | 'title' | 'date' | 'speakers' | 'resume'
> & {
  form: MinutesForm;
  stream: boolean;
};

const mostLines = 20_000;
const seconds = z.number().min(0).max(1e6);
const languageCode = z.string().regex(/^[a-z]{2,3}$/, 'must be a code such as zh or en');
const day = z.iso.date('must be a day such as 2026-11-27');
const wishes = {
  model: z.string().min(1).max(200).optional(),
  language: languageCode.optional(),
  title: z.string().min(1).max(200).optional(),
  date: day.optional(),
  response_format: z.enum(['json', 'markdown']).default('json'),
  stream: z.boolean().default(false),
  resume: z.boolean().default(true),
};
/** The answer of `/v1/audio/transcriptions` with `verbose_json` fits too. */
const transcriptSchema = z.object({
  language: z.string().max(40).optional(),
  duration: seconds.optional(),
  text: z.string().max(4_000_000).optional(),
  segments: z
    .array(
      z.object({
        start: seconds.optional(),
        end: seconds.optional(),
        text: z.string().max(20_000),
        speaker: z.string().max(80).nullish(),
      }),
    )
    .max(mostLines)
    .optional(),
});
export const minutesRequestSchema = z.object({ transcript: transcriptSchema, ...wishes });
/** For the description of the interface; `parseMinutesForm` reads the form itself. */
export const minutesFormSchema = z.object({
  file: z.string().meta({ format: 'binary' }),
  prompt: z.string().optional(),
  speakers: z.int().min(1).max(20).optional(),
  ...wishes,
});
const textFields = z.object({
  ...wishes,
  prompt: z.string().max(2000).optional(),
  speakers: z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(1, 'must be 1 to 20')
    .max(20, 'must be 1 to 20')
    .optional(),
  stream: z.enum(['true', 'false'], 'must be true or false').default('false'),
  resume: z.enum(['true', 'false'], 'must be true or false').default('true'),
});

/** Throws `invalid_request`. */
export function parseMinutesForm(form: FormData): { file: File; wishes: MinutesWishes } {
  const file = form.get('file');
  if (file === null || typeof file === 'string') throw refuse('file', 'must be a file');
  const fields: Record<string, string> = {};
  for (const name of Object.keys(textFields.shape)) {
    const value = form.get(name);
    if (value !== null && typeof value !== 'string') throw refuse(name, 'must be text');
    if (value !== null && value !== '') fields[name] = name === 'language' ? value.toLowerCase() : value;
  }
  const parsed = parseWire(textFields, fields);
  return { file, wishes: wishesOf({ ...parsed, stream: parsed.stream === 'true', resume: parsed.resume === 'true' }) };
}

/** Throws `invalid_request`. */
export function parseMinutesRequest(body: unknown): { transcript: MeetingTranscript; wishes: MinutesWishes } {
  const { transcript, ...rest } = parseWire(minutesRequestSchema, body);
  const lines = linesOf(transcript);
  if (lines.length === 0) throw refuse('transcript', 'must have segments or a text in which something is said');
  const language = codeOf(transcript.language);
  return {
    transcript: {
      lines,
      ...(language === undefined ? {} : { language }),
      ...(transcript.duration === undefined ? {} : { durationSeconds: transcript.duration }),
    },
    wishes: wishesOf(rest),
  };
}

type Wire = {
  model?: string | undefined;
  language?: string | undefined;
  prompt?: string | undefined;
  speakers?: number | undefined;
  title?: string | undefined;
  date?: string | undefined;
  response_format: MinutesForm;
  stream: boolean;
  resume: boolean;
};

function wishesOf(wire: Wire): MinutesWishes {
  const { model, language, prompt, title, date, speakers } = wire;
  return {
    form: wire.response_format,
    stream: wire.stream,
    resume: wire.resume,
    ...(model === undefined ? {} : { model }),
    ...(language === undefined ? {} : { language }),
    ...(prompt === undefined ? {} : { prompt }),
    ...(title === undefined ? {} : { title }),
    ...(date === undefined ? {} : { date }),
    ...(speakers === undefined ? {} : { speakers }),
  };
}

function linesOf({ segments, text }: z.infer<typeof transcriptSchema>): TranscriptLine[] {
  if (segments === undefined || segments.length === 0) {
    return (text ?? '')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .map(namedLine);
  }
  let last = 0;
  return segments
    .filter((segment) => segment.text.trim() !== '')
    .map((segment): TranscriptLine => {
      const start = segment.start ?? last;
      last = Math.max(start, segment.end ?? start);
      const { speaker } = segment;
      const line = { start, end: last, text: segment.text };
      return speaker ? Object.assign(line, { speaker }) : line;
    });
}

/** `Anna: Good morning` → Anna says it. Lines stand one second after the other, as nothing tells their times. */
function namedLine(line: string, index: number): TranscriptLine {
  const [, speaker, text] = /^([\p{L}][\p{L}\p{N}. ]{0,30}?)[:：](?!\d)\s*(\S.*)$/u.exec(line) ?? [];
  const time = { start: index, end: index + 1 };
  return speaker === undefined || text === undefined ? { ...time, text: line } : { ...time, text, speaker };
}

const namesOfLanguages = new Intl.DisplayNames(['en'], { type: 'language' });
const known = [
  'zh',
  'en',
  'yue',
  'ja',
  'ko',
  'de',
  'fr',
  'es',
  'it',
  'pt',
  'nl',
  'ru',
  'uk',
  'pl',
  'tr',
  'ar',
  'vi',
  'th',
];

/** `verbose_json` names languages in English. */
function codeOf(language: string | undefined): string | undefined {
  if (language === undefined) return undefined;
  const name = language.toLowerCase();
  if (/^[a-z]{2,3}$/.test(name)) return name;
  return known.find((code) => namesOfLanguages.of(code)?.toLowerCase() === name);
}

export function minutesBody(minutes: Minutes, { id, created }: { id: string; created: number }): object {
  return {
    id,
    object: 'minutes',
    created,
    title: minutes.title,
    language: minutes.language,
    date: minutes.date ?? null,
    duration: round(minutes.durationSeconds),
    speakers: minutes.speakers,
    summary: minutes.summary,
    decisions: minutes.decisions.map(({ text, at }) => ({ text, at: round(at) })),
    actions: minutes.actions.map(({ text, at, owner, due }) => ({
      task: text,
      owner: owner ?? null,
      due: due === undefined ? null : { text: due.text, date: due.date ?? null },
      at: round(at),
    })),
    open_questions: minutes.questions.map(({ text, at }) => ({ text, at: round(at) })),
    transcript: minutes.transcript.map(lineBody),
    without_notes: minutes.withoutNotes,
    left_out: minutes.leftOut,
    models: minutes.models,
    receipts: minutes.receipts,
  };
}

export function progressEvent(progress: MinutesProgress): object {
  if (progress.stage !== 'hearing') return { type: 'minutes.progress', ...progress };
  const { stage, heardSeconds, totalSeconds } = progress;
  return { type: 'minutes.progress', stage, done: round(heardSeconds), total: totalSeconds ?? null };
}

export function lineEvent(line: TranscriptLine): object {
  return { type: 'minutes.transcript.line', line: lineBody(line) };
}

function lineBody({ start, end, text, speaker }: TranscriptLine): object {
  return { start: round(start), end: round(end), speaker: speaker ?? null, text };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
