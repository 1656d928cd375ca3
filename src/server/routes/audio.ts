import type { Hono } from 'hono';
import type { Transcriber, Transcript, TranscriptSegment } from '../../core/perception.ts';
import {
  deltaEvent,
  doneEvent,
  parseTranscription,
  transcriptionBody,
  type ParsedTranscription,
} from '../../protocol/transcription.ts';
import type { Entry, EntryContext, EntryEnv } from '../entry.ts';
import { progressStream, runAdmitted } from '../progress-stream.ts';
import { readForm } from '../read-body.ts';
import { baseHeaders } from '../respond.ts';

type Task = 'transcribe' | 'translate';

/** OpenAI's `/v1/audio/transcriptions` and `/v1/audio/translations`; always heard on the device. */
export function addAudioRoutes(app: Hono<EntryEnv>, entry: Entry, transcriber: Transcriber): void {
  const paths = [
    ['/v1/audio/transcriptions', 'transcribe'],
    ['/v1/audio/translations', 'translate'],
  ] as const;
  for (const [path, task] of paths) {
    app.post(path, async (c) => {
      const parsed = parseTranscription(await readForm(c, entry.options));
      const bytes = new Uint8Array(await parsed.file.arrayBuffer());
      return answer(entry, c, { transcriber, parsed, bytes, task });
    });
  }
}

type Work = { transcriber: Transcriber; parsed: ParsedTranscription; bytes: Uint8Array; task: Task };

async function answer(entry: Entry, c: EntryContext, work: Work): Promise<Response> {
  if (work.parsed.stream) {
    // Each segment as soon as it is there.
    return progressStream(entry, c, async (push, signal) => {
      let sent = 0;
      return doneEvent(await hear(work, signal, (segment) => push(deltaEvent(segment, sent++ === 0))));
    });
  }
  const transcript = await runAdmitted(entry, c, (signal) => hear(work, signal));
  const { contentType, body } = transcriptionBody(transcript, work.parsed, work.task);
  return new Response(body, { headers: { ...baseHeaders(c), 'content-type': contentType } });
}

function hear(
  { transcriber, parsed, bytes, task }: Work,
  signal: AbortSignal,
  onSegment?: (segment: TranscriptSegment) => void,
): Promise<Transcript> {
  const { language, prompt, words, temperature } = parsed;
  return transcriber.transcribe(
    { type: 'audio', bytes, format: parsed.file.type },
    {
      signal,
      task,
      words,
      temperature,
      ...(language === undefined ? {} : { language }),
      ...(prompt === undefined ? {} : { prompt }),
      ...(onSegment === undefined ? {} : { onSegment }),
    },
  );
}
