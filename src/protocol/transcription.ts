/** OpenAI's audio endpoints: form fields → options, transcripts → its five forms. */
import { z } from 'zod';
import type { Transcript, TranscriptSegment } from '../core/perception.ts';
import { refuse } from './parse-wire.ts';

export type TranscriptForm = 'json' | 'text' | 'srt' | 'vtt' | 'verbose_json';
export type ParsedTranscription = {
  file: File;
  form: TranscriptForm;
  stream: boolean;
  words: boolean;
  segments: boolean;
  language?: string;
  prompt?: string;
  temperature: number;
};

const formSchema = z.enum(['json', 'text', 'srt', 'vtt', 'verbose_json']);
const granularitySchema = z.enum(['word', 'segment']);
/** For the description of the interface; `parseTranscription` reads the form itself. */
export const audioFormSchema = z.object({
  file: z.string().meta({ format: 'binary' }),
  model: z.string().optional(),
  language: z.string().optional(),
  prompt: z.string().optional(),
  response_format: formSchema.default('json'),
  temperature: z.number().min(0).max(1).default(0),
  'timestamp_granularities[]': z.array(granularitySchema).optional(),
  stream: z.boolean().default(false),
});
const languageNames = new Intl.DisplayNames(['en'], { type: 'language' });

/** The fields of a form. Unknown ones are let pass, as OpenAI adds some. Throws `invalid_request`. */
export function parseTranscription(form: FormData): ParsedTranscription {
  const file = form.get('file');
  if (file === null || typeof file === 'string') throw refuse('file', 'must be a file');
  const text = (name: string): string | undefined => {
    const value = form.get(name);
    if (value !== null && typeof value !== 'string') throw refuse(name, 'must be text');
    return value === null || value === '' ? undefined : value;
  };
  const shape = formSchema.safeParse(text('response_format') ?? 'json');
  if (!shape.success) throw refuse('response_format', 'must be json, text, srt, vtt or verbose_json');
  const temperature = Number(text('temperature') ?? 0);
  if (!(temperature >= 0 && temperature <= 1)) throw refuse('temperature', 'must be a number from 0 to 1');
  const stream = text('stream') ?? 'false';
  if (!['true', 'false'].includes(stream)) throw refuse('stream', 'must be true or false');
  const wanted = [...form.getAll('timestamp_granularities[]'), ...form.getAll('timestamp_granularities')];
  const granularities = wanted.map((each) => {
    const parsed = granularitySchema.safeParse(each);
    if (!parsed.success) throw refuse('timestamp_granularities', 'must hold word or segment');
    return parsed.data;
  });
  if (granularities.length > 0 && shape.data !== 'verbose_json') {
    throw refuse('timestamp_granularities', 'needs the response_format verbose_json');
  }
  const language = text('language')?.toLowerCase();
  const prompt = text('prompt');
  return {
    file,
    form: shape.data,
    stream: stream === 'true',
    words: granularities.includes('word'),
    segments: granularities.length === 0 || granularities.includes('segment'),
    temperature,
    ...(language === undefined ? {} : { language }),
    ...(prompt === undefined ? {} : { prompt }),
  };
}

/** The body of an answer, and its media type. */
export function transcriptionBody(
  transcript: Transcript,
  wanted: Pick<ParsedTranscription, 'form' | 'words' | 'segments'>,
  task: 'transcribe' | 'translate',
): { contentType: string; body: string } {
  switch (wanted.form) {
    case 'text':
      return { contentType: 'text/plain; charset=utf-8', body: `${transcript.text}\n` };
    case 'srt':
      return { contentType: 'application/x-subrip; charset=utf-8', body: subRip(transcript.segments) };
    case 'vtt':
      return { contentType: 'text/vtt; charset=utf-8', body: webVtt(transcript.segments) };
    case 'json':
      return json({ text: transcript.text, usage: usage(transcript) });
    case 'verbose_json':
      return json({
        task,
        language: languageNames.of(transcript.language)?.toLowerCase() ?? transcript.language,
        duration: round(transcript.durationSeconds),
        text: transcript.text,
        ...(wanted.segments ? { segments: transcript.segments.map(segmentBody) } : {}),
        ...(wanted.words ? { words: transcript.segments.flatMap(wordBodies) } : {}),
        usage: usage(transcript),
      });
  }
}

export function deltaEvent(segment: TranscriptSegment, isFirst: boolean): object {
  return { type: 'transcript.text.delta', delta: isFirst ? segment.text.trimStart() : segment.text };
}

export function doneEvent(transcript: Transcript): object {
  return { type: 'transcript.text.done', text: transcript.text, usage: usage(transcript) };
}

export function subRip(segments: readonly TranscriptSegment[]): string {
  return segments
    .map(({ start, end, text }, index) => `${index + 1}\n${time(start, ',')} --> ${time(end, ',')}\n${line(text)}\n\n`)
    .join('');
}

export function webVtt(segments: readonly TranscriptSegment[]): string {
  const cues = segments.map(({ start, end, text }) => `${time(start, '.')} --> ${time(end, '.')}\n${line(text)}\n\n`);
  return `WEBVTT\n\n${cues.join('')}`;
}

/** An arrow or an empty line in the words would end the cue. */
function line(text: string): string {
  return text
    .trim()
    .replaceAll('-->', '→')
    .replaceAll(/\s*\n\s*/g, ' ');
}

function time(seconds: number, mark: string): string {
  const milliseconds = Math.max(0, Math.round(seconds * 1000));
  const part = (value: number, digits: number): string => String(value).padStart(digits, '0');
  const hours = part(Math.floor(milliseconds / 3_600_000), 2);
  const minutes = part(Math.floor(milliseconds / 60_000) % 60, 2);
  return `${hours}:${minutes}:${part(Math.floor(milliseconds / 1000) % 60, 2)}${mark}${part(milliseconds % 1000, 3)}`;
}

function segmentBody(segment: TranscriptSegment, id: number): object {
  return {
    id,
    seek: Math.round(segment.start * 100),
    start: round(segment.start),
    end: round(segment.end),
    text: segment.text,
    tokens: segment.tokens ?? [],
    temperature: segment.temperature ?? 0,
    avg_logprob: segment.averageLogprob,
    compression_ratio: segment.compressionRatio ?? 1,
    no_speech_prob: segment.noSpeechProbability,
  };
}

function wordBodies({ words = [] }: TranscriptSegment): object[] {
  return words.map(({ text, start, end }) => ({ word: text.trim(), start: round(start), end: round(end) }));
}

function usage({ durationSeconds }: Transcript): object {
  return { type: 'duration', seconds: Math.ceil(durationSeconds) };
}

function json(body: object): { contentType: string; body: string } {
  return { contentType: 'application/json; charset=utf-8', body: JSON.stringify(body) };
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
