import type { Hono } from 'hono';
import type { Minutes, MinutesMaker, MinutesSource } from '../../core/minutes.ts';
import {
  lineEvent,
  minutesBody,
  type MinutesWishes,
  parseMinutesForm,
  parseMinutesRequest,
  progressEvent,
} from '../../protocol/minutes.ts';
import { minutesMarkdown } from '../../protocol/minutes-markdown.ts';
import { type Entry, type EntryContext, type EntryEnv, newId } from '../entry.ts';
import { progressStream, runAdmitted } from '../progress-stream.ts';
import { readForm, readJson } from '../read-body.ts';
import { baseHeaders, json } from '../respond.ts';

/** A transcript of hours has many lines. */
const jsonLimits = { maxDepth: 8, maxValues: 400_000 };

/** `POST /v1/minutes`: a recording as a form, or a transcript as JSON; always made on the device. */
export function addMinutesRoutes(app: Hono<EntryEnv>, entry: Entry, maker: MinutesMaker): void {
  app.post('/v1/minutes', async (c) => {
    const { source, wishes } = await readRequest(entry, c);
    const { form, stream, ...options } = wishes;
    const head = { id: newId('minutes-'), created: Math.floor(entry.clock.wallTime() / 1000) };
    if (stream) {
      return progressStream(entry, c, async (push, signal) => {
        const minutes = await maker.make(source, {
          ...options,
          signal,
          onProgress: (progress) => push(progressEvent(progress)),
          onLine: (line) => push(lineEvent(line)),
        });
        return { type: 'minutes.done', ...resultOf(minutes, form, head) };
      });
    }
    const minutes = await runAdmitted(entry, c, (signal) => maker.make(source, { ...options, signal }));
    if (form === 'json') return json(c, minutesBody(minutes, head));
    return new Response(minutesMarkdown(minutes), {
      headers: { ...baseHeaders(c), 'content-type': 'text/markdown; charset=utf-8' },
    });
  });
}

async function readRequest(entry: Entry, c: EntryContext): Promise<{ source: MinutesSource; wishes: MinutesWishes }> {
  if (/^multipart\/form-data/i.test(c.req.header('content-type') ?? '')) {
    const { file, wishes } = parseMinutesForm(await readForm(c, entry.options));
    const bytes = new Uint8Array(await file.arrayBuffer());
    return { source: { kind: 'sound', audio: { type: 'audio', bytes, format: file.type } }, wishes };
  }
  const { transcript, wishes } = parseMinutesRequest(await readJson(c, entry.options, jsonLimits));
  return { source: { kind: 'transcript', transcript }, wishes };
}

function resultOf(
  minutes: Minutes,
  form: MinutesWishes['form'],
  head: { id: string; created: number },
): { minutes: object; markdown?: string } {
  return {
    minutes: minutesBody(minutes, head),
    ...(form === 'markdown' ? { markdown: minutesMarkdown(minutes) } : {}),
  };
}
