/** Sound → transcript, going on after the last window that an earlier run finished. */
import type { AudioPart } from '../core/chat.ts';
import type { MeetingTranscript, MinutesOptions, TranscriptLine } from '../core/minutes.ts';
import type { Transcriber } from '../core/perception.ts';
import type { StateFile } from './state-file.ts';

/** The end of what was said before helps the first window that is heard anew. Characters. */
const carriedCharacters = 200;

/** Throws what the transcriber throws. */
export async function hearMeeting(
  audio: AudioPart,
  transcriber: Transcriber,
  state: StateFile,
  options: MinutesOptions,
): Promise<MeetingTranscript> {
  const before = replay(state);
  for (const line of before.lines) options.onLine?.(line);
  if (before.whole !== undefined) {
    const { language, seconds, model } = before.whole;
    return { lines: before.lines, language, durationSeconds: seconds, model };
  }
  const lines = [...before.lines];
  const language = options.language ?? before.language;
  const spoken = lines
    .map(({ text }) => text)
    .join(' ')
    .slice(-carriedCharacters);
  const prompt = [options.prompt, spoken].filter(Boolean).join(' ');
  // Records must stand in the order of what they tell.
  let written = Promise.resolve();
  const note = (record: Parameters<StateFile['append']>[0]): void => {
    written = written.then(() => state.append(record));
  };
  const hearing = transcriber.transcribe(audio, {
    signal: options.signal,
    fromSeconds: before.seconds,
    ...(language === undefined ? {} : { language }),
    ...(prompt === '' ? {} : { prompt }),
    onLanguage: (code) => note({ type: 'language', language: code }),
    onSegment({ start, end, text }) {
      const line: TranscriptLine = { start, end, text: text.trim() };
      lines.push(line);
      note({ type: 'line', line });
      options.onLine?.(line);
    },
    onProgress(heardSeconds, totalSeconds) {
      note({ type: 'heard', seconds: heardSeconds });
      const total = totalSeconds === undefined ? {} : { totalSeconds };
      options.onProgress?.({ stage: 'hearing', heardSeconds, ...total });
    },
  });
  // What was heard is kept also where the rest is not: the file is closed then.
  let transcript: Awaited<typeof hearing>;
  try {
    transcript = await hearing;
  } finally {
    await written;
  }
  note({
    type: 'all-heard',
    language: transcript.language,
    seconds: transcript.durationSeconds,
    model: transcript.model,
  });
  await written;
  const { durationSeconds, model } = transcript;
  return { lines, language: transcript.language, durationSeconds, model };
}

type Replayed = {
  lines: TranscriptLine[];
  /** From here on it has to be heard. */
  seconds: number;
  language?: string;
  whole?: { language: string; seconds: number; model: string };
};

/** Lines of a window that was not finished are heard again. */
function replay(state: StateFile): Replayed {
  const result: Replayed = { lines: [], seconds: 0 };
  let pending: TranscriptLine[] = [];
  const settle = (): void => {
    result.lines.push(...pending);
    pending = [];
  };
  for (const record of state.earlier) {
    if (record.type === 'language') result.language = record.language;
    else if (record.type === 'line') pending.push(record.line);
    else if (record.type === 'heard') {
      // A second run hears the unfinished window again: what the first one wrote of it stands no more.
      if (record.seconds <= result.seconds && pending.length > 0) pending = [];
      else settle();
      result.seconds = Math.max(result.seconds, record.seconds);
    } else if (record.type === 'all-heard') {
      settle();
      result.whole = record;
    }
  }
  return result;
}
