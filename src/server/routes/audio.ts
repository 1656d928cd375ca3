import type { Hono } from 'hono';
import type { DuanyunError } from '../../core/errors.ts';
import { makeError } from '../../core/errors.ts';
import type { Transcriber, Transcript, TranscriptSegment } from '../../core/perception.ts';
import { errorBody } from '../../protocol/error-body.ts';
import {
  deltaEvent,
  doneEvent,
  parseTranscription,
  transcriptionBody,
  type ParsedTranscription,
} from '../../protocol/transcription.ts';
import { abortWithClient } from '../answer-request.ts';
import { admit, type Entry, type EntryContext, type EntryEnv, finishRequest } from '../entry.ts';
import { normalised } from '../error-response.ts';
import { readForm } from '../read-body.ts';
import { baseHeaders } from '../respond.ts';
import { sseBody } from '../sse-body.ts';

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
  const controller = new AbortController();
  const leave = admit(entry, controller);
  const unlink = abortWithClient(c, controller);
  const release = (): void => {
    unlink();
    leave();
  };
  if (work.parsed.stream) return streamed(entry, c, work, { controller, release });
  try {
    const transcript = await hear(work, controller.signal);
    const { contentType, body } = transcriptionBody(transcript, work.parsed, work.task);
    return new Response(body, { headers: { ...baseHeaders(c), 'content-type': contentType } });
  } catch (error) {
    throw normalised(error, c.get('requestId'), controller.signal);
  } finally {
    release();
  }
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

/** Each segment as soon as it is there. What fails before the first one is an HTTP status. */
async function streamed(
  entry: Entry,
  c: EntryContext,
  work: Work,
  { controller, release }: { controller: AbortController; release: () => void },
): Promise<Response> {
  const frames: string[] = [];
  let wake = (): void => {};
  let sent = 0;
  let failure: DuanyunError | undefined;
  const state = { over: false };
  const push = (event: object): void => {
    frames.push(`data: ${JSON.stringify(event)}\n\n`);
    wake();
  };
  const run = hear(work, controller.signal, (segment) => push(deltaEvent(segment, sent++ === 0)))
    .then((transcript) => push(doneEvent(transcript)))
    .catch((error: unknown) => {
      failure = normalised(error, c.get('requestId'), controller.signal);
      push(errorBody(failure));
    })
    .finally(() => {
      state.over = true;
      wake();
    });
  const next = async (): Promise<{ frames: string; last: boolean }> => {
    while (frames.length === 0 && !state.over) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return { frames: frames.splice(0).join(''), last: state.over };
  };
  const inTime = await Promise.race([
    run.then(() => true),
    new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), entry.options.keepAliveMs);
      void run.finally(() => clearTimeout(timer));
      wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    }),
  ]);
  if (failure !== undefined && sent === 0) {
    release();
    throw failure;
  }
  c.set('streaming', true);
  const finish = (error?: DuanyunError): void => {
    release();
    finishRequest(entry, c, error?.code === 'client_closed' ? error.status : 200, error);
  };
  const source = {
    next,
    abandon(): boolean {
      controller.abort();
      finish(makeError('client_closed', {}));
      return false;
    },
    finished: () => finish(failure),
  };
  const { keepAliveMs, writeStallMs } = entry.options;
  return new Response(sseBody(source, { keepAliveMs, writeStallMs, keepAliveFirst: !inTime }), {
    headers: {
      ...baseHeaders(c),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'x-accel-buffering': 'no',
    },
  });
}
