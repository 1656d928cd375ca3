/**
 * A recording or a transcript → minutes: hear it, take notes of each part (map), hold them against the transcript, and write
 * the summary and the title from the notes (reduce). The lists are merged here, not by the model, so that nothing is made up.
 */
import { createHash } from 'node:crypto';
import type { AudioPart } from '../core/chat.ts';
import type { Clock } from '../core/clock.ts';
import { makeError } from '../core/errors.ts';
import type { InferenceService } from '../core/inference.ts';
import type { Log } from '../core/log.ts';
import type {
  MeetingTranscript,
  Minutes,
  MinutesMaker,
  MinutesOptions,
  MinutesSource,
  TranscriptLine,
} from '../core/minutes.ts';
import type { SpeakerReader, Transcriber } from '../core/perception.ts';
import { checkNotes, type CheckedNotes } from './check-notes.ts';
import { hearMeeting } from './hear-meeting.ts';
import { estimateTokens, guessLanguage, type Part, toLines, toParts } from './lines.ts';
import { backedSentences, mergeItems, tellingLines } from './merge-notes.ts';
import { ModelCalls } from './model-calls.ts';
import {
  notesForm,
  notesSchema,
  notesTokens,
  type Prompts,
  promptsOf,
  summaryForm,
  summarySchema,
  summaryTokens,
  titleForm,
  titleSchema,
  titleTokens,
} from './notes.ts';
import { openStateFile, type StateFile } from './state-file.ts';
import { shareIn, wordsOf } from './words.ts';

/** Changes whenever an older state would no longer fit. */
const stateVersion = 1;
/** A small model loses the thread of more, and a large one gains nothing for such notes. Tokens. */
const mostPartTokens = 700;
/** Where the model does not say. */
const usualContextTokens = 2048;
/** Beside the transcript: instructions and template. */
const promptTokens = 320;

export type MinutesParts = {
  service: InferenceService;
  /** Without it only transcripts are taken. */
  transcriber?: Transcriber;
  /** Without it speakers are not told apart. */
  speakers?: SpeakerReader;
  /** Where the states of unfinished jobs lie. */
  stateDirectory: string;
  clock: Clock;
  log: Log;
  newId: () => string;
};

export class LocalMinutes implements MinutesMaker {
  readonly #parts: MinutesParts;

  constructor(parts: MinutesParts) {
    this.#parts = parts;
  }

  async make(source: MinutesSource, options: MinutesOptions): Promise<Minutes> {
    const { stateDirectory: directory, clock, log } = this.#parts;
    const { signal } = options;
    const state: StateFile =
      options.resume === false
        ? { earlier: [], append: async () => {}, close: async () => {} }
        : await openStateFile({ directory, key: keyOf(source, options), clock, log, signal });
    let isFinished = false;
    try {
      const minutes = await this.#make(source, options, state);
      isFinished = true;
      return minutes;
    } catch (error) {
      // What is wrong in itself stays wrong.
      isFinished = (error as { status?: number }).status === 400;
      throw error;
    } finally {
      await state.close(isFinished);
    }
  }

  async #make(source: MinutesSource, options: MinutesOptions, state: StateFile): Promise<Minutes> {
    const heard = await this.#transcript(source, options, state);
    const said = toLines(heard.lines);
    if (said.length === 0) throw makeError('invalid_request', { reason: 'Nobody says anything in this meeting.' });
    const language = options.language ?? heard.language ?? guessLanguage(said);
    const prompts = promptsOf(language);
    const lines = source.kind === 'sound' ? await this.#tellSpeakers(source.audio, said, prompts, options) : said;
    const { service, newId } = this.#parts;
    const { model = 'auto', signal } = options;
    const calls = new ModelCalls({ service, model, state, signal, newId });
    const { notes, summaries, withoutNotes } = await this.#takeNotes(lines, { calls, prompts, language, options });
    options.onProgress?.({ stage: 'summary', done: 0, total: 1 });
    const spoken = transcriptText(lines);
    const written = await this.#summarise(summaries, { calls, prompts, spoken });
    // Rather the words of the meeting than none.
    const summary = written.text === '' ? { ...written, text: tellingLines(lines) } : written;
    const title = options.title ?? (await titleOf(summary.text, { calls, prompts, spoken }));
    options.onProgress?.({ stage: 'summary', done: 1, total: 1 });
    return {
      title,
      summary: summary.text,
      language,
      ...(options.date === undefined ? {} : { date: options.date }),
      durationSeconds: heard.durationSeconds ?? lines.at(-1)?.end ?? 0,
      speakers: speakersOf(lines),
      ...notes,
      leftOut: notes.leftOut + summary.leftOut,
      transcript: lines,
      withoutNotes,
      models: { ...(heard.model === undefined ? {} : { speech: heard.model }), language: calls.model },
      receipts: calls.receipts,
    };
  }

  async #transcript(source: MinutesSource, options: MinutesOptions, state: StateFile): Promise<MeetingTranscript> {
    if (source.kind === 'transcript') return source.transcript;
    const { transcriber } = this.#parts;
    if (transcriber === undefined)
      throw makeError('module_not_installed', { module: 'speech', reason: 'there is none' });
    return hearMeeting(source.audio, transcriber, state, options);
  }

  async #tellSpeakers(
    audio: AudioPart,
    lines: TranscriptLine[],
    prompts: Prompts,
    options: MinutesOptions,
  ): Promise<TranscriptLine[]> {
    const { signal, speakers: count } = options;
    const { speakers: reader } = this.#parts;
    if (reader === undefined || count === 1) return lines;
    const told = await reader.tellSpeakers(audio, lines, {
      signal,
      ...(count === undefined ? {} : { count }),
      onProgress: (done) => options.onProgress?.({ stage: 'speakers', done, total: lines.length }),
    });
    // One voice for all of them tells nothing.
    if (told === undefined || new Set(told).size < 2) return lines;
    return lines.map((line, index) => Object.assign(line, { speaker: prompts.speaker((told[index] ?? 0) + 1) }));
  }

  async #takeNotes(
    lines: readonly TranscriptLine[],
    {
      calls,
      prompts,
      language,
      options,
    }: { calls: ModelCalls; prompts: Prompts; language: string; options: MinutesOptions },
  ): Promise<{ notes: CheckedNotes; summaries: string[]; withoutNotes: Minutes['withoutNotes'] }> {
    const context = this.#contextTokens();
    const size = Math.max(100, Math.min(mostPartTokens, context - notesTokens - promptTokens));
    const queue = toParts(lines, size);
    const found: CheckedNotes[] = [];
    const summaries: string[] = [];
    const withoutNotes: Minutes['withoutNotes'] = [];
    const { date } = options;
    const checkOptions = { language, ...(date === undefined ? {} : { date }) };
    let total = queue.length;
    let done = 0;
    for (let part = queue.shift(); part !== undefined; part = queue.shift()) {
      options.onProgress?.({ stage: 'notes', done, total });
      const notes = await calls.ask({
        system: prompts.system,
        text: prompts.notes(transcriptText(part.lines)),
        form: notesForm,
        schema: notesSchema,
        maxTokens: notesTokens,
      });
      const halves = notes === undefined ? halvesOf(part) : [];
      if (halves.length > 0) {
        queue.unshift(...halves);
        total += 1;
        continue;
      }
      done++;
      // Where the model fails even at a single line, the words of the transcript still count.
      found.push(checkNotes(notes ?? { decisions: [], actions: [], questions: [] }, part.lines, checkOptions));
      if (notes === undefined)
        withoutNotes.push({ start: part.lines[0]?.start ?? 0, end: part.lines.at(-1)?.end ?? 0 });
      else summaries.push(notes.summary);
    }
    options.onProgress?.({ stage: 'notes', done, total });
    const notes: CheckedNotes = {
      decisions: mergeItems(found.flatMap((each) => each.decisions)),
      actions: mergeItems(found.flatMap((each) => each.actions)),
      questions: mergeItems(found.flatMap((each) => each.questions)),
      leftOut: found.reduce((sum, each) => sum + each.leftOut, 0),
    };
    return { notes, summaries, withoutNotes };
  }

  /** Summaries of summaries until one is left. What the meeting does not bear out goes at every step. */
  async #summarise(
    summaries: readonly string[],
    { calls, prompts, spoken }: { calls: ModelCalls; prompts: Prompts; spoken: string },
  ): Promise<{ text: string; leftOut: number }> {
    let leftOut = 0;
    const checked = (text: string): string => {
      const backed = backedSentences(text, spoken);
      leftOut += backed.leftOut;
      return backed.text;
    };
    let level = summaries.map(checked).filter((text) => text !== '');
    while (level.length > 1) {
      const next: string[] = [];
      for (const group of groupsOf(level, mostPartTokens)) {
        if (group.length === 1) {
          next.push(...group);
          continue;
        }
        const answer = await calls.ask({
          system: prompts.system,
          text: prompts.summary(group.map((text) => `- ${text}`).join('\n')),
          form: summaryForm,
          schema: summarySchema,
          maxTokens: summaryTokens,
        });
        const text = checked(answer?.summary ?? '');
        // Rather all of it at length than nothing.
        next.push(text === '' ? group.join(' ') : text);
      }
      if (next.length === level.length) return { text: next.join(' '), leftOut };
      level = next;
    }
    return { text: level[0] ?? '', leftOut };
  }

  #contextTokens(): number {
    const models = this.#parts.service.models();
    const contexts = models.map(({ capabilities }) => capabilities.contextTokens).filter((tokens) => tokens > 0);
    return contexts.length === 0 ? usualContextTokens : Math.min(...contexts);
  }
}

/** The same job, whoever asks for it again. */
function keyOf(source: MinutesSource, { model, language, prompt }: MinutesOptions): string {
  const hash = createHash('sha256').update(JSON.stringify([stateVersion, model, language, prompt]));
  if (source.kind === 'sound') hash.update(source.audio.bytes);
  else hash.update(JSON.stringify(source.transcript));
  return hash.digest('hex').slice(0, 32);
}

async function titleOf(
  summary: string,
  { calls, prompts, spoken }: { calls: ModelCalls; prompts: Prompts; spoken: string },
): Promise<string> {
  if (summary === '') return prompts.untitled;
  const answer = await calls.ask({
    system: prompts.system,
    text: prompts.title(summary),
    form: titleForm,
    schema: titleSchema,
    maxTokens: titleTokens,
  });
  const title = (answer?.title ?? '').replaceAll(/\s+/g, ' ').trim();
  return shareIn(wordsOf(title), wordsOf(`${spoken} ${summary}`)) >= 0.3 ? title : prompts.untitled;
}

function transcriptText(lines: readonly TranscriptLine[]): string {
  return lines.map(({ speaker, text }) => (speaker === undefined ? text : `${speaker}: ${text}`)).join('\n');
}

function halvesOf({ lines }: Part): Part[] {
  if (lines.length < 2) return [];
  const middle = Math.ceil(lines.length / 2);
  return [{ lines: lines.slice(0, middle) }, { lines: lines.slice(middle) }];
}

function groupsOf(texts: readonly string[], mostTokens: number): string[][] {
  const groups: string[][] = [];
  let tokens = 0;
  for (const text of texts) {
    const more = estimateTokens(text);
    const last = groups.at(-1);
    if (last !== undefined && tokens + more <= mostTokens) {
      last.push(text);
      tokens += more;
    } else {
      groups.push([text]);
      tokens = more;
    }
  }
  return groups;
}

function speakersOf(lines: readonly TranscriptLine[]): Minutes['speakers'] {
  const seconds = new Map<string, number>();
  for (const { speaker, start, end } of lines) {
    if (speaker !== undefined) seconds.set(speaker, (seconds.get(speaker) ?? 0) + Math.max(0, end - start));
  }
  return [...seconds].map(([name, total]) => ({ name, seconds: Math.round(total) }));
}
